//! Where the messages of the stream come from: made up as time goes by, or out of an archive.

use std::time::Instant;

use crate::clock;
use crate::pacer::Pacer;
use crate::replay::{Next, Pace, Replay};
use crate::simulator::simulation::Simulation;

/// A closed set: what the feed sends.
pub(super) enum Source {
    /// A live stream: it goes on whether anybody listens or not.
    Simulated { simulation: Box<Simulation>, pacer: Pacer },
    /// A recorded one: it stands still while nobody listens, so that nothing is lost, and it ends.
    Replayed(Box<Replay>),
}

/// What came of asking for the next message.
pub(super) enum Given {
    /// It was appended.
    Message,
    /// None is due.
    Nothing,
    /// There will never be another one.
    Over,
}

impl Source {
    /// Appends the next message, and what comes with it, if it is due.
    pub(super) fn next(&mut self, now: Instant, messages: &mut Vec<u8>) -> Given {
        match self {
            Self::Simulated { pacer, .. } if pacer.due(now) == 0 => Given::Nothing,
            Self::Simulated { simulation, pacer } => {
                pacer.done(1);
                simulation.step(clock::now(), messages);
                Given::Message
            }
            Self::Replayed(replay) => match replay.next(now) {
                Next::Message(message) => {
                    messages.extend_from_slice(&message);
                    Given::Message
                }
                Next::NotYet => Given::Nothing,
                Next::Over => Given::Over,
            },
        }
    }

    /// Whether it goes on while nobody listens. If not, time stands still until `next`.
    pub(super) fn plays_to_nobody(&mut self) -> bool {
        match self {
            Self::Simulated { .. } => true,
            Self::Replayed(replay) => {
                replay.pause();
                // Then there is only the end to tell, and that is told to nobody too: a client left with its last message.
                replay.is_over()
            }
        }
    }

    /// Whether clients that read slowly are waited for: as fast as they can is then what was asked for.
    pub(super) fn waits_for_clients(&self) -> bool {
        match self {
            Self::Simulated { .. } => false,
            Self::Replayed(replay) => replay.pace() == Pace::FlatOut,
        }
    }
}

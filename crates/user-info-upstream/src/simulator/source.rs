//! Where the stream's messages come from: made up as time goes by, or out of an archive.

use std::time::Instant;

use crate::clock;
use crate::pacer::Pacer;
use crate::replay::{Next, Pace, Replay};
use crate::simulator::SimulatorConfig;
use crate::simulator::simulation::Simulation;

/// A closed set: what the feed sends.
pub(super) enum Source {
    /// A live stream: it goes on whether anybody listens or not.
    Simulated { simulation: Box<Simulation>, pacer: Pacer },
    /// The same, as fast as everybody can read.
    Unpaced { simulation: Box<Simulation> },
    /// A recorded one: it stands still while nobody listens, so that nothing is lost, and it ends.
    Replayed(Box<Replay>),
}

/// How a source left a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// It is full, and there is more.
    Full,
    /// There is no more at this time.
    NothingMore,
    /// There will never be more.
    Over,
}

impl Source {
    /// A rate without an end means as fast as everybody can read.
    pub(super) fn simulated(config: SimulatorConfig) -> Self {
        let simulation = Box::new(Simulation::new(config.users, config.seed));
        if config.rate == f64::INFINITY {
            Self::Unpaced { simulation }
        } else {
            Self::Simulated { simulation, pacer: Pacer::new(config.rate, Instant::now()) }
        }
    }

    /// Whether it goes on while nobody listens. If not, time stands still until it is filled from again.
    pub(super) fn plays_to_nobody(&mut self) -> bool {
        match self {
            Self::Simulated { .. } => true,
            Self::Unpaced { .. } => false,
            Self::Replayed(replay) => {
                replay.pause();
                // Then there is only the end to tell, and that is told to nobody too: a client left with its last message.
                replay.is_over()
            }
        }
    }

    /// Whether readers set the pace: as fast as they can is then what was asked for.
    pub(super) fn waits_for_readers(&self) -> bool {
        match self {
            Self::Simulated { .. } => false,
            Self::Unpaced { .. } => true,
            Self::Replayed(replay) => replay.pace() == Pace::FlatOut,
        }
    }

    /// Appends whole messages that are due, until there are `bytes_max` of them or a few more.
    pub(super) fn fill(&mut self, chunk: &mut Vec<u8>, bytes_max: usize) -> Filled {
        while chunk.len() < bytes_max {
            match self.next(Instant::now(), chunk) {
                Filled::Full => {}
                end @ (Filled::NothingMore | Filled::Over) => return end,
            }
        }
        Filled::Full
    }

    /// Appends one message and what comes with it, if it is due.
    fn next(&mut self, now: Instant, chunk: &mut Vec<u8>) -> Filled {
        match self {
            Self::Simulated { pacer, .. } if pacer.due(now) == 0 => return Filled::NothingMore,
            Self::Simulated { simulation, pacer } => {
                pacer.done(1);
                simulation.step(clock::now(), chunk);
            }
            Self::Unpaced { simulation } => simulation.step(clock::now(), chunk),
            Self::Replayed(replay) => match replay.next(now) {
                Next::Message(message) => chunk.extend_from_slice(&message),
                Next::NotYet => return Filled::NothingMore,
                Next::Over => return Filled::Over,
            },
        }
        Filled::Full
    }
}

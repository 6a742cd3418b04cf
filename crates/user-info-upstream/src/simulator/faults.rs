//! What a test may want the server to do wrong. Pure: a seed decides.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::simulator::notices::DisconnectCode;

/// What goes wrong. The default is nothing. Counts are of messages of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// So many requests are answered 503 before one is answered with a stream.
    pub unavailable_first: u64,
    /// The stream is written in pieces of 1 to so many bytes, cut anywhere. 0: as it comes.
    pub piece_bytes_max: usize,
    /// So many messages in a thousand come twice.
    pub duplicate_per_mille: u32,
    /// So many messages in a thousand come after the one behind them.
    pub reorder_per_mille: u32,
    /// After so many messages nothing comes any more, not even a blank line, and the connection stays open.
    pub stall_after: Option<u64>,
    /// After so many messages the connection ends in the middle of the next one.
    pub cut_after: Option<u64>,
    /// After so many messages the server ends the stream with this reason.
    pub disconnect_after: Option<(u64, DisconnectCode)>,
    /// Decides which messages and where.
    pub seed: u64,
}

impl Faults {
    /// Whether anything goes wrong once a stream has begun.
    pub(super) fn touch_stream(&self) -> bool {
        self.piece_bytes_max > 0
            || self.duplicate_per_mille > 0
            || self.reorder_per_mille > 0
            || self.stall_after.is_some()
            || self.cut_after.is_some()
            || self.disconnect_after.is_some()
    }
}

/// What becomes of the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is sent.
    Send,
    /// It is never sent, nor is anything else.
    Stall,
    /// Half of it is sent.
    Cut,
    /// The stream ends instead.
    Disconnect(DisconnectCode),
}

/// The faults of one connection.
#[derive(Debug)]
pub(super) struct Mischief {
    faults: Faults,
    random: ChaCha8Rng,
    messages: u64,
}

impl Mischief {
    /// `connection` is its number, so that each has faults of its own.
    pub(super) fn new(faults: Faults, connection: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(faults.seed.wrapping_add(connection));
        Self { faults, random, messages: 0 }
    }

    /// Indices of `count` messages in the order in which they are sent.
    pub(super) fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for index in 1..count {
            if self.happens(self.faults.reorder_per_mille) {
                order.swap(index - 1, index);
            }
        }
        let twice =
            |index| std::iter::repeat_n(index, if self.happens(self.faults.duplicate_per_mille) { 2 } else { 1 });
        order.into_iter().flat_map(twice).collect()
    }

    /// Counts the next message, if it is sent, and says what becomes of it.
    pub(super) fn next(&mut self) -> Fate {
        let sent = self.messages;
        let reached = |after: Option<u64>| after.is_some_and(|after| sent >= after);
        if reached(self.faults.stall_after) {
            return Fate::Stall;
        }
        if reached(self.faults.cut_after) {
            return Fate::Cut;
        }
        match self.faults.disconnect_after {
            Some((after, code)) if sent >= after => Fate::Disconnect(code),
            Some(_) | None => {
                self.messages += 1;
                Fate::Send
            }
        }
    }

    /// Whether the message that was counted last was the last one before silence.
    pub(super) fn is_silent(&self) -> bool {
        self.faults.stall_after.is_some_and(|after| self.messages >= after)
    }

    /// How long the next piece is, of what is left; all of it if pieces are whole.
    pub(super) fn piece(&mut self, left: usize) -> usize {
        match self.faults.piece_bytes_max {
            0 => left,
            max => self.random.random_range(1..=max).min(left),
        }
    }

    fn happens(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.random.random_ratio(per_mille.min(1_000), 1_000)
    }
}

//! One client's stream: batches to bytes, and what the server itself says in between.
//!
//! It runs where the connection's bytes are written, and only as fast as they go out. Besides the queue, which shares its
//! chunks with all the others, a connection keeps the chunk that it is writing, as it stands and as it goes out, 300 KiB if
//! it is packed, 128 KiB in hyper's buffer and as much in the system's at most: below 1 MiB, as long as messages are of the usual size.
//!
//! Invariant: a message is written as a whole or, when the server is told to misbehave, visibly cut; whatever ends a stream,
//! what was begun is finished first if the client takes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::simulator::accounts::Seat;
use crate::simulator::batch::Batch;
use crate::simulator::departure::Departure;
use crate::simulator::faults::{Fate, Mischief};
use crate::simulator::framing::{Framing, Gzip};
use crate::simulator::kind::Kind;
use crate::simulator::notices::{self, DisconnectCode};
use crate::simulator::options::Upkeep;
use crate::simulator::request::StreamRequest;
use crate::simulator::traffic::Traffic;

/// A blank line.
const KEEP_ALIVE: Bytes = Bytes::from_static(b"\r\n");
/// Readers are warned when their queue is so full.
const WARN_AT_PERCENT: usize = 60;
/// Time between two warnings. As Twitter has it.
const WARN_EVERY: Duration = Duration::from_mins(5);
/// How long what was written before a cut may take to go out: the client is to see where it was made.
const CUT_AFTER: Duration = Duration::from_millis(500);
/// Time between two looks at the queue of a congested connection: a small part of what fills it.
const CONGESTION_LOOK: Duration = Duration::from_millis(5);
/// Time between two `limit` messages.
const LIMIT_EVERY: Duration = Duration::from_secs(1);

/// What a stream is made of.
pub(super) struct Delivery {
    request: StreamRequest,
    keep_alive_after: Duration,
    queue: mpsc::Receiver<Arc<Batch>>,
    departure: Arc<Departure>,
    mischief: Option<Mischief>,
    upkeep: Upkeep,
    /// Sent so far, but for what the server itself says.
    messages: u64,
    traffic: Arc<Traffic>,
    gzip: Option<Gzip>,
    /// On its way out.
    pieces: VecDeque<Bytes>,
    state: State,
    /// Statuses left out before the client came.
    left_out_before: Option<u64>,
    limit_told: (u64, Option<Instant>),
    warned_at: Option<Instant>,
    /// The account's, for as long as the stream lives.
    _seat: Seat,
}

/// Whose stream it is, and how it is written.
pub(super) struct Terms {
    pub(super) request: StreamRequest,
    pub(super) keep_alive_after: Duration,
    pub(super) departure: Arc<Departure>,
    /// None if nothing is to go wrong with the messages.
    pub(super) mischief: Option<Mischief>,
    pub(super) upkeep: Upkeep,
    pub(super) traffic: Arc<Traffic>,
    pub(super) seat: Seat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Live,
    /// Told to end; what is in the queue comes first.
    Leaving,
    /// Nothing goes out until the queue is so full that the reader is warned.
    Congested,
    /// Nothing comes any more, by mischief.
    Stalled,
    /// The connection ends when the pieces are out, by mischief.
    Cut,
    Over,
}

enum Event {
    Batch(Arc<Batch>),
    Silence,
    Ordered,
    Ended,
}

impl Delivery {
    pub(super) fn new(queue: mpsc::Receiver<Arc<Batch>>, terms: Terms) -> Self {
        let Terms { request, keep_alive_after, departure, mischief, mut upkeep, traffic, seat } = terms;
        if !request.stall_warnings {
            upkeep.congest_after = None;
        }
        Self {
            request,
            keep_alive_after,
            queue,
            departure,
            mischief,
            upkeep,
            messages: 0,
            traffic,
            gzip: request.gzip.then(Gzip::new),
            pieces: VecDeque::new(),
            state: State::Live,
            left_out_before: None,
            limit_told: (0, None),
            warned_at: None,
            _seat: seat,
        }
    }

    /// The next bytes of the stream. None: that was all.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                if self.mischief.is_some() {
                    // What is not ready is written by itself.
                    tokio::task::yield_now().await;
                }
                return Some(piece);
            }
            match self.state {
                State::Live | State::Leaving => self.proceed().await,
                State::Congested => self.wait_for_a_queue().await,
                State::Stalled => std::future::pending().await,
                State::Cut => self.cut().await,
                State::Over => return None,
            }
        }
    }

    async fn proceed(&mut self) {
        match self.wait().await {
            Event::Batch(batch) => self.write_batch(&batch),
            Event::Silence => self.write(KEEP_ALIVE),
            Event::Ordered => self.begin_leaving(),
            Event::Ended => self.take_leave(),
        }
    }

    async fn wait(&mut self) -> Event {
        tokio::select! {
            biased;
            () = self.departure.ordered(), if self.state == State::Live => Event::Ordered,
            received = timeout(self.keep_alive_after, self.queue.recv()) => match received {
                Ok(Some(batch)) => Event::Batch(batch),
                Ok(None) => Event::Ended,
                Err(_) => Event::Silence,
            },
        }
    }

    fn write_batch(&mut self, batch: &Batch) {
        self.warn_if_behind();
        if self.request.framing == Framing::Lines && self.mischief.is_none() {
            for (kind, count) in batch.counts() {
                self.traffic.add_messages(kind, count);
            }
            self.write(batch.bytes().clone());
        } else {
            self.compose(batch);
        }
        self.tell_limit(batch.left_out);
        self.keep_up(batch.messages().len());
    }

    /// What the server does to every connection after a number of messages.
    fn keep_up(&mut self, messages: usize) {
        let before = self.messages;
        self.messages += messages as u64;
        let is_due = |after: Option<u64>| after.is_some_and(|after| before < after && self.messages >= after);
        if is_due(self.upkeep.shed_after) {
            self.departure.order(DisconnectCode::ShedLoad);
        } else if is_due(self.upkeep.congest_after) && self.state == State::Live {
            self.state = State::Congested;
        }
    }

    /// Gives up when a blank line is due, or when the stream has to end.
    async fn wait_for_a_queue(&mut self) {
        let until = Instant::now() + self.keep_alive_after;
        // The next batch is taken before the queue is looked at again.
        while self.percent_full() <= WARN_AT_PERCENT && Instant::now() < until && self.departure.code().is_none() {
            tokio::time::sleep(CONGESTION_LOOK).await;
        }
        self.state = State::Live;
    }

    /// Writes message by message.
    fn compose(&mut self, batch: &Batch) {
        let messages: Vec<_> = batch.messages().collect();
        let order = match &mut self.mischief {
            Some(mischief) => mischief.order(messages.len()),
            None => (0..messages.len()).collect(),
        };
        let mut output = Vec::with_capacity(batch.bytes().len() + 8 * messages.len());
        for (kind, message) in order.into_iter().map(|index| messages[index]) {
            match self.mischief.as_mut().map_or(Fate::Send, Mischief::next) {
                Fate::Send => {
                    self.traffic.add_messages(kind, 1);
                    self.request.framing.append(message, &mut output);
                }
                Fate::Stall => {
                    self.state = State::Stalled;
                    break;
                }
                Fate::Cut => {
                    self.request.framing.append(message, &mut output);
                    output.truncate(output.len() - message.len() / 2);
                    self.state = State::Cut;
                    break;
                }
                Fate::Disconnect(code) => {
                    self.departure.order(code);
                    break;
                }
            }
        }
        if self.mischief.as_ref().is_some_and(Mischief::is_silent) {
            self.state = State::Stalled;
        }
        self.write(output.into());
    }

    /// Packs and cuts as need be.
    fn write(&mut self, bytes: Bytes) {
        let mut bytes = match &mut self.gzip {
            Some(gzip) if !bytes.is_empty() => gzip.pack(&bytes).into(),
            Some(_) | None => bytes,
        };
        self.traffic.add_bytes(bytes.len());
        while !bytes.is_empty() {
            let length = self.mischief.as_mut().map_or(bytes.len(), |mischief| mischief.piece(bytes.len()));
            self.pieces.push_back(bytes.split_to(length));
        }
    }

    fn write_notice(&mut self, kind: Kind, message: &[u8]) {
        let mut output = Vec::new();
        self.request.framing.append(message, &mut output);
        self.traffic.add_messages(kind, 1);
        self.write(output.into());
    }

    fn warn_if_behind(&mut self) {
        let percent_full = self.percent_full();
        let lately = self.warned_at.is_some_and(|warned_at| warned_at.elapsed() < WARN_EVERY);
        if self.request.stall_warnings && percent_full >= WARN_AT_PERCENT && !lately {
            self.warned_at = Some(Instant::now());
            self.write_notice(Kind::Warning, &notices::falling_behind(percent_full));
        }
    }

    fn percent_full(&self) -> usize {
        self.queue.len() * 100 / self.queue.max_capacity()
    }

    fn tell_limit(&mut self, left_out: u64) {
        let track = left_out - *self.left_out_before.get_or_insert(left_out);
        let (told, told_at) = self.limit_told;
        if track > told && told_at.is_none_or(|told_at| told_at.elapsed() >= LIMIT_EVERY) {
            self.limit_told = (track, Some(Instant::now()));
            self.write_notice(Kind::Limit, &notices::limit(track));
        }
    }

    /// What waits for a reader that is too slow is dropped; others get it.
    fn begin_leaving(&mut self) {
        self.state = State::Leaving;
        self.queue.close();
        if self.departure.code() == Some(DisconnectCode::Stall) {
            while self.queue.try_recv().is_ok() {}
        }
    }

    /// The feed went away without a word only if the server goes away.
    fn take_leave(&mut self) {
        let code = self.departure.code().unwrap_or(DisconnectCode::Shutdown);
        self.write_notice(Kind::Disconnect, &notices::disconnect(code));
        let end = self.gzip.take().map(Gzip::finish).unwrap_or_default();
        self.write(end.into());
        self.traffic.add_disconnect();
        self.state = State::Over;
    }

    async fn cut(&self) {
        tokio::time::sleep(CUT_AFTER).await;
        self.departure.cut();
        std::future::pending().await
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.traffic.add_ended_stream();
    }
}

//! One thread's loop: note what is due, send it on a connection that is free, take what came.

use std::collections::VecDeque;
use std::io;
use std::io::Write;
use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::alarm::Alarm;
use super::connection::{Answered, Connection};
use super::{Fault, LoadConfig, LoadReport, Share};
use crate::arrivals::Schedule;
use crate::error::BenchError;
use crate::users::Users;

/// How long before a request is due waiting turns into spinning: what the kernel takes to wake a thread that goes first. Longer
/// would be punctual as well, and take a core from those who are measured.
const SPIN: Duration = Duration::from_micros(30);

/// How far the generator goes first, from 0 to -20: it stands for clients on machines of their own.
const NICENESS: i32 = -10;

/// The token of the alarm, after those of the connections.
const ALARM: Token = Token(usize::MAX);

/// How often requests that take too long are looked for, and the longest wait in the kernel.
const SWEEP: Duration = Duration::from_millis(100);

pub(super) struct Generator {
    config: LoadConfig,
    poll: Poll,
    alarm: Alarm,
    /// Those that are closed are opened with the next request.
    connections: Vec<Option<Connection>>,
    /// Those without a request in flight.
    idle: Vec<usize>,
    waiting: VecDeque<Waiting>,
    schedule: Option<Peekable<Schedule>>,
    users: Users,
    request: Vec<u8>,
    report: LoadReport,
    answered: Arc<AtomicU64>,
    times: Times,
}

/// A request that waits for a connection.
struct Waiting {
    due: Instant,
    noticed: Instant,
}

/// The times that matter.
#[derive(Clone, Copy)]
struct Times {
    began: Instant,
    counted_from: Instant,
    ends: Instant,
}

impl Times {
    fn from(began: Instant, config: &LoadConfig) -> Self {
        let counted_from = began + config.warm_up;
        Self { began, counted_from, ends: counted_from + config.duration }
    }
}

impl Generator {
    /// With all of its connections open.
    pub(super) fn new(config: &LoadConfig, share: Share, answered: Arc<AtomicU64>) -> Result<Self, BenchError> {
        let poll = Poll::new().map_err(BenchError::Generator)?;
        let alarm = Alarm::register(poll.registry(), ALARM).map_err(BenchError::Generator)?;
        let mut generator = Self {
            config: config.clone(),
            poll,
            alarm,
            connections: (0..share.connections).map(|_| None).collect(),
            idle: (0..share.connections).collect(),
            waiting: VecDeque::new(),
            schedule: share.schedule.map(Iterator::peekable),
            users: share.users,
            request: Vec::new(),
            report: LoadReport::empty(config),
            answered,
            times: Times::from(Instant::now(), config),
        };
        for number in 0..share.connections {
            let opened = generator.open(number);
            opened.map_err(|source| BenchError::Connect { server: config.server, source })?;
        }
        Ok(generator)
    }

    pub(super) fn run(mut self) -> Result<LoadReport, BenchError> {
        // Of this thread alone, on Linux. Where it is not allowed, the generator is late now and then, and reports it.
        let _ = rustix::process::setpriority_process(None, NICENESS);
        self.times = Times::from(Instant::now(), &self.config);
        let mut events = Events::with_capacity(self.connections.len().max(1));
        let mut swept = self.times.began;
        loop {
            let now = Instant::now();
            self.note_due(now);
            self.send_waiting(now);
            if now >= self.times.ends && self.waiting.is_empty() && self.idle.len() == self.connections.len() {
                return Ok(self.report);
            }
            self.wait(&mut events, now).map_err(BenchError::Generator)?;
            for event in &events {
                self.take(event.token());
            }
            if now.duration_since(swept) >= SWEEP {
                swept = now;
                self.give_up_late(now);
                self.give_up_waiting(now);
            }
        }
    }

    /// Lets what is due by now wait for a connection.
    fn note_due(&mut self, now: Instant) {
        let Times { began, counted_from, ends } = self.times;
        let Some(schedule) = &mut self.schedule else {
            // Every connection that is free asks at once.
            let free = if now < ends { self.idle.len() } else { 0 };
            self.waiting.extend((0..free).map(|_| Waiting { due: now, noticed: now }));
            return;
        };
        while let Some(offset) = schedule.next_if(|offset| began + *offset <= now && began + *offset < ends) {
            let due = began + offset;
            self.waiting.push_back(Waiting { due, noticed: now });
            if due >= counted_from {
                self.report.lateness.record(now.duration_since(due));
            }
        }
    }

    /// Sends as many as there are connections for.
    fn send_waiting(&mut self, now: Instant) {
        while let Some(waiting) = self.waiting.pop_front_if(|_| !self.idle.is_empty()) {
            let Some(number) = self.idle.pop() else { break };
            if waiting.due >= self.times.counted_from {
                self.report.queued += u64::from(waiting.noticed != now);
            }
            self.send(number, waiting.due, now);
        }
    }

    fn send(&mut self, number: usize, due: Instant, now: Instant) {
        if self.connections[number].is_none() && self.open(number).is_err() {
            self.note_fault(due, Fault::Connect);
            self.idle.push(number);
            return;
        }
        write_request(&mut self.request, &self.config, &self.users.pick());
        let sent = self.connections[number].as_mut().map(|connection| connection.send(&self.request, due, now));
        if let Some(Err(fault)) = sent {
            self.close(number, fault);
        }
    }

    /// Waits for answers, until there is something else to do.
    fn wait(&mut self, events: &mut Events, now: Instant) -> io::Result<()> {
        let patience = self.patience(now);
        if !patience.is_zero() {
            self.alarm.set(patience)?;
        }
        self.poll.poll(events, patience.is_zero().then_some(Duration::ZERO)).or_else(interrupted)
    }

    /// How long there is nothing to do but to wait for answers.
    fn patience(&mut self, now: Instant) -> Duration {
        let Times { began, ends, .. } = self.times;
        let next = self.schedule.as_mut().and_then(|schedule| schedule.peek()).map(|offset| began + *offset);
        let until_due =
            next.filter(|due| *due < ends).map(|due| due.saturating_duration_since(now).saturating_sub(SPIN));
        until_due.unwrap_or(SWEEP).min(SWEEP)
    }

    fn take(&mut self, Token(number): Token) {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else { return };
        match connection.flush().and_then(|()| connection.receive()) {
            Ok(None) => {}
            Ok(Some(answered)) => self.note_answer(number, &answered),
            Err(fault) => self.close(number, fault),
        }
    }

    fn note_answer(&mut self, number: usize, answered: &Answered) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        if answered.due >= self.times.counted_from {
            self.report.latency.record(answered.due.elapsed());
            *self.report.statuses.entry(answered.status).or_default() += 1;
        }
        if answered.closes {
            self.connections[number] = None;
        }
        self.idle.push(number);
    }

    fn note_fault(&mut self, due: Instant, fault: Fault) {
        if due >= self.times.counted_from {
            *self.report.faults.entry(fault).or_default() += 1;
        }
    }

    /// Gives up a connection, and the request that is in flight on it.
    fn close(&mut self, number: usize, fault: Fault) {
        let closed = self.connections[number].take();
        if let Some(due) = closed.and_then(|connection| connection.due()) {
            self.note_fault(due, fault);
            self.idle.push(number);
        }
    }

    fn give_up_late(&mut self, now: Instant) {
        for number in 0..self.connections.len() {
            let limit = self.config.answer_limit;
            if self.connections[number].as_ref().is_some_and(|connection| connection.is_late(now, limit)) {
                self.close(number, Fault::TimedOut);
            }
        }
    }

    /// A server that is asked for more than it can do would be waited for as long again, or many times as long: what has no
    /// connection yet when an answer's time is over since the end is not sent any more.
    fn give_up_waiting(&mut self, now: Instant) {
        if now < self.times.ends + self.config.answer_limit {
            return;
        }
        while let Some(waiting) = self.waiting.pop_front() {
            self.note_fault(waiting.due, Fault::TimedOut);
        }
    }

    fn open(&mut self, number: usize) -> io::Result<()> {
        let mut connection = Connection::open(self.config.server)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut connection.stream, Token(number), interest)?;
        self.connections[number] = Some(connection);
        Ok(())
    }
}

/// A signal is no error.
fn interrupted(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}

fn write_request(request: &mut Vec<u8>, config: &LoadConfig, user: &str) {
    request.clear();
    let target = config.target.replacen("{}", user, 1);
    write!(request, "GET {target} HTTP/1.1\r\nhost: {}\r\n\r\n", config.server)
        .expect("memory takes what is written to it");
}

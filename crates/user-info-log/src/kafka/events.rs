//! librdkafka's queue of events, read directly.
//!
//! The safe wrapper cannot be used for two things that exactness and latency need: it reports the end of a partition
//! without the topic, and its producer's poll always waits until its time is over. Reading directly also spares two
//! allocations for each record.
//!
//! Invariant: an event lives as long as what was borrowed from it, the queue as long as its events, and the client as
//! long as the queue; the lifetimes say so.
#![expect(unsafe_code, reason = "the event queue of librdkafka is C")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::marker::PhantomData;
use std::time::{Duration, Instant};
use std::{ptr, slice};

use rdkafka::bindings as native;
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::RDKafkaErrorCode;

use super::context::write_log;
use super::failure::is_topic_gone;
use super::native::{Owned, text};
use crate::record::Header;

/// The events of one client.
pub(super) struct EventQueue<'client> {
    queue: Owned<native::rd_kafka_queue_t>,
    client: PhantomData<&'client ()>,
}

/// What a client tells.
pub(super) enum Event<'queue> {
    /// Records that were fetched, or reports about records that were sent.
    Messages(Messages<'queue>),
    /// Something that goes wrong, or the end of a partition.
    Failure(Failure),
    /// The group gives or takes partitions, and waits for an answer.
    Rebalance(Rebalance),
}

impl<'client> EventQueue<'client> {
    /// The queue of a consumer; it carries everything else that the client tells, too.
    pub(super) fn of_consumer<C: ClientContext>(client: &'client Client<C>) -> Self {
        // SAFETY: the client is alive, and outlives the queue by its lifetime.
        let queue = unsafe {
            let queue = native::rd_kafka_queue_get_consumer(client.native_ptr());
            Owned::new(queue, native::rd_kafka_queue_destroy)
        };
        Self { queue: queue.expect("a consumer with a group.id has a queue"), client: PhantomData }
    }

    /// The main queue of a client that is no consumer.
    pub(super) fn of_client<C: ClientContext>(client: &'client Client<C>) -> Self {
        // SAFETY: as above.
        let queue = unsafe {
            let queue = native::rd_kafka_queue_get_main(client.native_ptr());
            Owned::new(queue, native::rd_kafka_queue_destroy)
        };
        Self { queue: queue.expect("every client has a main queue"), client: PhantomData }
    }

    /// Waits up to `wait` for an event. Lines of librdkafka's log are written on the way.
    pub(super) fn next(&self, wait: Duration) -> Option<Event<'_>> {
        let began = (!wait.is_zero()).then(Instant::now);
        let mut left = wait;
        loop {
            let event = self.poll(left)?;
            // SAFETY: the event is alive.
            match unsafe { native::rd_kafka_event_type(event.pointer()) } {
                native::RD_KAFKA_EVENT_FETCH | native::RD_KAFKA_EVENT_DR => {
                    return Some(Event::Messages(Messages { event, queue: PhantomData }));
                }
                native::RD_KAFKA_EVENT_ERROR => return Some(Event::Failure(failure(&event))),
                native::RD_KAFKA_EVENT_REBALANCE => return Some(Event::Rebalance(rebalance(&event))),
                native::RD_KAFKA_EVENT_LOG => log(&event),
                // Statistics and the like, which only a user's own option brings.
                _ => {}
            }
            left = began.map_or(Duration::ZERO, |began| wait.saturating_sub(began.elapsed()));
        }
    }

    fn poll(&self, wait: Duration) -> Option<Owned<native::rd_kafka_event_t>> {
        // Rounded up: a caller that waits for less than a millisecond must not end up spinning.
        let wait_ms = i32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive, and the event is ours until it is destroyed.
        unsafe {
            let event = native::rd_kafka_queue_poll(self.queue.pointer(), wait_ms);
            Owned::new(event, native::rd_kafka_event_destroy)
        }
    }
}

/// The messages of one event, each handed out once.
pub(super) struct Messages<'queue> {
    event: Owned<native::rd_kafka_event_t>,
    queue: PhantomData<&'queue ()>,
}

impl Messages<'_> {
    pub(super) fn next(&mut self) -> Option<Message<'_>> {
        // SAFETY: the event is alive, and the message lives as long as the event, which is borrowed for as long.
        unsafe { native::rd_kafka_event_message_next(self.event.pointer()).as_ref() }.map(Message)
    }
}

/// A record that was fetched, or the report about one that was sent.
pub(super) struct Message<'event>(&'event native::rd_kafka_message_t);

impl<'event> Message<'event> {
    pub(super) fn topic_name(&self) -> &'event CStr {
        // SAFETY: a message has a topic, whose name lives as long as the message.
        unsafe { CStr::from_ptr(native::rd_kafka_topic_name(self.0.rkt)) }
    }

    pub(super) fn partition(&self) -> i32 {
        self.0.partition
    }

    pub(super) fn offset(&self) -> i64 {
        self.0.offset
    }

    pub(super) fn timestamp_ms(&self) -> i64 {
        // SAFETY: the message is alive, and the kind of timestamp may be left out.
        unsafe { native::rd_kafka_message_timestamp(self.0, ptr::null_mut()) }
    }

    pub(super) fn key(&self) -> Option<&'event [u8]> {
        // SAFETY: librdkafka says so many bytes are there, for as long as the message lives.
        unsafe { bytes(self.0.key, self.0.key_len) }
    }

    pub(super) fn value(&self) -> Option<&'event [u8]> {
        // SAFETY: as above.
        unsafe { bytes(self.0.payload, self.0.len) }
    }

    pub(super) fn headers(&self) -> Vec<Header> {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive and owns the headers; without headers the pointer stays null.
        unsafe {
            native::rd_kafka_message_headers(self.0, &raw mut headers);
            if headers.is_null() {
                return Vec::new();
            }
            (0..native::rd_kafka_header_cnt(headers)).filter_map(|index| header(headers, index)).collect()
        }
    }

    /// Why the record was not delivered.
    pub(super) fn error(&self) -> Option<RDKafkaErrorCode> {
        (self.0.err != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| self.0.err.into())
    }

    /// What was given with the record when it was sent.
    pub(super) fn index(&self) -> usize {
        self.0._private as usize
    }
}

/// # Safety
/// `headers` is alive.
unsafe fn header(headers: *const native::rd_kafka_headers_t, index: usize) -> Option<Header> {
    let (mut name, mut value, mut length) = (ptr::null::<c_char>(), ptr::null::<c_void>(), 0);
    // SAFETY: what is written to the three belongs to the headers, which are alive.
    unsafe {
        let error = native::rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut length);
        (error == native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| Header {
            name: CStr::from_ptr(name).to_string_lossy().into_owned(),
            value: bytes(value.cast_mut(), length).unwrap_or_default().to_vec(),
        })
    }
}

/// # Safety
/// `start` is null or `length` bytes are there, unchanged for `'event`.
unsafe fn bytes<'event>(start: *mut c_void, length: usize) -> Option<&'event [u8]> {
    // SAFETY: by the promise of the caller.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast_const().cast(), length) })
}

/// Something that goes wrong, or the end of a partition.
pub(super) struct Failure {
    pub(super) code: RDKafkaErrorCode,
    pub(super) reason: String,
    /// Whether the client cannot go on.
    pub(super) fatal: bool,
    /// Where, if it concerns one partition.
    pub(super) place: Option<Place>,
}

impl Failure {
    /// What happened; `None` for the sum of it, "2/2 brokers are down", which says less than what led to it.
    pub(super) fn cause(self) -> Option<String> {
        (self.code != RDKafkaErrorCode::AllBrokersDown).then_some(self.reason)
    }

    /// Whether it says that a topic does not exist that is subscribed to; reading one that does not exist has a place.
    pub(super) fn is_missing_subscription(&self) -> bool {
        self.place.is_none() && is_topic_gone(self.code)
    }
}

/// A position in the log.
pub(super) struct Place {
    pub(super) topic_name: CString,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

fn failure(event: &Owned<native::rd_kafka_event_t>) -> Failure {
    // SAFETY: the event is alive and an error, and its text lives as long as it does.
    unsafe {
        Failure {
            code: native::rd_kafka_event_error(event.pointer()).into(),
            reason: text(native::rd_kafka_event_error_string(event.pointer())),
            fatal: native::rd_kafka_event_error_is_fatal(event.pointer()) != 0,
            place: place(event),
        }
    }
}

fn place(event: &Owned<native::rd_kafka_event_t>) -> Option<Place> {
    // SAFETY: the event is alive; the partition is a copy that is ours, and its topic is a C string.
    unsafe {
        let partition = native::rd_kafka_event_topic_partition(event.pointer());
        let partition = Owned::new(partition, native::rd_kafka_topic_partition_destroy)?;
        let found = &*partition.pointer();
        let topic_name = CStr::from_ptr(found.topic).to_owned();
        Some(Place { topic_name, partition: found.partition, offset: found.offset })
    }
}

/// Partitions that a member of a group gets or loses.
pub(super) struct Rebalance {
    pub(super) change: Change,
    /// By name and number.
    pub(super) partitions: Vec<(CString, i32)>,
}

/// What happens to partitions of a member, and how librdkafka wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Answered by an incremental assignment.
    Gained,
    /// Answered by an incremental unassignment.
    Lost,
}

fn rebalance(event: &Owned<native::rd_kafka_event_t>) -> Rebalance {
    // SAFETY: the event is alive and a rebalance; its list, `cnt` partitions whose topics are C strings, lives as long.
    unsafe {
        let gained = native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let is_gain = native::rd_kafka_event_error(event.pointer()) == gained;
        let list = native::rd_kafka_event_topic_partition_list(event.pointer()).as_ref();
        let elements = list.map_or(ptr::null(), |list| list.elems.cast_const());
        let count = list.map_or(0, |list| usize::try_from(list.cnt).unwrap_or(0));
        let found = (0..count).map(|index| &*elements.add(index));
        let partitions = found.map(|found| (CStr::from_ptr(found.topic).to_owned(), found.partition)).collect();
        Rebalance { change: if is_gain { Change::Gained } else { Change::Lost }, partitions }
    }
}

fn log(event: &Owned<native::rd_kafka_event_t>) {
    let (mut facility, mut message, mut level) = (ptr::null(), ptr::null(), 0);
    // SAFETY: the event is alive and a line of the log, and both texts live as long as it does.
    unsafe {
        native::rd_kafka_event_log(event.pointer(), &raw mut facility, &raw mut message, &raw mut level);
        write_log(log_level(level), &text(facility), &text(message));
    }
}

/// The level behind the number of syslog.
fn log_level(level: i32) -> RDKafkaLogLevel {
    match level {
        ..=0 => RDKafkaLogLevel::Emerg,
        1 => RDKafkaLogLevel::Alert,
        2 => RDKafkaLogLevel::Critical,
        3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 => RDKafkaLogLevel::Notice,
        6 => RDKafkaLogLevel::Info,
        7.. => RDKafkaLogLevel::Debug,
    }
}

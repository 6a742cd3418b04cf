//! What Kafka's DescribeTopics says about topics: their ids above all, which the safe wrapper cannot ask for.
#![expect(unsafe_code, reason = "rdkafka has no DescribeTopics")]

use std::ffi::{CString, c_char};
use std::time::Duration;

use rdkafka::bindings as native;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode;

use super::native::{Owned, text};

/// librdkafka answers within the time-out it was given; this is for its own delay.
const GRACE: Duration = Duration::from_secs(1);

/// For librdkafka's messages about invalid options.
const MESSAGE_BYTES_MAX: usize = 256;

/// What the cluster knows about a topic.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) id: String,
    pub(super) partitions: i32,
    pub(super) replication: i32,
}

/// What Kafka, or its client, says instead of an answer.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: RDKafkaErrorCode,
    pub(super) reason: String,
}

/// Asks for topics by name; the answers are in the order of the names.
pub(super) fn describe_topics<C: ClientContext>(
    client: &Client<C>,
    names: &[CString],
    timeout: Duration,
) -> Result<Vec<Result<Described, Refusal>>, Refusal> {
    let event = ask(client, names, timeout)?;
    let mut count = 0;
    // SAFETY: the event is alive and so is all that is borrowed from it here; the descriptions are `count` pointers.
    unsafe {
        let error = native::rd_kafka_event_error(event.pointer());
        if error != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            let reason = text(native::rd_kafka_event_error_string(event.pointer()));
            return Err(Refusal { code: error.into(), reason });
        }
        let result = native::rd_kafka_event_DescribeTopics_result(event.pointer());
        let topics = native::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        let mut found: Vec<_> = (0..count).map(|index| described(*topics.add(index))).collect();
        Ok(names.iter().map(|name| take(&mut found, name)).collect())
    }
}

fn ask<C: ClientContext>(
    client: &Client<C>,
    names: &[CString],
    timeout: Duration,
) -> Result<Owned<native::rd_kafka_event_t>, Refusal> {
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let mut names: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: the client is alive and outlives all that is made here; librdkafka copies the names and the options.
    unsafe {
        let topics = native::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
        let topics = Owned::new(topics, native::rd_kafka_TopicCollection_destroy).ok_or_else(out_of_memory)?;
        let options = native::rd_kafka_AdminOptions_new(
            client.native_ptr(),
            native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        );
        let options = Owned::new(options, native::rd_kafka_AdminOptions_destroy).ok_or_else(out_of_memory)?;
        set_timeout(&options, timeout_ms)?;
        let queue = native::rd_kafka_queue_new(client.native_ptr());
        let queue = Owned::new(queue, native::rd_kafka_queue_destroy).ok_or_else(out_of_memory)?;
        native::rd_kafka_DescribeTopics(client.native_ptr(), topics.pointer(), options.pointer(), queue.pointer());
        let grace_ms = i32::try_from(GRACE.as_millis()).unwrap_or(i32::MAX);
        let event = native::rd_kafka_queue_poll(queue.pointer(), timeout_ms.saturating_add(grace_ms));
        Owned::new(event, native::rd_kafka_event_destroy).ok_or_else(|| Refusal {
            code: RDKafkaErrorCode::OperationTimedOut,
            reason: format!("no answer within {timeout:?}"),
        })
    }
}

fn out_of_memory() -> Refusal {
    Refusal { code: RDKafkaErrorCode::Fail, reason: "librdkafka is out of memory".into() }
}

fn set_timeout(options: &Owned<native::rd_kafka_AdminOptions_t>, timeout_ms: i32) -> Result<(), Refusal> {
    let mut message = [0; MESSAGE_BYTES_MAX];
    // SAFETY: the options are alive, and librdkafka writes at most so many bytes with a NUL at their end.
    unsafe {
        let error = native::rd_kafka_AdminOptions_set_request_timeout(
            options.pointer(),
            timeout_ms,
            message.as_mut_ptr(),
            message.len(),
        );
        if error == native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(());
        }
        Err(Refusal { code: error.into(), reason: text(message.as_ptr()) })
    }
}

/// A topic's name and what is known about it.
type Answer = (String, Result<Described, Refusal>);

fn take(found: &mut Vec<Answer>, name: &CString) -> Result<Described, Refusal> {
    let name = name.to_string_lossy();
    let index = found.iter().position(|(found, _)| *found == name);
    index.map_or_else(
        || Err(Refusal { code: RDKafkaErrorCode::UnknownTopicOrPartition, reason: "not in the answer".into() }),
        |index| found.swap_remove(index).1,
    )
}

/// # Safety
/// `topic` is alive.
unsafe fn described(topic: *const native::rd_kafka_TopicDescription_t) -> Answer {
    let mut count = 0;
    // SAFETY: all that is borrowed here lives as long as the topic; the partitions are `count` pointers.
    unsafe {
        let name = text(native::rd_kafka_TopicDescription_name(topic));
        let error = native::rd_kafka_TopicDescription_error(topic);
        let code = native::rd_kafka_error_code(error);
        if code != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return (name, Err(Refusal { code: code.into(), reason: text(native::rd_kafka_error_string(error)) }));
        }
        let id = native::rd_kafka_Uuid_base64str(native::rd_kafka_TopicDescription_topic_id(topic));
        let partitions = native::rd_kafka_TopicDescription_partitions(topic, &raw mut count);
        let mut replicas = 0;
        if count > 0 {
            native::rd_kafka_TopicPartitionInfo_replicas(*partitions, &raw mut replicas);
        }
        let as_number = |count| i32::try_from(count).unwrap_or(i32::MAX);
        let described = Described { id: text(id), partitions: as_number(count), replication: as_number(replicas) };
        (name, Ok(described))
    }
}

//! Runs of the simulated world, and what they said.

use serde_json::Value;
use user_info_core::Timestamp;
use user_info_upstream::simulator::simulation::Simulation;
use user_info_upstream::stream::splitter::{MAX_MESSAGE_BYTES, Piece, Splitter};

pub(crate) const START_MS: i64 = 1_795_422_600_000;

/// What a world says in so many steps, 2 ms apart, message by message.
pub(crate) fn run(users: u32, seed: u64, steps: i64) -> impl Iterator<Item = Vec<u8>> {
    run_from(START_MS, 2, users, seed, steps)
}

/// What a world says in so many steps from a time on.
pub(crate) fn run_from(
    start_ms: i64,
    step_ms: i64,
    users: u32,
    seed: u64,
    steps: i64,
) -> impl Iterator<Item = Vec<u8>> {
    let mut simulation = Simulation::new(users, seed);
    (0..steps).flat_map(move |step| {
        let mut bytes = Vec::new();
        simulation.step(Timestamp::from_millis(start_ms + step_ms * step).unwrap(), &mut bytes);
        messages(&bytes)
    })
}

fn messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    Splitter::new(MAX_MESSAGE_BYTES).push(bytes, &mut pieces);
    assert!(bytes.ends_with(b"\r\n"), "the last message is not ended");
    let message = |piece| match piece {
        Piece::Message(message) => message,
        Piece::TooLong => panic!("too long"),
    };
    pieces.into_iter().map(message).collect()
}

pub(crate) fn values(messages: impl Iterator<Item = Vec<u8>>) -> impl Iterator<Item = Value> {
    messages.map(|message| serde_json::from_slice(&message).unwrap())
}

pub(crate) fn statuses(messages: impl Iterator<Item = Vec<u8>>) -> impl Iterator<Item = Value> {
    values(messages).filter(is_status)
}

pub(crate) fn is_status(value: &Value) -> bool {
    value.get("in_reply_to_status_id").is_some()
}

/// The status and those inside it.
pub(crate) fn with_embedded(status: &Value) -> impl Iterator<Item = &Value> {
    [Some(status), status.get("retweeted_status"), status.get("quoted_status")].into_iter().flatten()
}

/// The status and those inside it, each on its own.
pub(crate) fn each_embedded(status: Value) -> Vec<Value> {
    with_embedded(&status).cloned().collect()
}

//! Measures a simulated world and writes `docs/simulation.md` with its pictures, from the repository's root:
//! `cargo run --release -p user-info-upstream --example simulation_report`. The same sources write the same bytes.

mod graph;
mod page;
mod plots;
mod stream;

use std::path::Path;

/// Users of the graph that is measured.
const GRAPH_USERS: u32 = 100_000;
/// Users of the world whose stream is read.
const STREAM_USERS: u32 = 10_000;
/// Days of that world.
const STREAM_DAYS: u32 = 40;
const SEED: u64 = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let docs = Path::new("docs");
    let pictures = docs.join("simulation");
    std::fs::create_dir_all(&pictures)?;
    let graph = graph::measure(GRAPH_USERS, SEED);
    let stream = stream::measure(STREAM_USERS, STREAM_DAYS, SEED)?;
    plots::degrees(&pictures.join("degrees.svg"), &graph)?;
    plots::activity(&pictures.join("activity.svg"), &stream)?;
    plots::hours(&pictures.join("hours.svg"), &stream)?;
    plots::lives(&pictures.join("lives.svg"), &stream)?;
    std::fs::write(docs.join("simulation.md"), page::page(&graph, &stream))?;
    Ok(())
}

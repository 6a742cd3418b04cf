//! Which pictures a scenario has.

use anyhow::Result;

use super::plot::{self, Labels};
use super::spread::{Line, Measured};
use super::table::number;
use crate::scenario::Scenario;
use crate::subject::Subject;

/// A picture and the file it goes to.
pub(crate) struct Picture {
    pub(crate) file: String,
    /// What it shows, for those who cannot see it; the figures are in the tables.
    pub(crate) words: String,
    /// SVG.
    pub(crate) drawing: String,
}

/// The pictures of a scenario.
pub(crate) fn of(scenario: Scenario, measured: &[&Measured]) -> Result<Vec<Picture>> {
    match scenario {
        Scenario::ReadLatency => {
            let mut pictures = latencies(measured)?;
            pictures.extend(growth(measured)?);
            Ok(pictures)
        }
        Scenario::Peak => throughputs(measured),
        Scenario::UpdateLatency => profile_of_figures(
            measured,
            "update-latency",
            "From a fact that is due to an answer that shows it",
            &["count_p50_ms", "count_p90_ms", "count_p95_ms", "count_p99_ms", "count_max_ms"],
        ),
        Scenario::Restart => profile_of_figures(
            measured,
            "recovery",
            "From the start of the process: first answer, caught up",
            &["stopped_first_answer_s", "stopped_caught_up_s", "killed_first_answer_s", "killed_caught_up_s"],
        ),
        Scenario::Rebuild | Scenario::IngestCost | Scenario::CatchUp => Ok(vec![]),
    }
}

/// A curve of percentiles for each case, a line for each subject.
fn latencies(measured: &[&Measured]) -> Result<Vec<Picture>> {
    each_case(measured, |users, case, of_case| {
        let lines: Vec<(String, Line)> = of_case
            .iter()
            .filter(|it| it.subject.is_tuned())
            .filter_map(|it| Some((it.subject.name(), tail(&it.curve("latency_ms", "p95_ms")?))))
            .filter(|(_, line)| line.len() > 1)
            .collect();
        let title = format!("GET, {} requests/s, {} facts/s, {users} users", case.requests_per_s, case.facts_per_s);
        let labels = Labels { title, x: "percentile", y: "ms", x_words: percentile };
        picture(format!("read-latency-{users}-{}.svg", case.name()), &labels, &lines)
    })
}

/// The share of requests that took longer, for an axis on which each nine takes as much room.
fn tail(curve: &[(f64, f64)]) -> Line {
    let until = curve.iter().filter(|(share, latency)| *share < 1.0 && *latency > 0.0);
    until.map(|(share, latency)| (1.0 / (1.0 - share), *latency)).collect()
}

fn percentile(odds: f64) -> String {
    let text = format!("{:.4}", 100.0 * (1.0 - 1.0 / odds));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn throughputs(measured: &[&Measured]) -> Result<Vec<Picture>> {
    each_case(measured, |users, case, of_case| {
        let lines: Vec<(String, Line)> = of_case
            .iter()
            .filter(|it| it.subject.is_tuned())
            .filter_map(|it| Some((it.subject.name(), it.curve("p95_ms_by_throughput", "saturated_per_s")?)))
            .map(|(name, line)| (name, line.into_iter().filter(|(x, y)| *x > 0.0 && *y > 0.0).collect()))
            .collect();
        let title = format!("p95 against throughput, {} facts/s, {users} users", case.facts_per_s);
        let labels = Labels { title, x: "requests/s", y: "p95 ms", x_words: number };
        picture(format!("peak-{users}-{}.svg", case.name()), &labels, &lines)
    })
}

/// How latency grows with the number of users, if several were measured.
fn growth(measured: &[&Measured]) -> Result<Vec<Picture>> {
    let ours: Vec<&&Measured> = measured.iter().filter(|it| it.subject == Subject::Ours).collect();
    let mut cases: Vec<_> = ours.iter().map(|it| it.case).collect();
    cases.sort();
    cases.dedup();
    let mut pictures = Vec::new();
    for case in cases {
        let line = |figure: &str| -> Line {
            let of_case = ours.iter().filter(|it| it.case == case);
            of_case.filter_map(|it| Some((it.users as f64, it.figure(figure)?.middle))).collect()
        };
        let lines = [("p50", "p50_ms"), ("p95", "p95_ms"), ("p99", "p99_ms"), ("max", "max_ms")];
        let lines: Vec<(String, Line)> = lines.map(|(name, figure)| (name.to_owned(), line(figure))).to_vec();
        if lines[0].1.len() < 2 {
            continue;
        }
        let title = format!("Growth: {} requests/s, {} facts/s", case.requests_per_s, case.facts_per_s);
        let labels = Labels { title, x: "users", y: "ms", x_words: number };
        pictures.extend(picture(format!("growth-{}.svg", case.name()), &labels, &lines)?);
    }
    Ok(pictures)
}

/// Some figures in order, a line for each subject.
fn profile_of_figures(measured: &[&Measured], name: &str, title: &str, figures: &[&str]) -> Result<Vec<Picture>> {
    each_case(measured, |users, case, of_case| {
        let line = |it: &Measured| -> Line {
            let places = figures.iter().enumerate();
            let points = places.filter_map(|(place, figure)| Some(((place + 1) as f64, it.figure(figure)?.middle)));
            points.filter(|(_, value)| *value > 0.0).collect()
        };
        let tuned = of_case.iter().filter(|it| it.subject.is_tuned());
        let lines: Vec<(String, Line)> = tuned.map(|it| (it.subject.name(), line(it))).collect();
        let facts = if case.facts_per_s > 0 { format!(", {} facts/s", case.facts_per_s) } else { String::new() };
        let title = format!("{title}, {users} users{facts}");
        let unit = if name == "recovery" { "s" } else { "ms" };
        let words = if name == "recovery" { recovery_words } else { update_words };
        let labels = Labels { title, x: "", y: unit, x_words: words };
        picture(format!("{name}-{users}-{}.svg", case.name()), &labels, &lines)
    })
}

fn update_words(place: f64) -> String {
    at_place(place, &["p50", "p90", "p95", "p99", "max"])
}

fn recovery_words(place: f64) -> String {
    at_place(place, &["stopped: answers", "caught up", "killed: answers", "caught up"])
}

/// Only whole places have a name.
fn at_place(place: f64, names: &[&str]) -> String {
    let index = place.round();
    let is_whole = (place - index).abs() < 0.01;
    let name = names.get((index as usize).wrapping_sub(1)).filter(|_| is_whole);
    name.map_or_else(String::new, |name| (*name).to_owned())
}

fn each_case(
    measured: &[&Measured],
    draw: impl Fn(u64, crate::scenario::Case, &[&Measured]) -> Result<Option<Picture>>,
) -> Result<Vec<Picture>> {
    let same = |one: &&Measured, other: &&Measured| (one.users, one.case) == (other.users, other.case);
    let drawn = measured.chunk_by(same).map(|of_case| draw(of_case[0].users, of_case[0].case, of_case));
    Ok(drawn.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn picture(file: String, labels: &Labels, lines: &[(String, Line)]) -> Result<Option<Picture>> {
    if lines.iter().all(|(_, line)| line.is_empty()) {
        return Ok(None);
    }
    let names: Vec<&str> = lines.iter().map(|(name, _)| name.as_str()).collect();
    let words = format!("{}: {}", labels.title, names.join(", "));
    Ok(Some(Picture { file, words, drawing: plot::lines(labels, lines)? }))
}

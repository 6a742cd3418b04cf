//! The parts of the report: for each scenario what it measures, pictures, and a table for each case.

use anyhow::Result;

use super::charts::{self, Picture};
use super::spread::Measured;
use super::table::{Table, cell};
use crate::scenario::{Case, Scenario};
use crate::subject::{Design, Subject, postgres_settings};

/// A part of the report.
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) words: String,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) tables: Vec<Table>,
    /// What is to be read as it is, and what it is.
    pub(crate) texts: Vec<(String, String)>,
}

impl Section {
    pub(crate) fn in_markdown(&self) -> String {
        let tables: Vec<String> = self.tables.iter().map(Table::in_markdown).collect();
        format!("## {}\n\n{}\n\n{}", self.title, self.words, tables.join("\n"))
    }
}

/// All parts.
pub(crate) fn all(measured: &[Measured]) -> Result<Vec<Section>> {
    let mut sections = vec![subjects(measured)];
    let mut scenarios: Vec<Scenario> = measured.iter().map(|it| it.scenario).collect();
    scenarios.sort();
    scenarios.dedup();
    for scenario in scenarios {
        let of_scenario: Vec<&Measured> = measured.iter().filter(|it| it.scenario == scenario).collect();
        sections.push(section(scenario, &of_scenario)?);
    }
    Ok(sections)
}

/// Who was measured, in which configuration, and what the audit said.
fn subjects(measured: &[Measured]) -> Section {
    let headings = ["subject", "what it is", "settings", "users that the audit compared, no difference"];
    let mut rows: Vec<(Subject, Option<u64>)> = measured.iter().map(|it| (it.subject, it.audited_users)).collect();
    rows.sort();
    rows.dedup_by_key(|(subject, _)| *subject);
    let rows = rows.into_iter().map(|(subject, audited)| {
        let audited = audited.map_or_else(|| "–".to_owned(), |users| users.to_string());
        vec![subject.name(), subject.words(), settings(subject), audited]
    });
    let table = Table { caption: "Subjects".into(), headings: owned(&headings), rows: rows.collect() };
    let words = "All read the same topics of one Kafka broker on the same machine as the load generator. In figures the middle of all runs \
                 stands first, and between which they were in parentheses. Stolen cores are what the machine's host gave to others \
                 meanwhile: tails measured beside more than a hundredth say little.";
    Section {
        title: "Who was measured".into(),
        words: words.into(),
        pictures: vec![],
        tables: vec![table],
        texts: texts(measured),
    }
}

/// Texts of the first run that has them.
fn texts(measured: &[Measured]) -> Vec<(String, String)> {
    let texts = |it: &Measured| {
        let (name, users) = (it.subject.name(), it.users);
        let texts = it.texts().into_iter();
        texts.map(move |(what, text)| (format!("{name}, {users} users: {what}"), text)).collect::<Vec<_>>()
    };
    measured.iter().flat_map(texts).collect()
}

/// What is set besides what a server comes with.
fn settings(subject: Subject) -> String {
    let postgres = || {
        let settings = postgres_settings(subject).iter().map(|(name, value)| format!("{name} = {value}"));
        let settings: Vec<String> = settings.collect();
        if settings.is_empty() { "PostgreSQL as it comes".into() } else { settings.join(", ") }
    };
    match subject.design() {
        Design::Ours { .. } | Design::Floor => "as it comes".into(),
        Design::SharedTables => postgres(),
        Design::Microservices { cache_lifetime_s: None } => postgres(),
        Design::Microservices { cache_lifetime_s: Some(lifetime_s) } => {
            format!("entries live {lifetime_s} s; {}", postgres())
        }
        Design::Streams { .. } if subject.is_tuned() => "--tuned, see peers/kafka-streams".into(),
        Design::Streams { .. } => "--defaults, see peers/kafka-streams".into(),
    }
}

fn section(scenario: Scenario, measured: &[&Measured]) -> Result<Section> {
    let mut kinds: Vec<(u64, Case)> = measured.iter().map(|it| (it.users, it.case)).collect();
    kinds.sort();
    kinds.dedup();
    let tables = kinds.iter().map(|&(users, case)| {
        let rows: Vec<&Measured> = measured.iter().copied().filter(|it| (it.users, it.case) == (users, case)).collect();
        table(scenario, users, case, &rows)
    });
    Ok(Section {
        title: scenario.name(),
        words: format!("{}.", scenario.words()),
        pictures: charts::of(scenario, measured)?,
        tables: tables.collect(),
        texts: vec![],
    })
}

/// The figures that a scenario's table shows: the name, the heading, and whether it is compared with ours.
fn columns(scenario: Scenario) -> &'static [(&'static str, &'static str)] {
    match scenario {
        Scenario::ReadLatency => &[
            ("p50_ms", "p50 ms"),
            ("p95_ms", "p95 ms"),
            ("p99_ms", "p99 ms"),
            ("p99_9_ms", "p99.9 ms"),
            ("max_ms", "max ms"),
            ("answered_per_s", "answered/s"),
            ("errors", "errors"),
            ("cores", "cores"),
            ("broker_cores", "broker's cores"),
            ("lateness_p99_ms", "generator late, p99 ms"),
        ],
        Scenario::Peak => &[
            ("saturated_per_s", "requests/s at most"),
            ("within_p95_per_s", "within p95 2 ms"),
            ("within_p95_and_max_per_s", "within p95 2, max 5 ms"),
        ],
        Scenario::UpdateLatency => &[
            ("count_p50_ms", "count p50 ms"),
            ("count_p95_ms", "p95"),
            ("count_p99_ms", "p99"),
            ("count_max_ms", "max"),
            ("profile_p50_ms", "profile p50 ms"),
            ("profile_p95_ms", "p95"),
            ("profile_max_ms", "max"),
            ("facts_per_s", "facts/s"),
        ],
        Scenario::IngestCost => &[("cores", "cores"), ("broker_cores", "broker's cores"), ("facts_per_s", "facts/s")],
        Scenario::Rebuild => &[
            ("seconds", "seconds"),
            ("records_per_s", "records/s"),
            ("records_per_core_s", "records a second and core"),
            ("memory_mib", "memory MiB"),
            ("memory_bytes_per_user", "memory bytes/user"),
            ("disk_bytes_per_user", "disk bytes/user"),
        ],
        Scenario::Restart => &[
            ("stopped_first_answer_s", "stopped: first answer s"),
            ("stopped_caught_up_s", "caught up s"),
            ("killed_first_answer_s", "killed: first answer s"),
            ("killed_caught_up_s", "caught up s"),
        ],
        Scenario::CatchUp => &[
            ("p50_ms", "p50 ms"),
            ("p95_ms", "p95 ms"),
            ("p99_ms", "p99 ms"),
            ("max_ms", "max ms"),
            ("seconds", "caught up s"),
            ("records_per_s", "records/s"),
        ],
    }
}

/// The figure by which subjects are compared: of each, how many times ours it is.
fn compared(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::ReadLatency | Scenario::CatchUp => "p95_ms",
        Scenario::Peak => "within_p95_per_s",
        Scenario::UpdateLatency => "count_p95_ms",
        Scenario::IngestCost => "cores",
        Scenario::Rebuild => "records_per_core_s",
        Scenario::Restart => "killed_first_answer_s",
    }
}

fn table(scenario: Scenario, users: u64, case: Case, rows: &[&Measured]) -> Table {
    let (columns, compared) = (columns(scenario), compared(scenario));
    let ours = rows.iter().find(|it| it.subject == Subject::Ours);
    let by = columns.iter().find(|(name, _)| *name == compared).map_or(compared, |(_, heading)| heading);
    let mut headings = owned(&["subject", "runs"]);
    headings.extend(columns.iter().map(|(_, heading)| (*heading).to_owned()));
    headings.push("stolen cores".into());
    headings.push(format!("of ours, by {by}"));
    let row = |it: &&Measured| {
        let ratio = ours.filter(|ours| ours.subject != it.subject).and_then(|ours| it.ratio(ours, compared));
        let mut cells = vec![it.subject.name(), it.runs().to_string()];
        cells.extend(columns.iter().map(|(name, _)| cell(it.figure(name))));
        cells.push(cell(it.figure("stolen_cores")));
        cells.push(cell(ratio));
        cells
    };
    Table { caption: caption(users, case), headings, rows: rows.iter().map(row).collect() }
}

fn caption(users: u64, case: Case) -> String {
    let Case { requests_per_s, facts_per_s } = case;
    let requests = if requests_per_s > 0 { format!(", {requests_per_s} requests/s") } else { String::new() };
    let facts = if facts_per_s > 0 { format!(", {facts_per_s} facts/s coming in") } else { String::new() };
    format!("{users} users{requests}{facts}")
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

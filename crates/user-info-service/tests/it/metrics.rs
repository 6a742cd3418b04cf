//! `/metrics`: valid OpenMetrics text, with the buckets that the promises are read off.

use std::collections::{BTreeMap, BTreeSet};

use user_info_core::Topic;

use crate::facts::{bad, tweeted, user};
use crate::server::{Server, World};

/// One sample: its labels as they are written, without those in `le`, and its value.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// What OpenMetrics text says: families by name with their type, and their samples.
struct Exposition {
    types: BTreeMap<String, String>,
    samples: Vec<Sample>,
}

/// Reads OpenMetrics text as strictly as its specification: a family stands in one place, described once, typed before
/// its samples, whose names follow from the type; no series twice; `# EOF` at the end.
fn parse(text: &str) -> Exposition {
    let body = text.strip_suffix("# EOF\n").expect("no # EOF at the end");
    let mut exposition = Exposition { types: BTreeMap::new(), samples: Vec::new() };
    let (mut current, mut described) = (String::new(), BTreeSet::new());
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let (kind, rest) = comment.split_once(' ').unwrap();
            let (family, value) = rest.split_once(' ').unwrap();
            assert!(described.insert((kind.to_owned(), family.to_owned())), "twice: {line}");
            assert!(current == family || !exposition.types.contains_key(family), "{family} stands in two places");
            current = family.to_owned();
            match kind {
                "TYPE" => drop(exposition.types.insert(family.to_owned(), value.to_owned())),
                "UNIT" => assert!(family.ends_with(&format!("_{value}")), "{line}"),
                "HELP" => {}
                other => panic!("{other}"),
            }
        } else {
            let sample = parse_sample(line);
            check_name(&sample.name, &current, &exposition.types[&current]);
            exposition.samples.push(sample);
        }
    }
    let series: BTreeSet<_> = exposition.samples.iter().map(|sample| (&sample.name, &sample.labels)).collect();
    assert_eq!(series.len(), exposition.samples.len(), "a series stands there twice");
    exposition
}

fn check_name(name: &str, family: &str, kind: &str) {
    let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{name} is no sample of {family}"));
    let suffixes: &[&str] = match kind {
        "counter" => &["_total"],
        "gauge" => &[""],
        "histogram" => &["_bucket", "_count", "_sum"],
        other => panic!("{other}"),
    };
    assert!(suffixes.contains(&suffix), "{name} in {kind} {family}");
}

fn parse_sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
        None => (series, ""),
    };
    let label = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap().to_owned())
    };
    let labels = labels.split(',').filter(|pair| !pair.is_empty()).map(label).collect();
    Sample { name: name.into(), labels, value: value.parse().unwrap() }
}

impl Exposition {
    fn of(server: &Server) -> Self {
        let answer = server.admin("/metrics");
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
        parse(answer.text())
    }

    /// The one sample with this name and these labels.
    #[track_caller]
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let found = self.samples.iter().find(|sample| sample.name == name && sample.labels == labels);
        found.unwrap_or_else(|| panic!("no {name} {labels:?}")).value
    }

    /// Upper bounds and cumulative counts of a histogram.
    fn buckets(&self, family: &str, labels: &[(&str, &str)]) -> Vec<(String, f64)> {
        let name = format!("{family}_bucket");
        let of_labels = |sample: &&Sample| {
            labels.iter().all(|&(name, value)| sample.labels.get(name).is_some_and(|found| found == value))
        };
        let buckets = self.samples.iter().filter(|sample| sample.name == name).filter(of_labels);
        buckets.map(|sample| (sample.labels["le"].clone(), sample.value)).collect()
    }
}

#[test]
fn the_text_is_openmetrics_and_counts_what_happened() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1"), user("2"), tweeted("1", "10"), bad(Topic::Users, "3")]);
    server.until_caught_up(&world.log);
    for (target, status) in
        [("/users/1", 200), ("/users/9", 404), ("/users?ids=1,2", 200), ("/users?username=x", 404), ("/users", 400)]
    {
        assert_eq!(server.get(target).status, status);
    }
    let metrics = Exposition::of(&server);
    let request = |route, status| metrics.value("user_info_requests_total", &[("route", route), ("status", status)]);
    assert_eq!(request("user", "200"), 1.0);
    assert_eq!(request("user", "404"), 1.0);
    assert_eq!(request("users", "200"), 1.0);
    assert_eq!(request("username", "404"), 1.0);
    assert_eq!(request("other", "400"), 1.0);
    assert_eq!(metrics.value("user_info_records_total", &[("topic", "users")]), 3.0);
    assert_eq!(metrics.value("user_info_records_total", &[("topic", "tweets")]), 1.0);
    assert_eq!(metrics.value("user_info_bad_records_total", &[("code", "malformed"), ("topic", "users")]), 1.0);
    assert_eq!(metrics.value("user_info_dead_letters_total", &[]), 1.0);
    assert_eq!(metrics.value("user_info_tainted_keys", &[]), 1.0);
    assert_eq!(metrics.value("user_info_ready", &[]), 1.0);
    assert_eq!(metrics.value("user_info_age_seconds", &[]), 0.0);
    for topic in Topic::FACTS {
        assert_eq!(metrics.value("user_info_lag_records", &[("partition", "2"), ("topic", topic.name())]), 0.0);
    }
    assert!(metrics.value("user_info_store_bytes", &[]) > 0.0);
}

#[test]
fn the_promises_can_be_read_off_the_buckets() {
    let world = World::new();
    let server = world.start();
    server.until_ready();
    world.publish(&[user("1")]);
    server.until_status("/users/1", 200);
    let metrics = Exposition::of(&server);
    for route in ["user", "users", "username", "batch", "other"] {
        let buckets = metrics.buckets("user_info_request_seconds", &[("route", route)]);
        let bounds: Vec<&str> = buckets.iter().map(|(bound, _)| bound.as_str()).collect();
        for bound in ["0.001", "0.0015", "0.002", "0.003", "0.005", "+Inf"] {
            assert!(bounds.contains(&bound), "{route}: {bounds:?}");
        }
        assert!(buckets.is_sorted_by(|one, other| one.1 <= other.1), "{buckets:?}");
        let count = metrics.value("user_info_request_seconds_count", &[("route", route)]);
        assert_eq!(buckets.last().unwrap(), &("+Inf".to_owned(), count));
        assert_eq!(count > 0.0, route == "user", "{route}");
    }
    let update = metrics.buckets("user_info_update_seconds", &[]);
    for bound in ["1.0", "10.0"] {
        assert!(update.iter().any(|(found, _)| found == bound), "{update:?}");
    }
    // The one record came after the end was reached, so it was a fresh one.
    assert_eq!(metrics.value("user_info_update_seconds_count", &[]), 1.0);
}

#[test]
fn before_the_first_catch_up_the_age_is_no_number() {
    let world = World::without_topics();
    let server = world.start();
    let metrics = Exposition::of(&server);
    assert!(metrics.value("user_info_age_seconds", &[]).is_nan());
    assert_eq!(metrics.value("user_info_ready", &[]), 0.0);
}

//! Consumer groups on Apache Kafka: members come, go, hang and are killed, and so does the broker; each record is read by one.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use user_info_core::Topic;
use user_info_log::{Consumer, Log, LogConfig, LogUrl, NewRecord, Polled, Problem, Record, Share, Start, TopicLayout};
use user_info_testkit::{BrokerConfig, KafkaBroker, Process, eventually, soak};

use crate::kafka::{config, config_of};
use crate::kafka_topics::Admin;
use crate::subject::{LIMIT, PARTITIONS, PLENTY, Subject, gained, lost, poll_until, record_at, start, values};
use crate::subprocess::ignored_test;

const TOPICS: [Topic; 2] = [Topic::Likes, Topic::Lists];
const ALL: usize = TOPICS.len() * PARTITIONS as usize;

/// How long one member is polled before it is the turn of the next.
const TURN: Duration = Duration::from_millis(20);

/// Members hear of each other sooner than in earnest.
const HEARTBEAT: (&str, &str) = ("heartbeat.interval.ms", "200");

/// A silent member is kept for longer than a test: what moves sooner moved because one left.
const NEVER: &[(&str, &str)] = &[HEARTBEAT, ("session.timeout.ms", "120000")];

/// A silent member is given up as soon as a broker allows.
const SOON: &[(&str, &str)] = &[HEARTBEAT, ("session.timeout.ms", "6000"), ("max.poll.interval.ms", "6000")];

/// New topics, and missing ones, are noticed sooner than in earnest.
const METADATA: &[(&str, &str)] =
    &[("topic.metadata.refresh.interval.ms", "500"), ("topic.metadata.propagation.max.ms", "1")];

fn subject(config: LogConfig, options: &[(&str, &str)]) -> Subject {
    let kafka_options = options.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    Subject::open(LogConfig { kafka_options, ..config })
}

/// In which a partition would move, if nobody waited for anything.
const LINGERING: Duration = Duration::from_secs(1);

type Partition = (Topic, i32);

/// What the members share: how far each partition was read, and what was read.
#[derive(Default)]
struct Store {
    positions: BTreeMap<Partition, i64>,
    read: Vec<Record>,
}

impl Store {
    fn start(&self, partition: Partition) -> Start {
        start(partition.0, partition.1, self.positions.get(&partition).copied().unwrap_or_default())
    }
}

/// A member that goes on where the store says.
struct Member {
    consumer: Consumer,
    owned: BTreeSet<Partition>,
    problems: Vec<Problem>,
}

impl Member {
    fn of(subject: &Subject) -> Self {
        Self { consumer: subject.member("group", &TOPICS), owned: BTreeSet::new(), problems: Vec::new() }
    }

    /// Reads what is there, each record where the one before it was, by whichever member.
    fn step(&mut self, store: &mut Store) {
        let Polled { records, problems, shares, .. } = self.consumer.poll(PLENTY, TURN).unwrap();
        for record in records {
            let partition = (record.topic, record.partition);
            assert!(self.owned.contains(&partition), "{partition:?} belongs to somebody else");
            let position = store.positions.entry(partition).or_default();
            assert_eq!(record.offset, *position, "{partition:?}");
            *position += 1;
            store.read.push(record);
        }
        for share in shares {
            self.take(share, store);
        }
        self.problems.extend(problems);
    }

    fn take(&mut self, share: Share, store: &Store) {
        match share {
            Share::Gained(partitions) => {
                let starts: Vec<Start> = partitions.iter().map(|&partition| store.start(partition)).collect();
                self.consumer.assign(&starts).unwrap();
                for partition in partitions {
                    assert!(self.owned.insert(partition), "{partition:?} was gained twice");
                }
            }
            Share::Lost(partitions) => {
                for partition in partitions {
                    assert!(self.owned.remove(&partition), "{partition:?} was lost and never gained");
                }
            }
        }
    }

    /// Goes on where the store says, with everything it has.
    fn go_on(&mut self, store: &Store) {
        let starts: Vec<Start> = self.owned.iter().map(|&partition| store.start(partition)).collect();
        self.consumer.assign(&starts).unwrap();
    }

    fn problems_are_all_unavailable(&self) -> bool {
        self.problems.iter().all(|problem| matches!(problem, Problem::Unavailable { .. }))
    }
}

/// Gives each member its turn until `done`.
fn until(members: &mut [&mut Member], store: &mut Store, what: &str, done: impl Fn(&[&mut Member], &Store) -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !done(members, store) {
        let owned: Vec<_> = members.iter().map(|member| &member.owned).collect();
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}; they have {owned:?}");
        for member in &mut *members {
            member.step(store);
        }
    }
}

/// Each member has as much as the others, and together they have everything.
fn is_even(members: &[&mut Member], _: &Store) -> bool {
    let union: BTreeSet<_> = members.iter().flat_map(|member| &member.owned).collect();
    members.iter().all(|member| member.owned.len() == ALL / members.len()) && union.len() == ALL
}

/// Three records for each partition, unlike those of other rounds.
fn publish_round(subject: &Subject, round: usize) {
    let of_partition = |topic, partition| {
        (0..3).map(move |number| record_at(topic, partition, "1/1", &format!("{round} {topic} {partition} {number}")))
    };
    let of_topic = |topic| (0..PARTITIONS).flat_map(move |partition| of_partition(topic, partition));
    subject.publish(&TOPICS.into_iter().flat_map(of_topic).collect::<Vec<NewRecord>>());
}

/// So many rounds were read, each record once.
fn read_rounds(members: &mut [&mut Member], store: &mut Store, rounds: usize) {
    let count = rounds * ALL * 3;
    until(members, store, "all records", |_, store| store.read.len() >= count);
    assert_eq!(values(&store.read).into_iter().collect::<BTreeSet<_>>().len(), count);
    assert_eq!(store.read.len(), count);
}

#[test]
fn members_that_come_and_go_read_each_record_once() {
    let subject = subject(config("come_and_go"), NEVER);
    let mut store = Store::default();
    publish_round(&subject, 0);
    let mut first = Member::of(&subject);
    until(&mut [&mut first], &mut store, "all partitions of one", is_even);
    read_rounds(&mut [&mut first], &mut store, 1);

    let mut second = Member::of(&subject);
    publish_round(&subject, 1);
    until(&mut [&mut first, &mut second], &mut store, "halves", is_even);
    publish_round(&subject, 2);
    read_rounds(&mut [&mut first, &mut second], &mut store, 3);

    let mut third = Member::of(&subject);
    publish_round(&subject, 3);
    until(&mut [&mut first, &mut second, &mut third], &mut store, "thirds", is_even);
    publish_round(&subject, 4);
    read_rounds(&mut [&mut first, &mut second, &mut third], &mut store, 5);

    drop(first);
    publish_round(&subject, 5);
    until(&mut [&mut second, &mut third], &mut store, "halves for those who stay", is_even);
    drop(third);
    until(&mut [&mut second], &mut store, "everything for the last", is_even);
    publish_round(&subject, 6);
    read_rounds(&mut [&mut second], &mut store, 7);
    assert_eq!(second.problems, []);
}

/// What happens to a group; members by number, those that are not there are passed over.
#[derive(Clone, Debug)]
enum Step {
    Join,
    Leave(usize),
    /// Stops reading a topic.
    Unassign(usize, Topic),
    /// Goes on where the store says, with everything.
    GoOn(usize),
    Publish,
    Poll(usize),
}

const MEMBERS_MAX: usize = 4;

fn any_step() -> impl Strategy<Value = Step> {
    let member = 0..MEMBERS_MAX;
    prop_oneof![
        2 => Just(Step::Join),
        1 => member.clone().prop_map(Step::Leave),
        2 => (member.clone(), prop::sample::select(&TOPICS[..])).prop_map(|(member, topic)| Step::Unassign(member, topic)),
        3 => member.prop_map(Step::GoOn),
        2 => Just(Step::Publish),
        // Less than a change of the group takes, and more.
        4 => (0..25_usize).prop_map(Step::Poll),
    ]
}

fn take_steps(subject: &Subject, steps: Vec<Step>) {
    let (mut members, mut store, mut rounds) = (Vec::new(), Store::default(), 0);
    for step in steps {
        match step {
            Step::Join => members.extend((members.len() < MEMBERS_MAX).then(|| Member::of(subject))),
            Step::Leave(member) => drop(members.get(member).is_some().then(|| members.swap_remove(member))),
            Step::Unassign(member, topic) => {
                let member = members.get_mut(member);
                member.into_iter().for_each(|member| member.consumer.unassign(topic).unwrap());
            }
            Step::GoOn(member) => members.get_mut(member).into_iter().for_each(|member| member.go_on(&store)),
            Step::Publish => {
                publish_round(subject, rounds);
                rounds += 1;
            }
            Step::Poll(turns) => {
                (0..turns).for_each(|_| members.iter_mut().for_each(|member| member.step(&mut store)));
            }
        }
    }
    members.push(Member::of(subject));
    let mut members: Vec<&mut Member> = members.iter_mut().collect();
    until(&mut members, &mut store, "all partitions of all", |members, _| {
        members.iter().map(|member| member.owned.len()).sum::<usize>() == ALL
    });
    members.iter_mut().for_each(|member| member.go_on(&store));
    read_rounds(&mut members, &mut store, rounds);
}

#[test]
fn whatever_members_do_each_record_is_read_once() {
    let (cases, rng_seed) = if soak() { (40, RngSeed::Random) } else { (1, RngSeed::Fixed(7)) };
    let case = Cell::new(0);
    // A case takes too long to be repeated for a smaller one.
    let config =
        ProptestConfig { cases, rng_seed, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() };
    let taken = TestRunner::new(config).run(&prop::collection::vec(any_step(), 30), |steps| {
        case.set(case.get() + 1);
        // A broker holds the whole group up for a member that left between its two requests to join, as if it was silent.
        take_steps(&subject(config_of_case(case.get()), &[HEARTBEAT]), steps);
        Ok(())
    });
    taken.unwrap_or_else(|failure| panic!("{failure}"));
}

fn config_of_case(case: u32) -> LogConfig {
    config(&format!("whatever.{case}"))
}

#[test]
fn reading_elsewhere_or_no_more_changes_nothing_about_who_has_what() {
    let subject = subject(config("elsewhere"), NEVER);
    let mut store = Store::default();
    let (mut first, mut second) = (Member::of(&subject), Member::of(&subject));
    until(&mut [&mut first, &mut second], &mut store, "halves", is_even);
    publish_round(&subject, 0);
    read_rounds(&mut [&mut first, &mut second], &mut store, 1);
    let before = (first.owned.clone(), second.owned.clone());

    // From the beginning again and again, and one topic no longer.
    for _ in 0..3 {
        store = Store::default();
        let owned = first.owned.clone();
        first.go_on(&store);
        until(&mut [&mut first], &mut store, "what was read already", |_, store| store.read.len() >= owned.len() * 3);
    }
    first.consumer.unassign(Topic::Likes).unwrap();

    // Another member takes nothing from anybody that was not theirs, and leaves everything.
    let mut third = Member::of(&subject);
    until(&mut [&mut first, &mut second, &mut third], &mut store, "thirds", is_even);
    assert!(first.owned.is_subset(&before.0) && second.owned.is_subset(&before.1));
    drop(third);
    until(&mut [&mut first, &mut second], &mut store, "halves again", is_even);
    drop(second);
    until(&mut [&mut first], &mut store, "everything", is_even);
    store = Store::default();
    first.go_on(&store);
    read_rounds(&mut [&mut first], &mut store, 1);
}

#[test]
fn nobody_gains_what_was_lost_before_the_loser_is_done_with_it() {
    let subject = subject(config("done_with_it"), NEVER);
    let mut store = Store::default();
    let mut first = Member::of(&subject);
    until(&mut [&mut first], &mut store, "everything", is_even);
    // Lost to somebody who comes.
    let mut second = Member::of(&subject);
    loses_and_lingers(&mut first, &mut second, &mut store);
    until(&mut [&mut first, &mut second], &mut store, "halves", is_even);
    // Given up.
    let given_up = first.owned.first().unwrap().0;
    first.consumer.subscribe(&TOPICS.into_iter().filter(|&topic| topic != given_up).collect::<Vec<_>>()).unwrap();
    loses_and_lingers(&mut first, &mut second, &mut store);
    let topic = BTreeSet::from_iter((0..PARTITIONS).map(|partition| (given_up, partition)));
    until(&mut [&mut first, &mut second], &mut store, "the topic for the other", |members, _| {
        members[1].owned.is_superset(&topic)
    });
}

/// The first is polled until it hears of a loss, and not once more: nothing of that comes to the second.
fn loses_and_lingers(first: &mut Member, second: &mut Member, store: &mut Store) {
    let before = first.owned.clone();
    until(&mut [second, first], store, "a loss", |members, _| !members[1].owned.is_superset(&before));
    let began = Instant::now();
    while began.elapsed() < LINGERING {
        second.step(store);
        assert!(second.owned.is_disjoint(&before), "the other one may still be writing these");
    }
}

#[test]
fn what_was_lost_is_left_out_of_an_assignment() {
    let subject = subject(config("lost_left_out"), NEVER);
    let mut store = Store::default();
    let mut first = Member::of(&subject);
    until(&mut [&mut first], &mut store, "everything", is_even);
    let everything: Vec<Start> = first.owned.iter().map(|&partition| store.start(partition)).collect();
    let mut second = Member::of(&subject);
    until(&mut [&mut first, &mut second], &mut store, "halves", is_even);
    first.consumer.assign(&everything).unwrap();
    publish_round(&subject, 0);
    read_rounds(&mut [&mut first, &mut second], &mut store, 1);
}

#[test]
fn a_member_that_hangs_loses_everything_and_comes_back() {
    let subject = subject(config("hangs"), SOON);
    let mut store = Store::default();
    let (mut first, mut second) = (Member::of(&subject), Member::of(&subject));
    until(&mut [&mut first, &mut second], &mut store, "halves", is_even);
    publish_round(&subject, 0);
    read_rounds(&mut [&mut first, &mut second], &mut store, 1);

    until(&mut [&mut second], &mut store, "everything for the one that is polled", is_even);
    publish_round(&subject, 1);
    read_rounds(&mut [&mut second], &mut store, 2);
    until(&mut [&mut first, &mut second], &mut store, "halves again", is_even);
    publish_round(&subject, 2);
    read_rounds(&mut [&mut first, &mut second], &mut store, 3);
    assert!(first.problems_are_all_unavailable(), "{:?}", first.problems);
    assert!(!first.problems.is_empty(), "nothing was said about the hanging");
    assert_eq!(second.problems, []);
}

#[test]
fn members_that_were_thrown_out_can_be_dropped() {
    let subject = subject(config("dropped"), SOON);
    let mut store = Store::default();
    let (mut first, mut second, mut third) = (Member::of(&subject), Member::of(&subject), Member::of(&subject));
    until(&mut [&mut first, &mut second, &mut third], &mut store, "thirds", is_even);
    until(&mut [&mut third], &mut store, "everything for the one that is polled", is_even);
    until(&mut [&mut second], &mut store, "the loss", |members, _| members[0].owned.is_empty());
    // One has not heard of it yet, and one has.
    ends(first);
    ends(second);
}

#[test]
fn a_member_that_was_thrown_out_can_change_its_subscription() {
    let subject = subject(config("thrown_out"), SOON);
    let mut store = Store::default();
    let (mut first, mut second) = (Member::of(&subject), Member::of(&subject));
    until(&mut [&mut first, &mut second], &mut store, "halves", is_even);
    let others = [&[Topic::Users, Topic::Tweets][..], &[Topic::Tweets], &[Topic::Follows], &[Topic::Users]];
    until(&mut [&mut second], &mut store, "everything for the one that is polled", is_even);
    // It has not heard of it yet.
    first.consumer.unassign(Topic::Likes).unwrap();
    others.repeat(20).iter().for_each(|topics| first.consumer.subscribe(topics).unwrap());
    let polled = poll_until(&mut first.consumer, "the loss", |polled| !polled.shares.is_empty());
    assert_eq!(lost(&polled).len(), ALL / 2);
    // Now it has.
    others.repeat(20).iter().for_each(|topics| first.consumer.subscribe(topics).unwrap());
    let polled = poll_until(&mut first.consumer, "the other topic", |polled| gained(polled).len() >= 3);
    let users = (0..PARTITIONS).map(|partition| (Topic::Users, partition));
    assert_eq!(gained(&polled), users.clone().collect::<Vec<_>>());
    first.owned = users.collect();
    first.consumer.subscribe(&TOPICS).unwrap();
    until(&mut [&mut first, &mut second], &mut store, "halves again", is_even);
}

#[test]
fn a_topic_that_is_missing_for_long_is_waited_for() {
    let subject = subject(config("missing_for_long"), METADATA);
    let log = subject.without_topics();
    let mut member = log.group_consumer("missing_for_long").unwrap();
    member.subscribe(&TOPICS).unwrap();
    // Time for several looks.
    assert_eq!(member.poll(PLENTY, Duration::from_secs(2)).unwrap(), Polled::default());
    log.create_topics(TopicLayout { partitions: PARTITIONS, replication: 1 }).unwrap();
    poll_until(&mut member, "the topics", |polled| gained(polled).len() >= ALL);
}

#[test]
fn a_topic_that_grows_is_gained_and_one_that_is_deleted_is_lost() {
    let subject = subject(config("grows"), METADATA);
    let mut member = subject.lone_member(&[Topic::Users, Topic::Likes]);
    member.assign(&[start(Topic::Likes, 0, 0), start(Topic::Users, 0, 0)]).unwrap();
    let admin = Admin::new(&subject.config);
    admin.grow(&subject.config.topic_names.name(Topic::Users), 5);
    let polled = poll_until(&mut member, "the new partitions", |polled| !polled.shares.is_empty());
    assert_eq!(polled.shares, [Share::Gained(vec![(Topic::Users, 3), (Topic::Users, 4)])]);
    member.assign(&[start(Topic::Users, 4, 0)]).unwrap();
    subject.publish(&[record_at(Topic::Users, 4, "1", "a")]);
    assert_eq!(values(&poll_until(&mut member, "a record", |polled| !polled.records.is_empty()).records), ["a"]);

    admin.delete(&subject.config.topic_names.name(Topic::Likes));
    let polled = poll_until(&mut member, "the loss", |polled| !polled.shares.is_empty());
    assert_eq!(polled.shares, [Share::Lost((0..PARTITIONS).map(|partition| (Topic::Likes, partition)).collect())]);
    let is_told = |problem: &Problem| matches!(problem, Problem::TopicGone { topic: Topic::Likes, .. });
    assert!(polled.problems.iter().all(is_told), "{polled:?}");
    subject.publish(&[record_at(Topic::Users, 0, "1", "b")]);
    assert_eq!(values(&poll_until(&mut member, "a record", |polled| !polled.records.is_empty()).records), ["b"]);
}

/// Where a subprocess finds the broker, and its topics.
const BOOTSTRAP_VARIABLE: &str = "LOG_TEST_BOOTSTRAP";
const KILLED: &str = "killed";

#[test]
fn what_a_killed_member_had_goes_to_the_others() {
    let subject = subject(config(KILLED), &[]);
    let mut store = Store::default();
    let LogUrl::Kafka { bootstrap } = &subject.config.url else { panic!("a Kafka cluster was asked for") };
    let mut command = ignored_test("kafka_groups::subprocess_joins");
    command.env(BOOTSTRAP_VARIABLE, bootstrap);
    let mut process = Process::spawn(&command).unwrap();
    process.wait_for_line("has everything", LIMIT).unwrap();
    let mut member = Member::of(&subject);
    until(&mut [&mut member], &mut store, "a half", |members, _| members[0].owned.len() == ALL / 2);

    process.kill().unwrap();
    publish_round(&subject, 0);
    until(&mut [&mut member], &mut store, "everything", is_even);
    read_rounds(&mut [&mut member], &mut store, 1);
}

#[test]
#[ignore = "run by another test"]
fn subprocess_joins() {
    let url = LogUrl::Kafka { bootstrap: env::var(BOOTSTRAP_VARIABLE).unwrap() };
    let config = LogConfig { url, ..crate::subject::embedded_config("") };
    let topic_names = config.topic_names.with_prefix(&format!("{KILLED}."));
    let config = LogConfig { topic_names, ..config };
    let subject = Subject { log: Log::open(&config).unwrap(), config, directory: None, in_group: false };
    let mut member = Member::of(&subject);
    until(&mut [&mut member], &mut Store::default(), "everything", is_even);
    println!("has everything");
    loop {
        member.step(&mut Store::default());
    }
}

#[test]
fn members_outlive_a_killed_broker() {
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let subject = subject(config_of(&broker, "outlive"), SOON);
    let mut store = Store::default();
    let (mut first, mut second) = (Member::of(&subject), Member::of(&subject));
    until(&mut [&mut first, &mut second], &mut store, "halves", is_even);
    publish_round(&subject, 0);
    read_rounds(&mut [&mut first, &mut second], &mut store, 1);

    // Back before the group has given anybody up.
    broker.kill().unwrap();
    until(&mut [&mut first, &mut second], &mut store, "reports that the cluster is away", |members, _| {
        members.iter().all(|member| !member.problems.is_empty())
    });
    broker.restart().unwrap();
    publish_round(&subject, 1);
    read_rounds(&mut [&mut first, &mut second], &mut store, 2);
    until(&mut [&mut first, &mut second], &mut store, "halves after the restart", is_even);

    // Back when sessions are over. A member that was about to join again when the broker went does not notice.
    broker.kill().unwrap();
    until(&mut [&mut first, &mut second], &mut store, "the end of a session", |members, _| {
        members.iter().any(|member| member.owned.is_empty())
    });
    broker.restart().unwrap();
    until(&mut [&mut first, &mut second], &mut store, "halves once more", is_even);
    publish_round(&subject, 2);
    read_rounds(&mut [&mut first, &mut second], &mut store, 3);
    for member in [first, second] {
        assert!(member.problems_are_all_unavailable(), "{:?}", member.problems);
    }
}

#[test]
fn leaving_a_group_ends_when_the_broker_is_away() {
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let subject = subject(config_of(&broker, "leaving"), NEVER);
    let mut store = Store::default();
    let mut members = [Member::of(&subject), Member::of(&subject), Member::of(&subject)];
    let [first, second, third] = &mut members;
    until(&mut [first, second, third], &mut store, "thirds", is_even);
    let [first, second, third] = members;

    broker.pause().unwrap();
    ends(first);
    broker.kill().unwrap();
    ends(second);
    // One more that never met a broker.
    ends(Member::of(&subject));
    broker.restart().unwrap();
    ends(third);
}

/// Dropping the member comes to an end.
fn ends(member: Member) {
    let dropping = thread::spawn(move || drop(member));
    eventually(LIMIT, "the member is gone", || dropping.is_finished());
    dropping.join().unwrap();
}

#[test]
fn a_member_that_owes_an_answer_leaves_at_once() {
    let subject = subject(config("owes_an_answer"), NEVER);
    let mut store = Store::default();
    let mut first = Member::of(&subject);
    until(&mut [&mut first], &mut store, "everything", is_even);
    let mut second = Member::of(&subject);
    while lost(&first.consumer.poll(PLENTY, TURN).unwrap()).is_empty() {
        second.step(&mut store);
    }
    ends(first);
    until(&mut [&mut second], &mut store, "everything for the other", is_even);
}

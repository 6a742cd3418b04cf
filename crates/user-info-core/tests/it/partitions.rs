//! Which partition a key belongs to, and the names and numbers of topics and relations.

use user_info_core::decode::check_partition;
use user_info_core::topic::partition_of;
use user_info_core::{BadRecord, Relation, Topic};

/// murmur2 of the keys in the tests of Apache Kafka's own `Utils`.
const MURMUR2: [(&[u8], i32); 6] = [
    (b"21", -973_932_308),
    (b"foobar", -790_332_482),
    (b"a-little-bit-long-string", -985_981_536),
    (b"a-little-bit-longer-string", -1_486_304_829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    (b"abc", 479_470_107),
];

#[test]
fn partitions_are_those_of_kafkas_own_clients() {
    for (key, hash) in MURMUR2 {
        for partitions in [1, 2, 3, 12, 64, 1000, i32::MAX] {
            assert_eq!(partition_of(key, partitions), (hash & i32::MAX) % partitions, "{}", key.escape_ascii());
        }
    }
}

/// Every length of the last, incomplete word, and bytes above 127, which Java would extend with their sign.
#[test]
fn odd_lengths_and_high_bytes_are_hashed() {
    assert_eq!(partition_of(b"", i32::MAX), 275_646_681);
    let keys = [&b"\xff"[..], b"\xff\xfe", b"\xff\xfe\xfd", b"\xff\xfe\xfd\xfc"];
    let spread = keys.map(|key| partition_of(key, i32::MAX));
    assert_eq!(spread, [1_836_015_963, 1_717_632_651, 998_637_092, 2_136_149_935]);
}

#[test]
fn a_record_elsewhere_is_bad() {
    assert_eq!(check_partition(b"foobar", partition_of(b"foobar", 12), 12), Ok(()));
    let home = partition_of(b"foobar", 12);
    for found in (0..12).filter(|partition| *partition != home).chain([-1, 12]) {
        let error = check_partition(b"foobar", found, 12).unwrap_err();
        assert_eq!(error, BadRecord::WrongPartition { expected: home, found });
        assert_eq!(error.code(), "wrong-partition");
    }
}

#[test]
#[should_panic(expected = "a topic has at least one partition, not 0")]
fn no_topic_has_no_partitions() {
    partition_of(b"foobar", 0);
}

#[test]
#[should_panic(expected = "a topic has at least one partition, not -1")]
fn no_topic_has_less_than_no_partitions() {
    partition_of(b"foobar", -1);
}

/// Names are the contract, numbers are stored: neither ever changes.
#[test]
fn topics_keep_their_names_and_numbers() {
    let topics = [
        (Topic::Users, "users", 1),
        (Topic::Tweets, "tweets", 2),
        (Topic::Follows, "follows", 3),
        (Topic::Likes, "likes", 4),
        (Topic::Lists, "lists", 5),
        (Topic::DeadLetters, "user-info-dead-letters", 6),
    ];
    assert_eq!(topics.map(|(topic, ..)| topic), Topic::ALL);
    assert_eq!(Topic::FACTS[..], Topic::ALL[..5]);
    for (topic, name, number) in topics {
        assert_eq!((topic.name(), topic.to_string().as_str(), topic.number()), (name, name, number));
        assert_eq!((Topic::from_name(name), Topic::from_number(number)), (Some(topic), Some(topic)));
    }
    assert_eq!([Topic::from_name("Users"), Topic::from_name("")], [None, None]);
    assert_eq!([0, 7, 255].map(Topic::from_number), [None; 3]);
}

#[test]
fn relations_keep_their_topics_and_numbers() {
    let relations = [
        (Relation::Tweets, Topic::Tweets, 2),
        (Relation::Follows, Topic::Follows, 3),
        (Relation::Likes, Topic::Likes, 4),
        (Relation::Lists, Topic::Lists, 5),
    ];
    assert_eq!(relations.map(|(relation, ..)| relation), Relation::ALL);
    for (relation, topic, number) in relations {
        assert_eq!((relation.topic(), relation.number()), (topic, number));
        assert_eq!(Relation::from_number(number), Some(relation));
    }
    assert_eq!([0, 1, 6, 255].map(Relation::from_number), [None; 4]);
}

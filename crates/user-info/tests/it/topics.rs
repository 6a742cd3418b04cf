//! `topics create` and `topics check` on a real broker, which also tells what they made.

use user_info_core::Topic;
use user_info_log::NewRecord;

use crate::support::facts::user;
use crate::support::kafka::{Admin, shared_broker};
use crate::support::turn;
use crate::support::world::World;

#[test]
fn topics_are_created_as_the_contract_says_and_only_once() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let world = World::without_topics_on(&broker, "created");
    let missing = world.run(&["topics", "check"], &[]).with_status(1).stdout;
    assert_eq!(
        missing.lines().filter(|line| line.contains("does not exist: run `user-info topics create`")).count(),
        6
    );

    world.create_topics(4);
    let again = world.create_topics(7).stdout;
    assert_eq!(again.lines().filter(|line| line.ends_with(": exists already")).count(), Topic::ALL.len(), "{again}");
    for topic in Topic::ALL {
        let description = world.log().describe(topic).unwrap().unwrap();
        assert_eq!(description.partitions, 4, "{topic}");
        assert_eq!(description.settings.cleanup_policy, "compact", "{topic}");
        assert!(description.settings.delete_retention_ms >= 7 * 24 * 3_600_000, "{topic}");
    }
    world.run(&["topics", "check"], &[]).with_status(0);
}

#[test]
fn a_topic_that_would_lose_facts_is_found_and_the_way_out_is_named() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let world = World::on(&broker, "wrong");
    let (admin, name) = (Admin::of(&broker), world.name(Topic::Likes));
    let wrong = [
        ("cleanup.policy", "compact,delete"),
        ("delete.retention.ms", "1000"),
        ("message.timestamp.type", "LogAppendTime"),
    ];
    admin.set(&name, &wrong);
    let found = world.run(&["topics", "check"], &[]).with_status(1).stdout;
    let mend =
        "kafka-configs.sh --bootstrap-server … --alter --entity-type topics --entity-name wrong.likes --add-config";
    let lines = [
        format!(
            "topic wrong.likes: cleanup.policy is compact,delete, so facts may be deleted that are still true: set it to \
             compact and nothing else ({mend} cleanup.policy=compact)"
        ),
        format!(
            "topic wrong.likes: delete.retention.ms is 1000, so a replica that was away misses deletions: set it to \
             604800000 (7 days) or more ({mend} delete.retention.ms=604800000)"
        ),
        format!(
            "topic wrong.likes: message.timestamp.type is LogAppendTime, so the age of facts is not measured from their \
             publishing: set it to CreateTime ({mend} message.timestamp.type=CreateTime)"
        ),
    ];
    assert_eq!(found.lines().collect::<Vec<_>>(), lines);
    // What exists is never changed behind its owner's back.
    let created = world.run(&["topics", "create"], &[]).with_status(1).stdout;
    assert!(lines.iter().all(|line| created.contains(line)), "{created}");

    admin.set(&name, &[]);
    world.run(&["topics", "check"], &[]).with_status(0);
}

#[test]
fn topics_may_have_other_names() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let world = World::without_topics_on(&broker, "named").with_name(Topic::Users, "people-of-this-test");
    let created = world.create_topics(1).stdout;
    assert!(created.lines().any(|line| line == "topic people-of-this-test: created"), "{created}");
    let server = world.replica("store").started();
    let records: [NewRecord; 1] = [user("1", "one")];
    world.publish_to(&server, &records);
    assert_eq!(server.user("1")["username"], "one");
}

//! Ready answers are as new as the store, whoever reads and writes at the same time, and stay within their memory.

use std::convert::Infallible;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;
use hyper::header::HeaderValue;
use user_info_core::{Change, Id, Pair, Relation};
use user_info_service::fields::Fields;
use user_info_service::hot::{Form, HotAnswers, HotCounts, Ready};
use user_info_service::twitter::v2;
use user_info_store::Decision;

use crate::facts::{id, tweeted, user};
use crate::server::{World, config};

/// Batches that a writer writes while others read.
const BATCHES: u64 = 20_000;

const ALL: Form = Form::Native(Fields::ALL);

fn ready(version: u64) -> Ready {
    Ready { body: Bytes::from(version.to_string()), etag: HeaderValue::from(version) }
}

fn version(ready: &Ready) -> u64 {
    std::str::from_utf8(&ready.body).unwrap().parse().unwrap()
}

/// A follow moves both users.
fn follow(follower: &Id, followee: &Id) -> Decision {
    let pair = Pair { owner: follower.clone(), relation: Relation::Follows, member: followee.clone() };
    Decision { offset: 0, change: Change::Add(pair) }
}

/// Of a store whose every batch moves both users, so that neither may be seen older than what was seen of the other before.
#[test]
fn nobody_sees_an_older_answer_than_one_that_was_seen() {
    let (hot, store, done) =
        (HotAnswers::new(1 << 20, HotCounts::default()), RwLock::new(0_u64), AtomicBool::new(false));
    let users = [id("1"), id("2")];
    let read = |user: &Id| {
        let read = || Ok::<_, Infallible>(ready(*store.read().unwrap()));
        version(&hot.get_or_read(user, ALL, read).unwrap())
    };
    let look = || {
        let (mut seen, mut looks) = (0, 0_u64);
        while !done.load(Ordering::Relaxed) {
            for user in &users {
                let found = read(user);
                assert!(found >= seen, "version {found} of {user} after version {seen}");
                seen = found;
            }
            looks += 1;
        }
        looks
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3).map(|_| scope.spawn(look)).collect();
        let batch = [follow(&users[0], &users[1])];
        for _ in 0..BATCHES {
            let writing = hot.writing(&batch);
            *store.write().unwrap() += 1;
            drop(writing);
        }
        done.store(true, Ordering::Relaxed);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() > 0));
    });
    assert_eq!(users.each_ref().map(read), [BATCHES; 2]);
}

#[test]
fn what_was_read_while_a_batch_is_written_is_not_kept() {
    let hot = HotAnswers::new(1 << 20, HotCounts::default());
    let get = |version: u64| {
        hot.get_or_read(&id("1"), ALL, || Ok::<_, Infallible>(ready(version))).map(|it| self::version(&it))
    };
    assert_eq!((get(1), get(2)), (Ok(1), Ok(1)), "it is kept");
    let writing = hot.writing(&[]);
    assert_eq!(get(2), Ok(1), "the batch does not move this user");
    drop(writing);
    let writing = hot.writing(&[follow(&id("0"), &id("1"))]);
    assert_eq!((get(2), get(3)), (Ok(2), Ok(3)));
    drop(writing);
    assert_eq!((get(4), get(5)), (Ok(4), Ok(4)));
    // A write that begins and ends while something is read.
    let during = |version: u64| {
        hot.get_or_read(&id("2"), ALL, || {
            drop(hot.writing(&[follow(&id("1"), &id("2"))]));
            Ok::<_, Infallible>(ready(version))
        })
    };
    assert_eq!((version(&during(6).unwrap()), version(&during(7).unwrap())), (6, 7));
    let failed = hot.get_or_read(&id("3"), ALL, || Err("no such user"));
    assert_eq!(failed.unwrap_err(), "no such user");
}

#[test]
fn each_form_has_an_answer_of_its_own_and_a_batch_makes_all_of_them_old() {
    let (hot, user) = (HotAnswers::new(1 << 20, HotCounts::default()), id("1"));
    let some = Fields::named(["name"]).unwrap();
    let forms = [ALL, Form::Native(some), Form::V1 { entities: true }, Form::V2(v2::Fields::default())];
    let get = |form: Form, version: u64| {
        self::version(&hot.get_or_read(&user, form, || Ok::<_, Infallible>(ready(version))).unwrap())
    };
    for (form, version) in forms.into_iter().zip(1..) {
        assert_eq!((get(form, version), get(form, 99)), (version, version), "{form:?}");
    }
    assert_eq!(forms.map(|form| get(form, 99)), [1, 2, 3, 4]);
    // One form more than are kept: the one that was made first makes room.
    assert_eq!(get(Form::V1 { entities: false }, 5), 5);
    assert_eq!(forms.map(|form| get(form, 6)), [6, 6, 6, 6]);
    drop(hot.writing(&[follow(&user, &id("2"))]));
    assert_eq!(forms.map(|form| get(form, 7)), [7, 7, 7, 7]);
}

#[test]
fn they_stay_within_their_memory() {
    const BYTES_MAX: u64 = 100_000;
    let hot = HotAnswers::new(BYTES_MAX, HotCounts::default());
    for user in 0..10_000 {
        let body = Bytes::from(vec![0; 500]);
        let read = || Ok::<_, Infallible>(Ready { body, etag: HeaderValue::from(1) });
        hot.get_or_read(&id(&user.to_string()), ALL, read).unwrap();
    }
    let taken = hot.bytes();
    assert!(taken > BYTES_MAX / 2 && taken <= BYTES_MAX, "{taken} bytes");
}

/// Through a whole service: asked for over and over while facts come in, each answer holds all that its positions say.
#[test]
fn a_service_answers_from_them_and_is_never_behind_its_positions() {
    let world = World::new();
    world.publish(&[user("1")]);
    let server = world.start_with(config());
    server.until_caught_up(&world.log);
    for tweet in 1..=50 {
        for _ in 0..3 {
            server.get("/users/1");
        }
        world.publish(&[tweeted("1", &tweet.to_string())]);
        server.until_caught_up(&world.log);
        assert_eq!(server.get("/users/1").json()["tweet_count"], tweet);
    }
    assert!(server.metrics.hot.hits.get() >= 50 && server.metrics.hot.misses.get() >= 50);
}

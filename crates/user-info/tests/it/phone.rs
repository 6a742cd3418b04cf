//! The example of an app on a phone (`docs/phone.md`): it shows what is true, and each step takes the bytes that
//! it should.

#[path = "../../examples/phone/client.rs"]
mod client;

use std::fs;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use tokio::runtime::Runtime;
use user_info_testkit::Certificates;

use crate::support::facts::{followed, tweeted, user};
use crate::support::kafka::shared_broker;
use crate::support::replica::Replica;
use crate::support::turn;
use crate::support::waiting::until;
use crate::support::world::World;
use client::{Answer, Phone};

/// An answer without a body: its status and headers, which HTTP/2 packs.
const BARE_ANSWER_BYTES_MAX: u64 = 250;

/// A user's counts as an event, its parts named in full.
const EVENT_BYTES_MAX: u64 = 250;

/// Less than the shortest event.
const EVENT_BYTES_MIN: u64 = 120;

async fn phone(server: &Replica) -> Phone {
    Phone::connect(&server.url().parse().unwrap(), RootCertStore::empty()).await.unwrap()
}

/// Bytes that came since these were counted.
fn received(phone: &Phone, before: &mut u64) -> u64 {
    let (_, received) = phone.traffic();
    received - std::mem::replace(before, received)
}

#[track_caller]
fn profile(answer: Answer, sent: bool) -> Value {
    match answer {
        Answer::New(profile) if sent => profile,
        Answer::Same(profile) if !sent => profile,
        other @ (Answer::New(_) | Answer::Same(_)) => panic!("sent: {sent}, {other:?}"),
    }
}

#[test]
fn what_the_app_has_is_not_sent_again_and_lists_come_packed() {
    let _turn = turn::shared();
    Runtime::new().unwrap().block_on(look_at_a_profile_and_a_list());
}

async fn look_at_a_profile_and_a_list() {
    let broker = shared_broker();
    let world = World::on(&broker, "phone");
    let ids: Vec<String> = (1..=60).map(|number| number.to_string()).collect();
    world.publish(&ids.iter().map(|id| user(id, &format!("name_{id}"))).collect::<Vec<_>>());
    let server = world.replica("store").started();
    server.until_caught_up();
    let (mut phone, mut counted) = (phone(&server).await, 0);

    let first = profile(phone.profile("1").await.unwrap(), true);
    assert_eq!((&first["username"], first.as_object().unwrap().len()), (&"name_1".into(), 9), "{first}");
    received(&phone, &mut counted);
    // What moves is not asked for, so it makes nothing new.
    world.publish_to(&server, &[followed("2", "1"), tweeted("1", "a")]);
    assert_eq!(profile(phone.profile("1").await.unwrap(), false), first);
    let again = received(&phone, &mut counted);
    assert!(again < BARE_ANSWER_BYTES_MAX, "304 took {again} bytes");
    world.publish_to(&server, &[user("1", "renamed")]);
    assert_eq!(profile(phone.profile("1").await.unwrap(), true)["username"], "renamed");
    received(&phone, &mut counted);

    let mut list: Vec<&str> = ids.iter().map(String::as_str).collect();
    list.insert(3, "nobody");
    let faces = phone.faces(&list).await.unwrap();
    assert_eq!(faces.iter().map(|face| face["user_id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    let plain: usize = faces.iter().map(|face| face.to_string().len()).sum();
    let packed = received(&phone, &mut counted);
    assert!(packed < plain as u64 / 2, "{packed} bytes for {plain} of JSON");
    assert_eq!(phone.faces(&list[..20]).await.unwrap().len(), 19);
    assert_eq!(phone.traffic().1, counted, "who is known is not asked for");
}

#[test]
fn counts_move_in_the_foreground_and_nothing_comes_in_the_background() {
    let _turn = turn::shared();
    Runtime::new().unwrap().block_on(look_at_counts_and_away());
}

async fn look_at_counts_and_away() {
    let broker = shared_broker();
    let world = World::on(&broker, "phone-live");
    world.publish(&[user("1", "one")]);
    let server = world.replica("store").started();
    server.until_caught_up();
    let (mut phone, mut counted) = (phone(&server).await, 0);

    let mut live = phone.watch("1").await.unwrap();
    assert_eq!(live.next().await.unwrap().unwrap()["followers_count"], 0);
    received(&phone, &mut counted);
    world.publish(&[followed("2", "1")]);
    let counts = live.next().await.unwrap().unwrap();
    assert_eq!((&counts["followers_count"], counts.len()), (&1.into(), 5), "{counts:?}");
    let event = received(&phone, &mut counted);
    assert!((EVENT_BYTES_MIN..EVENT_BYTES_MAX).contains(&event), "a change took {event} bytes");

    phone.leave(live);
    until("the server has noticed", || {
        let metrics = server.admin("/metrics");
        let open = metrics.body.lines().find(|line| line.starts_with("user_info_event_streams "));
        (open == Some("user_info_event_streams 0")).then_some(()).ok_or_else(|| format!("{open:?}"))
    });
    let (_, before) = phone.traffic();
    let followers: Vec<_> = (3..=20).map(|follower| followed(&follower.to_string(), "1")).collect();
    for follower in followers.chunks(3) {
        world.publish_to(&server, follower);
    }
    assert_eq!(server.counts("1")[2], 19);
    // The server asks a connection that is silent for 20 s whether it is there, which takes 17 bytes; one event takes more.
    let came = phone.traffic().1 - before;
    assert!(came < EVENT_BYTES_MIN, "{came} bytes came in the background");

    let mut live = phone.watch("1").await.unwrap();
    assert_eq!(live.next().await.unwrap().unwrap()["followers_count"], 19, "only the latest");
    phone.leave(live);
    // Nothing is new, so the first event is that of the next change.
    let mut live = phone.watch("1").await.unwrap();
    world.publish(&[tweeted("1", "a")]);
    let counts = live.next().await.unwrap().unwrap();
    assert_eq!((&counts["followers_count"], &counts["tweet_count"]), (&19.into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_speaks_tls_with_whom_it_can_believe() {
    let (world, certificates) = (World::embedded(), Certificates::new().unwrap());
    world.publish(&[user("1", "one")]);
    let files = [certificates.certificate(), certificates.key()].map(|path| path.to_str().unwrap().to_owned());
    let server = world.replica("store").with(&["--tls-certificate", &files[0], "--tls-key", &files[1]]).started();
    server.until_caught_up();
    let mut authorities = RootCertStore::empty();
    let pem = fs::read(certificates.authority()).unwrap();
    authorities.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let address = format!("https://{}", server.public).parse().unwrap();
    let mut phone = Phone::connect(&address, authorities).await.unwrap();
    assert_eq!(profile(phone.profile("1").await.unwrap(), true)["username"], "one");
    let stranger = Phone::connect(&address, RootCertStore::empty()).await;
    assert!(stranger.is_err_and(|error| format!("{error:#}").contains("UnknownIssuer")));
}

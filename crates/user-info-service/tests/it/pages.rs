//! Pages over real sockets: what they say, with which status, and what they let a browser do.

use user_info_core::{AccountState, Profile};
use user_info_log::NewRecord;
use user_info_service::ServiceConfig;
use user_info_service::pages::PagesConfig;
use user_info_testkit::eventually;

use crate::facts::{followed, profile, tweeted, user, user_changed, user_in_state, user_named};
use crate::http::{Answer, Connection};
use crate::server::{LIMIT, Server, World, config};

/// A world with these records, all of them read.
fn serving(records: &[NewRecord]) -> (World, Server) {
    let world = World::new();
    world.publish(records);
    let server = world.start();
    server.until_caught_up(&world.log);
    (world, server)
}

#[track_caller]
fn check_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert!(answer.header("user-info-age-ms").is_some() && answer.header("user-info-positions").is_some());
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for inline in ["<style", " style=", "<script>", " onload=\""] {
        assert!(!answer.text().contains(inline), "{inline}: {}", answer.text());
    }
}

#[track_caller]
fn check_says(answer: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(answer.text().contains(text), "{text} is missing:\n{}", answer.text());
    }
}

#[test]
fn a_user_page_shows_the_record_under_a_name_in_any_case() {
    let (_world, server) =
        serving(&[user_named("12", "Ada"), tweeted("12", "1"), followed("1", "12"), followed("2", "12")]);
    for target in ["/@Ada", "/@aDA"] {
        let answer = server.get(target);
        check_page(&answer, 200);
        check_says(
            &answer,
            &[
                "<title>Name of Ada (@Ada) · user-info</title>",
                "Name of Ada</h1>",
                "@<bdi>Ada</bdi>",
                "Says &#34;hi&#34; – in UTF-8",
                "Zürich",
                r#"<a href="https://example.org/" rel="nofollow noopener"><bdi>example.org</bdi></a>"#,
                r#"<time datetime="2009-02-13">February 2009</time>"#,
                r#"<dt>Tweets</dt><dd data-field="tweet_count">1</dd>"#,
                r#"<dt>Following</dt><dd data-field="following_count">0</dd>"#,
                r#"<dt>Followers</dt><dd data-field="followers_count">2</dd>"#,
                r#"<dt>Likes</dt><dd data-field="like_count">0</dd>"#,
                r#"<dt>Lists</dt><dd data-field="list_count">0</dd>"#,
                r#"data-user="/users/12""#,
            ],
        );
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert!(answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    }
}

#[test]
fn a_page_that_did_not_change_is_not_sent_again() {
    let (_world, server) = serving(&[user_named("12", "Ada")]);
    let mut connection = Connection::open(server.public);
    let etag = connection.get("/@Ada").header("etag").unwrap().to_owned();
    let again = connection.request("GET", "/@Ada", &[("if-none-match", &etag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert!(again.header("content-security-policy").is_some());
    let head = connection.request("HEAD", "/@Ada", &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn who_cannot_be_shown_is_a_page_with_the_status_of_the_api() {
    let (_world, server) =
        serving(&[user_in_state("1", AccountState::Suspended), user_in_state("2", AccountState::Deactivated)]);
    for (target, status, words) in [
        ("/@name-1", 403, "User suspended"),
        ("/@name-2", 404, "User deactivated"),
        ("/@nobody", 404, "No user has the name @nobody."),
        ("/@a%20b", 400, "No user can have this name"),
        ("/home?user=1", 403, "User suspended"),
        ("/home?user=%40nobody", 404, "No user has the name @nobody."),
        ("/assets/0.css", 404, "No such path"),
    ] {
        let answer = server.get(target);
        check_page(&answer, status);
        check_says(&answer, &[words, "<h1>"]);
        assert_eq!(answer.header("etag"), None, "{target}");
    }
}

#[test]
fn before_everything_was_read_pages_ask_to_come_back() {
    let world = World::without_topics();
    let server = world.start();
    for target in ["/@ada", "/home?user=12"] {
        let answer = server.get(target);
        check_page(&answer, 503);
        assert_eq!(answer.header("retry-after"), Some("1"));
        check_says(
            &answer,
            &["Not caught up yet", "Try again", r#"data-again-after="1""#, "Nobody can tell yet how old"],
        );
    }
    check_page(&server.get("/"), 200);
    check_page(&server.get("/home"), 200);
}

#[test]
fn the_age_stands_on_the_page_unless_the_data_is_current() {
    let (world, server) = serving(&[user_named("12", "Ada")]);
    eventually(LIMIT, "the data is current", || server.get("/@Ada").header("user-info-age-ms") == Some("0"));
    assert!(!server.get("/@Ada").text().contains("what it shows was"));
    server.stop().unwrap();
    // A log without these topics: nobody knows how far the store is behind.
    let elsewhere = World::without_topics();
    let server = Server::start(config(), &elsewhere.log, world.open_store());
    let answer = server.get("/@Ada");
    check_page(&answer, 200);
    check_says(&answer, &["When this page was made, what it shows was"]);
}

#[test]
fn the_start_page_finds_users_by_the_beginning_of_their_name() {
    let (_world, server) = serving(&[
        user_named("1", "Ada"),
        user_named("2", "adam"),
        user_named("3", "bob"),
        user_named("4", "Adele"),
        user_changed_record("4", Profile { state: AccountState::Suspended, ..profile("Adele") }),
    ]);
    let found = server.get("/?q=%40AD");
    check_page(&found, 200);
    check_says(&found, &[r#"<a href="/@Ada">"#, r#"<a href="/@adam">"#, r#"value="AD""#]);
    assert!(!found.text().contains("/@bob") && !found.text().contains("Adele"));
    check_says(&server.get("/?q=nobody"), &["Nobody who can be shown has this name."]);
    let start = server.get("/");
    check_says(&start, &["Some users", r#"<a href="/@bob">"#, r#"<form class="find large" role="search" action="/">"#]);
    assert!(!start.text().contains("Adele"));
}

#[test]
fn a_card_is_an_element_or_a_document_that_others_may_frame() {
    let (_world, server) = serving(&[user_named("12", "Ada"), followed("12", "1")]);
    for (target, is_document) in [("/cards/12", false), ("/cards/12/frame", true)] {
        let answer = server.get(target);
        check_page(&answer, 200);
        assert_eq!(answer.text().contains("<!doctype html>"), is_document);
        assert_eq!(answer.header("x-frame-options"), None);
        assert!(answer.header("content-security-policy").unwrap().ends_with("frame-ancestors *"));
        check_says(&answer, &["Name of Ada", r#"<dt>Following</dt><dd data-field="following_count">1</dd>"#]);
    }
    let nobody = server.get("/cards/13");
    check_page(&nobody, 404);
    check_says(&nobody, &["No user has the id 13.", "user-info-card"]);
    check_says(&server.get("/home?user=12"), &[r#"<iframe class="card" src="/cards/12/frame""#]);
}

#[test]
fn what_pages_refer_to_is_there_and_kept_for_ever() {
    let (_world, server) = serving(&[user_named("12", "Ada")]);
    let mut bytes = 0;
    for target in ["/@Ada", "/", "/home?user=12", "/cards/12/frame"] {
        let page = server.get(target);
        for path in referred(page.text()) {
            let answer = server.get(path);
            assert_eq!(answer.status, 200, "{path}");
            let caching = answer.header("cache-control").unwrap();
            let expected = if path.starts_with("/assets/") {
                "public, max-age=31536000, immutable"
            } else {
                "public, max-age=86400"
            };
            assert_eq!(caching, expected, "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            if target == "/@Ada" {
                bytes += answer.body.len();
            }
        }
        if target == "/@Ada" {
            bytes += page.body.len();
        }
    }
    assert!((10_000..50_000).contains(&bytes), "the user page takes {bytes} bytes in all");
}

/// The files that a page loads.
fn referred(page: &str) -> Vec<&str> {
    let values = page
        .split("src=\"")
        .chain(page.split("<link rel=\"icon\" href=\""))
        .chain(page.split("<link rel=\"stylesheet\" href=\""));
    let paths = values.filter_map(|rest| rest.split_once('"')).map(|(path, _)| path);
    let mut paths: Vec<&str> =
        paths.filter(|path| path.starts_with("/assets/") || path.starts_with("/pictures/")).collect();
    paths.sort_unstable();
    paths.dedup();
    assert!(paths.len() >= 3, "{paths:?}");
    paths
}

#[test]
fn pictures_of_others_are_shown_where_the_operator_allows_it() {
    let (world, server) = serving(&[user_named("12", "Ada")]);
    let page = server.get("/@Ada");
    check_says(&page, &[r#"src="/pictures/12/avatar.svg""#, r#"src="/pictures/12/banner.svg""#]);
    assert!(!page.text().contains("face.png"));
    server.stop().unwrap();
    let pages = PagesConfig { images: vec!["https://example.org".parse().unwrap()], ..PagesConfig::default() };
    let server = world.start_with(ServiceConfig { pages: Some(pages), ..config() });
    server.until_ready();
    let page = server.get("/@Ada");
    check_says(
        &page,
        &[
            r#"src="https://example.org/face.png" data-instead="/pictures/12/avatar.svg" referrerpolicy="no-referrer""#,
            r#"src="https://example.org/back.png""#,
        ],
    );
    assert!(page.header("content-security-policy").unwrap().contains("img-src 'self' https://example.org;"));
}

#[test]
fn what_users_write_is_text_and_nothing_else() {
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}";
    let (_world, server) = serving(&[user_changed_record(
        "12",
        Profile {
            username: "<b>\"'&x".into(),
            name: hostile.into(),
            bio: Some(hostile.into()),
            location: Some(hostile.into()),
            url: Some("javascript:alert(1)//https://example.org".into()),
            profile_image_url: Some(hostile.into()),
            background_image_url: Some("javascript:alert(1)".into()),
            ..profile("x")
        },
    )]);
    for target in [
        "/@%3Cb%3E%22'%26x",
        "/cards/12",
        "/cards/12/frame",
        "/home?user=12",
        "/",
        "/?q=%3Cb",
        "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ] {
        let answer = server.get(target);
        check_page(&answer, 200);
        for bad in ["<script>alert", "<img src=x", "href=\"javascript", "<b>"] {
            assert!(!answer.text().contains(bad), "{target}: {bad}\n{}", answer.text());
        }
    }
    check_says(&server.get("/cards/12"), &["&#60;script&#62;alert(1)", "{{7*7}}"]);
}

#[test]
fn a_service_for_programs_alone_has_no_pages() {
    let world = World::new();
    world.publish(&[user("1")]);
    let server = world.start_with(ServiceConfig { pages: None, ..config() });
    server.until_status("/users/1", 200);
    for target in ["/", "/@name-1", "/home", "/cards/1", "/pictures/1/avatar.svg"] {
        server.get(target).check_problem(404, "no-such-path");
    }
}

#[test]
fn a_page_of_ones_own_may_stand_at_the_root() {
    let world = World::new();
    let pages = PagesConfig { start: Some("<!doctype html>mine".into()), ..PagesConfig::default() };
    let server = world.start_with(ServiceConfig { pages: Some(pages), ..config() });
    let answer = server.get("/");
    assert_eq!((answer.status, answer.text()), (200, "<!doctype html>mine"));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
}

#[test]
fn pages_are_counted_apart() {
    let (_world, server) = serving(&[user_named("12", "Ada")]);
    server.get("/@Ada");
    server.get("/@nobody");
    let metrics = server.admin("/metrics");
    check_says(
        &metrics,
        &[
            "user_info_requests_total{route=\"page\",status=\"200\"} 1\n",
            "user_info_requests_total{route=\"page\",status=\"404\"} 1\n",
            "user_info_request_seconds_count{route=\"page\"} 2\n",
        ],
    );
}

fn user_changed_record(user: &str, profile: Profile) -> NewRecord {
    NewRecord::fact(&user_changed(user, profile))
}

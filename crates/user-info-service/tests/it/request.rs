//! `request::read`: what a request asks for, and what is refused and why.

use hyper::{Method, StatusCode};
use proptest::prelude::*;
use user_info_service::answer::Problem;
use user_info_service::fields::Fields;
use user_info_service::pages::request::PageAsked;
use user_info_service::request::{Asked, IDS_MAX, read};

use crate::facts::id;

fn get(target: &str) -> Result<Asked, Problem> {
    match target.split_once('?') {
        Some((path, query)) => read(&Method::GET, path, Some(query)),
        None => read(&Method::GET, target, None),
    }
}

#[track_caller]
fn check(target: &str, expected: Asked) {
    assert_eq!(get(target), Ok(expected), "{target}");
}

/// The detail of the refusal holds `words`.
#[track_caller]
fn refuses(target: &str, words: &str) {
    match get(target) {
        Err(Problem::BadRequest { detail }) => assert!(detail.contains(words), "{target}: {detail}"),
        other => panic!("{target}: {other:?}"),
    }
}

fn user(text: &str) -> Asked {
    Asked::User(id(text), Fields::ALL)
}

fn username(text: &str) -> Asked {
    Asked::Username(text.into(), Fields::ALL)
}

fn users(ids: &[&str]) -> Asked {
    Asked::Users(ids.iter().map(|text| id(text)).collect(), Fields::ALL)
}

#[test]
fn every_route_is_read() {
    check("/", Asked::Page(PageAsked::Start { search: String::new() }));
    check("/users/12", user("12"));
    check("/users/12/events", Asked::Events(id("12"), Fields::ALL));
    check("/users/12?anything=else", user("12"));
    check("/users/did:plc:z72i7hdynmk6r22z27h6tvur", user("did:plc:z72i7hdynmk6r22z27h6tvur"));
    check("/users?ids=12", users(&["12"]));
    check("/users?ids=12,13", users(&["12", "13"]));
    check("/users?&ids=12&", users(&["12"]));
    check("/users?username=Ada", username("Ada"));
    let mask = Fields::named(["name", "bio"]).unwrap();
    check("/users/12?fields=bio,name&x=y", Asked::User(id("12"), mask));
    check("/users?fields=name,bio&username=Ada", Asked::Username("Ada".into(), mask));
    check("/users?ids=12&fields=name,%62io,name", Asked::Users(vec![id("12")], mask));
    check("/users/12/events?fields=name,bio", Asked::Events(id("12"), mask));
    assert_eq!(read(&Method::POST, "/users/batch", None), Ok(Asked::Batch));
    check("/users/batch", user("batch"));
}

#[test]
fn percent_encoding_is_undone_once() {
    check("/users/%31%32", user("12"));
    check("/users/%C3%A9", user("é"));
    check("/users/100%25", user("100%"));
    check("/users/a+b", user("a+b"));
    check("/users?ids=%31%2C2", users(&["1", "2"]));
    check("/users?username=%C3%89mile", username("Émile"));
    check("/users/%zz", user("%zz"));
}

#[test]
fn duplicates_are_asked_once_and_keep_their_first_place() {
    check("/users?ids=3,1,3,2,1", users(&["3", "1", "2"]));
}

#[test]
fn a_hundred_ids_are_taken_and_one_more_is_refused() {
    let listed = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let Ok(Asked::Users(taken, _)) = get(&format!("/users?ids={}", listed(IDS_MAX))) else {
        panic!("{IDS_MAX} ids are refused");
    };
    assert_eq!(taken.len(), IDS_MAX);
    refuses(&format!("/users?ids={}", listed(IDS_MAX + 1)), "at most 100");
    // Only different ones count.
    let repeated = format!("/users?ids={},{}", listed(IDS_MAX), listed(IDS_MAX));
    assert!(matches!(get(&repeated), Ok(Asked::Users(taken, _)) if taken.len() == IDS_MAX));
}

#[test]
fn what_is_no_id_is_refused_with_the_reason() {
    refuses("/users/", "must not be empty");
    refuses("/users/a%2Fb", "no '/'");
    refuses("/users/a%20b", "no ' '");
    refuses("/users/a%2Cb", "no ','");
    refuses("/users/%00", "no '\\0'");
    refuses("/users/%FF", "UTF-8");
    refuses(&format!("/users/{}", "x".repeat(65)), "at most 64 bytes");
    refuses("/users?ids=", "must not be empty");
    refuses("/users?ids=1,,2", "must not be empty");
    refuses("/users?ids=1,{2}", "no '{'");
    refuses("/users?username=", "a username has");
    refuses("/users?username=a%20b", "a username has");
    refuses(&format!("/users?username={}", "x".repeat(257)), "a username has");
}

#[test]
fn a_question_that_is_none_is_refused_with_what_to_ask() {
    refuses("/users", "ids=a,b");
    refuses("/users?", "ids=a,b");
    refuses("/users?id=1", "Unknown parameter \"id\"");
    refuses("/users?ids=1&limit=2", "Unknown parameter \"limit\"");
    refuses("/users?ids=1&ids=2", "once");
    refuses("/users?ids=1&username=Ada", "once");
}

#[test]
fn other_paths_do_not_exist() {
    for path in
        ["", "*", "/user/1", "/usersx", "/users/1/followers", "/users//1", "//users/1", "/index.html", "/USERS/1"]
    {
        assert_eq!(get(path), Err(Problem::NoSuchPath), "{path}");
    }
}

#[test]
fn only_get_and_head_are_served_whatever_the_path() {
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH, Method::TRACE] {
        let refused = Err(Problem::MethodNotAllowed { allowed: "GET, HEAD" });
        assert_eq!(read(&method, "/users/12", None), refused, "{method}");
        assert_eq!(read(&method, "/nothing", None), refused, "{method}");
    }
    assert_eq!(read(&Method::HEAD, "/users/12", None), Ok(user("12")));
}

/// Each byte as `%XX`, which every client may send.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

proptest! {
    #[test]
    fn every_id_can_be_asked_for(text in "[^/{},\\s\\p{Cc}]{1,16}") {
        prop_assume!(text.len() <= 64);
        prop_assert_eq!(get(&format!("/users/{}", encoded(&text))), Ok(user(&text)));
        prop_assert_eq!(get(&format!("/users?ids={}", encoded(&text))), Ok(users(&[&text])));
    }

    #[test]
    fn nothing_is_anything_but_an_answer_or_the_fault_of_the_client(path in "(/users)?[/%a-f0-9.]{0,20}", query in "[a-z=&,%0-9]{0,30}") {
        if let Err(problem) = read(&Method::GET, &path, Some(&query)) {
            prop_assert!(matches!(problem.status(), StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND));
        }
    }
}

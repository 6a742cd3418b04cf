//! `pages::request::read`: which page a path names.

use proptest::prelude::*;
use user_info_service::answer::Problem;
use user_info_service::pages::request::{CardForm, PageAsked, Picture, Who, read};

use crate::facts::id;

fn get(target: &str) -> Option<PageAsked> {
    match target.split_once('?') {
        Some((path, query)) => read(path, Some(query)),
        None => read(target, None),
    }
}

#[track_caller]
fn check(target: &str, expected: PageAsked) {
    assert_eq!(get(target), Some(expected), "{target}");
}

#[track_caller]
fn is_wrong(target: &str, words: &str) {
    match get(target) {
        Some(PageAsked::Wrong(Problem::BadRequest { detail })) => assert!(detail.contains(words), "{target}: {detail}"),
        other => panic!("{target}: {other:?}"),
    }
}

fn start(search: &str) -> PageAsked {
    PageAsked::Start { search: search.into() }
}

#[test]
fn every_page_has_a_path() {
    check("/", start(""));
    check("/@Ada_12", PageAsked::User("Ada_12".into()));
    check("/home", PageAsked::Home(None));
    check("/home?user=12", PageAsked::Home(Some(Who::Id(id("12")))));
    check("/home?user=%40ada", PageAsked::Home(Some(Who::Username("ada".into()))));
    check("/cards/12", PageAsked::Card(id("12"), CardForm::Fragment));
    check("/cards/12/frame", PageAsked::Card(id("12"), CardForm::Frame));
    check("/pictures/12/avatar.svg", PageAsked::Picture(id("12"), Picture::Avatar));
    check("/pictures/12/banner.svg", PageAsked::Picture(id("12"), Picture::Banner));
    check("/assets/0.css", PageAsked::Asset("0.css".into()));
}

#[test]
fn names_and_ids_are_decoded_once() {
    check("/@a%2Fb%3Fc%2525", PageAsked::User("a/b?c%25".into()));
    check("/@%C3%89mile?x", PageAsked::User("Émile".into()));
    check("/cards/a%25/frame", PageAsked::Card(id("a%"), CardForm::Frame));
}

#[test]
fn whatever_is_searched_for_gets_an_answer() {
    check("/?q=ada", start("ada"));
    check("/?x=1&q=+%40Ada+&q=no", start("Ada"));
    check("/?q=", start(""));
    check("/?q=%ff", start("\u{fffd}"));
    check(&format!("/?q={}", "%C3%A9".repeat(200)), start(&"é".repeat(128)));
}

#[test]
fn what_nobody_can_be_called_is_a_page_that_says_so() {
    is_wrong("/@", "a username has");
    is_wrong("/@a%20b", "a username has");
    is_wrong("/@%ff", "UTF-8");
    is_wrong("/home?user=%40", "a username has");
    is_wrong("/home?user=a%2Fb", "no '/'");
    is_wrong("/cards/%7B", "no '{'");
    is_wrong("/cards/", "must not be empty");
    is_wrong("/pictures/%00/avatar.svg", "no '\\0'");
}

#[test]
fn other_paths_are_no_pages() {
    for target in [
        "",
        "home",
        "/homes",
        "/home/",
        "/@a/b",
        "//",
        "/cards",
        "/cards/1/2",
        "/cards/1/frame/",
        "/pictures/1",
        "/pictures/1/x.svg",
        "/assets",
        "/assets/a/b",
        "/user/1",
    ] {
        assert_eq!(get(target), None, "{target}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_odd(
        path in "/(@|home|cards/|pictures/|assets/)?[/%a-f0-9.]{0,20}",
        query in "(q|user)=[a-z=&,%0-9+@]{0,30}",
    ) {
        if let Some(PageAsked::Start { search }) = read(&path, Some(&query)) {
            prop_assert!(search.len() <= 256);
        }
    }
}

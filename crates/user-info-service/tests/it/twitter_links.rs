//! `twitter::links`: which parts of a text are links, and where they stand.

use proptest::prelude::*;
use user_info_service::twitter::links::{in_text, page};

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let links = in_text(text);
    let urls: Vec<&str> = links.iter().map(|link| link.url).collect();
    assert_eq!(urls, expected, "{text}");
    let characters: Vec<char> = text.chars().collect();
    for link in links {
        let there: String = characters[link.start..link.end].iter().collect();
        assert_eq!(there, link.url, "{text}");
    }
}

#[test]
fn links_are_found_without_what_stands_around_them() {
    check("", &[]);
    check("No link: example.org, a@b.example", &[]);
    check("https://example.org", &["https://example.org"]);
    check("Überall (http://a.example/x?y=z), und https://b.example.", &["http://a.example/x?y=z", "https://b.example"]);
    check("HTTPS://EXAMPLE.ORG/A", &["HTTPS://EXAMPLE.ORG/A"]);
    check("🦀 https://example.org/🦀 🦀", &["https://example.org/🦀"]);
    check("javascript://alert(1) ftp://example.org file:///etc/passwd data://x", &[]);
}

#[test]
fn the_page_of_a_profile_is_a_link_if_it_is_of_the_web() {
    for url in ["https://example.org/", "http://example.org", "HTTPS://example.org"] {
        assert_eq!(page(url).map(|link| (link.url, link.start, link.end)), Some((url, 0, url.len())), "{url}");
    }
    for url in ["", "javascript:alert(1)", "javascript://https://x", "example.org", "data:text/html,x", " https://x"] {
        assert_eq!(page(url), None, "{url}");
    }
}

#[test]
fn people_are_shown_an_address_without_its_scheme() {
    for (url, shown) in [
        ("https://example.org/", "example.org"),
        ("http://www.example.org/a/", "example.org/a"),
        ("https://example.org/?a=b", "example.org/?a=b"),
    ] {
        assert_eq!(page(url).unwrap().display_url(), shown);
    }
}

proptest! {
    #[test]
    fn every_link_stands_where_it_says(text in "(\\PC|https?://[a-z.]{1,9}/?|[ü🦀. ]){0,20}") {
        let characters: Vec<char> = text.chars().collect();
        for link in in_text(&text) {
            let there: String = characters[link.start..link.end].iter().collect();
            prop_assert_eq!(there, link.url);
        }
    }
}

//! Web links in what users write. Pure.

use linkify::{LinkFinder, LinkKind};

/// A link in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'text> {
    /// The address.
    pub url: &'text str,
    /// Where it begins, counted in characters, as Twitter counts.
    pub start: usize,
    /// Where it ends, likewise.
    pub end: usize,
}

impl<'text> Link<'text> {
    /// The address as people are shown it.
    pub fn display_url(&self) -> &'text str {
        let rest = self.url.split_once("://").map_or(self.url, |(_, rest)| rest);
        let rest = rest.strip_prefix("www.").unwrap_or(rest);
        rest.strip_suffix('/').unwrap_or(rest)
    }
}

/// The web page of a profile, if its address is one of the web: others, such as `javascript:`, are text and no links.
pub fn page(url: &str) -> Option<Link<'_>> {
    is_web(url).then(|| Link { url, start: 0, end: url.chars().count() })
}

/// The web links in a text.
pub fn in_text(text: &str) -> Vec<Link<'_>> {
    if !text.contains("://") {
        return Vec::new();
    }
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let found = finder.links(text).filter(|link| is_web(link.as_str()));
    let characters = |bytes: usize| text[..bytes].chars().count();
    found
        .map(|link| Link {
            url: &text[link.start()..link.end()],
            start: characters(link.start()),
            end: characters(link.end()),
        })
        .collect()
}

fn is_web(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

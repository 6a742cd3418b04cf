//! The parameters of a request, wherever they stand: in the query and in a form in the body. Pure.

use std::borrow::Cow;

/// Names and values, those of the query first. Percent-encoding and `+` are undone; what is not UTF-8 becomes U+FFFD, which
/// no id is known with.
#[derive(Clone, Debug)]
pub struct Parameters<'request>(Vec<(Cow<'request, str>, Cow<'request, str>)>);

impl<'request> Parameters<'request> {
    /// Reads a query and a form.
    pub fn read(query: Option<&'request str>, form: &'request [u8]) -> Self {
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(query.chain(form_urlencoded::parse(form)).collect())
    }

    /// The names, as often as they stand there.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// The values of a parameter.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_ref())
    }

    /// The first value of a parameter that is not empty.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    /// What the values of a parameter list, separated by commas.
    pub fn listed(&self, name: &str) -> impl Iterator<Item = &str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|element| !element.is_empty())
    }
}

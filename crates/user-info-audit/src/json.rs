//! Reads named texts from a JSON object, as a consumer of the topics must: a field that is read stands there once,
//! every other field is passed over whatever it holds.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// The deepest nesting of objects and arrays, the outermost object included, that the contract allows.
const NESTING_MAX: usize = 127;

/// Whether a field may be null.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Null {
    /// It is text.
    Refused,
    /// It is text or null. It has to be there all the same.
    Allowed,
}

/// The texts that were read, by the names of their fields.
pub(crate) type Texts = BTreeMap<&'static str, Option<String>>;

/// Reads the fields named in `wanted` from the object in `json`.
pub(crate) fn read_texts(json: &str, wanted: &[(&'static str, Null)]) -> Result<Texts, String> {
    let nesting = deepest_nesting(json.as_bytes());
    if nesting > NESTING_MAX {
        return Err(format!("the value is nested {nesting} deep, at most {NESTING_MAX} are read"));
    }
    let mut source = serde_json::Deserializer::from_str(json);
    let texts = Wanted(wanted).deserialize(&mut source).and_then(|texts| source.end().map(|()| texts));
    let texts = texts.map_err(|error| format!("the value is no such object: {error}"))?;
    match wanted.iter().find(|(name, _)| !texts.contains_key(name)) {
        Some((name, _)) => Err(format!("field {name} is missing")),
        None => Ok(texts),
    }
}

/// Counts brackets outside of texts. For what is no JSON the result means nothing, and it is refused anyway.
fn deepest_nesting(json: &[u8]) -> usize {
    let (mut open, mut deepest) = (0_usize, 0_usize);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            b'"' => skip_text(&mut bytes),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

fn skip_text(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

struct Wanted<'names>(&'names [(&'static str, Null)]);

impl<'json> DeserializeSeed<'json> for Wanted<'_> {
    type Value = Texts;

    fn deserialize<D: Deserializer<'json>>(self, source: D) -> Result<Texts, D::Error> {
        source.deserialize_map(self)
    }
}

impl<'json> Visitor<'json> for Wanted<'_> {
    type Value = Texts;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'json>>(self, mut object: A) -> Result<Texts, A::Error> {
        let mut texts = Texts::new();
        while let Some(found) = object.next_key::<String>()? {
            let Some(&(name, null)) = self.0.iter().find(|(name, _)| *name == found) else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            if texts.contains_key(name) {
                return Err(A::Error::custom(format_args!("field {name} stands there twice")));
            }
            let text = match null {
                Null::Refused => Some(object.next_value::<String>()?),
                Null::Allowed => object.next_value::<Option<String>>()?,
            };
            texts.insert(name, text);
        }
        Ok(texts)
    }
}

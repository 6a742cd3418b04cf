//! The style sheets, the script and the icon, served from paths that change with their content, so that browsers keep
//! them for ever.

use bytes::Bytes;
use hyper::header::HeaderValue;
use xxhash_rust::xxh3::xxh3_64;

const STYLE: &str = include_str!("../../assets/page.css");
const CARD_STYLE: &str = include_str!("../../assets/card.css");
const SCRIPT: &str = include_str!("../../assets/page.js");
const ICON: &str = include_str!("../../assets/icon.svg");

/// What pages refer to.
#[derive(Debug)]
pub(super) struct Assets {
    /// For every page.
    pub(super) style: Asset,
    /// For home cards, also in pages of others.
    pub(super) card_style: Asset,
    /// For pages with counts that move.
    pub(super) script: Asset,
    /// For the tab.
    pub(super) icon: Asset,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Asset {
    /// Where it is served.
    pub(super) path: String,
    pub(super) kind: HeaderValue,
    pub(super) content: Bytes,
}

impl Default for Assets {
    fn default() -> Self {
        Self {
            style: Asset::new(STYLE, "css", "text/css; charset=utf-8"),
            card_style: Asset::new(CARD_STYLE, "css", "text/css; charset=utf-8"),
            script: Asset::new(SCRIPT, "js", "text/javascript; charset=utf-8"),
            icon: Asset::new(ICON, "svg", "image/svg+xml"),
        }
    }
}

impl Assets {
    /// The asset with this last part of a path. One of an earlier version is gone.
    pub(super) fn find(&self, name: &str) -> Option<&Asset> {
        let named = |asset: &&Asset| asset.path.strip_prefix("/assets/") == Some(name);
        [&self.style, &self.card_style, &self.script, &self.icon].into_iter().find(named)
    }
}

impl Asset {
    fn new(content: &'static str, extension: &str, kind: &'static str) -> Self {
        let path = format!("/assets/{:016x}.{extension}", xxh3_64(content.as_bytes()));
        Self { path, kind: HeaderValue::from_static(kind), content: Bytes::from_static(content.as_bytes()) }
    }
}

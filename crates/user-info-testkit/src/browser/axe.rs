//! axe-core, which knows the rules of the Web Content Accessibility Guidelines that a program can check.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Browser;

/// Something that keeps people from using the page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// The rule, as axe-core calls it.
    pub id: String,
    /// `serious` or `critical`.
    pub impact: String,
    /// What is wrong.
    pub help: String,
    /// Where: the elements, as HTML.
    pub places: Vec<String>,
}

const RUN: &str = "axe.run().then(found => found.violations
    .filter(rule => rule.impact === 'serious' || rule.impact === 'critical')
    .map(rule => ({ id: rule.id, impact: rule.impact, help: rule.help, places: rule.nodes.map(
        node => node.html.slice(0, 200) + ' — ' + (node.any[0]?.message ?? '')) })))";

pub(crate) fn findings(browser: &Browser) -> Result<Vec<Finding>> {
    if browser.evaluate("typeof axe")? != "object" {
        let path = home().join("axe.min.js");
        let source = fs::read_to_string(&path);
        browser.evaluate(&source.with_context(|| format!("cannot read {}: run `make setup-test`", path.display()))?)?;
    }
    Ok(serde_json::from_value(browser.evaluate(RUN)?)?)
}

/// Where `tools/fetch-axe-core` puts it.
fn home() -> PathBuf {
    let chosen = env::var_os("USER_INFO_AXE_CORE_HOME").map(PathBuf::from);
    chosen.unwrap_or_else(|| PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache/user-info/axe-core"))
}

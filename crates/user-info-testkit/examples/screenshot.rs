//! Takes the pictures of docs/: `cargo run -p user-info-testkit --example screenshot URL FILE wide|narrow light|dark`.

use std::{env, fs};

use anyhow::{Context, Result, bail};
use user_info_testkit::{Browser, Viewport};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, file, width, colours] = &arguments[..] else { bail!("expected URL FILE wide|narrow light|dark") };
    let viewport = match width.as_str() {
        "wide" => Viewport::WIDE,
        "narrow" => Viewport::NARROW,
        other => bail!("{other} is neither wide nor narrow"),
    };
    let viewport = if colours == "dark" { viewport.in_the_dark() } else { viewport };
    let browser = Browser::start()?;
    browser.look(viewport)?;
    browser.open(url)?;
    fs::write(file, browser.screenshot()?).with_context(|| format!("cannot write {file}"))
}

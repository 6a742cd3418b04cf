//! What was measured, as a page that needs nothing else, as pictures, and as tables for a text.

mod charts;
mod plot;
mod sections;
mod spread;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use askama::Template;

use crate::machine::Machine;
use crate::results::{Record, Results};
use sections::Section;
use spread::Measured;

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    machines: Vec<Machine>,
    commands: Vec<String>,
    sections: Vec<Section>,
}

/// Writes `index.html`, a file for each picture, and `tables.md`.
pub(crate) fn write(results: &Results, out: &Path) -> Result<()> {
    let records = results.load()?;
    ensure!(!records.is_empty(), "nothing was measured yet: run `user-info-measure all` first");
    fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let sections = sections::all(&Measured::of(&records))?;
    for picture in sections.iter().flat_map(|section| &section.pictures) {
        save(&out.join(&picture.file), &picture.drawing)?;
    }
    let tables: Vec<String> = sections.iter().map(Section::in_markdown).collect();
    save(&out.join("tables.md"), &tables.join("\n"))?;
    let page = Page { machines: machines(&records), commands: commands(&records), sections };
    save(&out.join("index.html"), &page.render()?)
}

fn save(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

fn machines(records: &[Record]) -> Vec<Machine> {
    let mut machines: Vec<Machine> = records.iter().map(|record| record.machine.clone()).collect();
    machines.sort();
    machines.dedup();
    machines
}

fn commands(records: &[Record]) -> Vec<String> {
    let mut commands: Vec<String> =
        records.iter().map(|record| format!("user-info-measure {}", record.command)).collect();
    commands.sort();
    commands.dedup();
    commands
}

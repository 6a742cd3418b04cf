//! Runs as files: one for each, so that a round that was interrupted goes on where it stopped.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::scenario::{Case, Outcome, Scenario};
use crate::subject::Subject;

/// One run of one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) users: u64,
    pub(crate) scenario: Scenario,
    pub(crate) case: Case,
    pub(crate) subject: Subject,
    /// From 1 on. Subjects take turns within a round.
    pub(crate) round: u32,
}

/// A run and what came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) step: Step,
    pub(crate) outcome: Outcome,
    /// When it began, in seconds since the Unix epoch.
    pub(crate) began_at_s: u64,
    /// How long each measurement of it lasted.
    pub(crate) seconds: f64,
    pub(crate) seed: u64,
    /// Users that the audit compared before, all as the log says; `None` if there are too many to recount.
    pub(crate) audited_users: Option<u64>,
    /// The arguments of the command.
    pub(crate) command: String,
    pub(crate) machine: Machine,
}

/// A folder of runs.
#[derive(Clone, Debug)]
pub(crate) struct Results(PathBuf);

impl Results {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    fn file(&self, step: &Step) -> PathBuf {
        let Step { users, scenario, case, subject, round } = step;
        let folder = self.0.join(format!("{users}-users")).join(scenario.name()).join(case.name());
        folder.join(format!("{}-{round}.json", subject.name()))
    }

    pub(crate) fn has(&self, step: &Step) -> bool {
        self.file(step).exists()
    }

    /// Written beside and renamed, so that a file is whole or not there.
    pub(crate) fn save(&self, record: &Record) -> Result<()> {
        let file = self.file(&record.step);
        let folder = file.parent().expect("a file of a run lies in a folder");
        let unfinished = file.with_extension("unfinished");
        let writing = || format!("writing {}", file.display());
        fs::create_dir_all(folder).with_context(writing)?;
        fs::write(&unfinished, serde_json::to_vec_pretty(record)?).with_context(writing)?;
        fs::rename(&unfinished, &file).with_context(writing)
    }

    /// All runs, in order.
    pub(crate) fn load(&self) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        collect(&self.0, &mut records)?;
        records.sort_by_key(|record| record.step);
        Ok(records)
    }
}

fn collect(folder: &Path, records: &mut Vec<Record>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("no results in {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, records)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let reading = || format!("{} is no result of this version", path.display());
            records.push(serde_json::from_slice(&fs::read(&path)?).with_context(reading)?);
        }
    }
    Ok(())
}

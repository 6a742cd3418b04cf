//! What the runs of one case amount to: of each figure the least, the middle and the most. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::results::Record;
use crate::scenario::{Case, Scenario};
use crate::subject::Subject;

/// A curve's points.
pub(crate) type Line = Vec<(f64, f64)>;

/// The runs of one case of one subject.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) users: u64,
    pub(crate) scenario: Scenario,
    pub(crate) case: Case,
    pub(crate) subject: Subject,
    pub(crate) audited_users: Option<u64>,
    runs: Vec<Record>,
}

/// A figure over all runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) middle: f64,
    pub(crate) most: f64,
}

impl Measured {
    /// Records of the same case belong together.
    pub(crate) fn of(records: &[Record]) -> Vec<Self> {
        let mut groups: BTreeMap<_, Vec<Record>> = BTreeMap::new();
        for record in records {
            let step = record.step;
            groups.entry((step.users, step.scenario, step.case, step.subject)).or_default().push(record.clone());
        }
        let measured = |((users, scenario, case, subject), runs): (_, Vec<Record>)| {
            let audited_users = runs[0].audited_users;
            Self { users, scenario, case, subject, audited_users, runs }
        };
        groups.into_iter().map(measured).collect()
    }

    /// How often it was measured.
    pub(crate) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The texts of the first run.
    pub(crate) fn texts(&self) -> Vec<(String, String)> {
        self.runs.first().map(|run| run.outcome.texts.clone().into_iter().collect()).unwrap_or_default()
    }

    /// A figure over all runs; `None` if no run has it.
    pub(crate) fn figure(&self, name: &str) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| run.outcome.figures.get(name).copied()))
    }

    /// A figure over another subject's of the same round, over all rounds that both have.
    pub(crate) fn ratio(&self, other: &Self, name: &str) -> Option<Spread> {
        let of = |runs: &[Record], round: u32| {
            let run = runs.iter().find(|run| run.step.round == round)?;
            run.outcome.figures.get(name).copied()
        };
        let rounds: BTreeSet<u32> = self.runs.iter().map(|run| run.step.round).collect();
        let ratios = rounds.into_iter().filter_map(|round| {
            let (ours, theirs) = (of(&self.runs, round)?, of(&other.runs, round)?);
            (theirs > 0.0).then_some(ours / theirs)
        });
        Spread::of(ratios)
    }

    /// A curve of the run whose figure is in the middle.
    pub(crate) fn curve(&self, name: &str, by: &str) -> Option<Line> {
        let mut runs: Vec<(f64, &Line)> = self
            .runs
            .iter()
            .filter_map(|run| Some((run.outcome.figures.get(by).copied()?, run.outcome.curves.get(name)?)))
            .collect();
        runs.sort_by(|one, other| one.0.total_cmp(&other.0));
        runs.get(runs.len() / 2).map(|(_, line)| (*line).clone())
    }
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let half = values.len() / 2;
        let middle = if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) };
        Some(Self { least, middle, most })
    }
}

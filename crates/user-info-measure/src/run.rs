//! Runs what is planned and not done yet. Subjects take turns: each round starts them one after the other, so that what changes on
//! the machine over hours hits all alike.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use user_info_audit::{AuditOptions, SubjectConfig};

use crate::machine::Machine;
use crate::progress::Progress;
use crate::results::{Record, Results, Step};
use crate::scenario::{Bench, CATCH_UP_LIMIT, Outcome, Scenario, rebuild};
use crate::subject::{Design, Prepared, Running, Subject, build_streams};
use crate::usage;
use crate::world::World;

/// Users that the audit compares. Each peer is asked for all of a user's data for each of them.
const AUDITED_USERS_MAX: usize = 20_000;

/// Users whose records the audit can hold in memory: about 1 KB each.
const RECOUNTED_USERS_MAX: u64 = 2_000_000;

/// How a plan is carried out.
pub(crate) struct RunConfig {
    pub(crate) results: Results,
    pub(crate) duration: Duration,
    pub(crate) seed: u64,
    /// Further arguments of the service.
    pub(crate) with: Vec<String>,
    /// How long the broker is warmed up.
    pub(crate) warm_up: Duration,
}

/// What goes wrong with one subject does not keep the others from being measured.
pub(crate) struct Failures(pub(crate) Vec<String>);

/// Carries a plan out.
pub(crate) fn run(config: &RunConfig, steps: &[Step]) -> Result<Failures> {
    let steps: Vec<Step> = steps.iter().copied().filter(|step| !config.results.has(step)).collect();
    if steps.iter().any(|step| matches!(step.subject.design(), Design::Streams { .. })) {
        build_streams()?;
    }
    let mut progress = Progress::new(&steps, config.duration);
    let mut failures = Vec::new();
    for of_size in steps.chunk_by(|one, other| one.users == other.users) {
        progress.say(&format!("publishing the facts of {} users", of_size[0].users));
        let world = World::new(of_size[0].users, config.seed, config.warm_up)?;
        let mut turn = Turns { config, world, machine: Machine::look(), standing: BTreeMap::new() };
        for of_subject in of_size.chunk_by(|one, other| (one.round, one.subject) == (other.round, other.subject)) {
            if let Err(error) = turn.take(of_subject, &mut progress) {
                let Step { subject, round, .. } = of_subject[0];
                let failure = format!("{} of round {round}: {error:#}", subject.name());
                progress.say(&failure);
                failures.push(failure);
            }
        }
    }
    Ok(Failures(failures))
}

struct Turns<'config> {
    config: &'config RunConfig,
    world: World,
    machine: Machine,
    standing: BTreeMap<Subject, Audited>,
}

/// A subject that holds what the log says.
struct Audited {
    prepared: Prepared,
    users: Option<u64>,
}

impl Turns<'_> {
    /// Measures all that is to be measured of a subject in a round.
    fn take(&mut self, steps: &[Step], progress: &mut Progress) -> Result<()> {
        let (rebuilds, others): (Vec<Step>, Vec<Step>) =
            steps.iter().partition(|step| step.scenario == Scenario::Rebuild);
        let subject = steps[0].subject;
        let mut running = None;
        if !rebuilds.is_empty() || !self.standing.contains_key(&subject) {
            running = Some(self.make(subject, rebuilds.first(), progress)?);
        }
        if others.is_empty() {
            return Ok(());
        }
        for step in others {
            self.measure(step, &mut running, progress).with_context(|| step.scenario.name())?;
        }
        running.map_or(Ok(()), Running::stop)
    }

    /// Fills a subject from the topics, and makes sure that it says what they say.
    fn make(&mut self, subject: Subject, step: Option<&Step>, progress: &mut Progress) -> Result<Running> {
        if let Some(before) = self.standing.remove(&subject) {
            before.prepared.remove()?;
        }
        progress.say(&format!("{} reads the topics", subject.name()));
        let began = Instant::now();
        let (prepared, mut running, mut outcome) = rebuild(&self.world, subject, &self.config.with)?;
        prepared.tidy()?;
        if let Some(plan) = prepared.query_plan()? {
            outcome.texts.insert("how PostgreSQL answers about the user who is asked for most".into(), plan);
        }
        let users = self.audit(&mut running, subject)?;
        prepared.tidy()?;
        self.standing.insert(subject, Audited { prepared, users });
        if let Some(step) = step {
            self.save(*step, outcome, began, progress)?;
        }
        Ok(running)
    }

    fn audit(&self, running: &mut Running, subject: Subject) -> Result<Option<u64>> {
        if !subject.follows_the_log() || self.world.users > RECOUNTED_USERS_MAX {
            return Ok(None);
        }
        let url = format!("http://{}", running.address);
        let audited = match subject.design() {
            Design::Ours { .. } => SubjectConfig::Server(url),
            Design::Floor | Design::SharedTables | Design::Microservices { .. } | Design::Streams { .. } => {
                SubjectConfig::ServerAtRest(url)
            }
        };
        let options = AuditOptions { users_max: AUDITED_USERS_MAX, usernames_max: 0, ..AuditOptions::default() };
        let report = user_info_audit::run(&self.world.log, audited, options)?;
        ensure!(report.is_clean(), "it does not say what the log says, so it is not measured:\n{report}");
        Ok(Some(report.users))
    }

    fn measure(&mut self, step: Step, running: &mut Option<Running>, progress: &mut Progress) -> Result<()> {
        let audited = self.standing.get(&step.subject).expect("a subject is made before it is measured");
        if running.is_none() {
            *running = Some(audited.prepared.start(&self.world)?);
        }
        if let Some(running) = running {
            running.wait_until_caught_up(&self.world, CATCH_UP_LIMIT)?;
        }
        let (began, stolen) = (Instant::now(), usage::stolen());
        let seed = self.config.seed + u64::from(step.round);
        let (world, prepared, duration) = (&mut self.world, &audited.prepared, self.config.duration);
        let mut outcome = step.scenario.run(&mut Bench { world, prepared, duration, seed }, running, step.case)?;
        let stolen = usage::stolen().saturating_sub(stolen);
        outcome.figure("stolen_cores", stolen.as_secs_f64() / began.elapsed().as_secs_f64());
        self.save(step, outcome, began, progress)
    }

    fn save(&self, step: Step, outcome: Outcome, began: Instant, progress: &mut Progress) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let record = Record {
            step,
            outcome,
            began_at_s: (now.saturating_sub(began.elapsed())).as_secs(),
            seconds: self.config.duration.as_secs_f64(),
            seed: self.config.seed,
            audited_users: self.standing.get(&step.subject).and_then(|audited| audited.users),
            command: std::env::args().skip(1).collect::<Vec<String>>().join(" "),
            machine: self.machine.clone(),
        };
        self.config.results.save(&record)?;
        progress.done(&record, began.elapsed());
        Ok(())
    }
}

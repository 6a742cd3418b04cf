//! Says on standard error what is done, what came out, and how long the rest may take.

use std::time::{Duration, Instant};

use crate::results::{Record, Step};

/// Of a plan.
pub(crate) struct Progress {
    began: Instant,
    duration: Duration,
    done: usize,
    all: usize,
    /// Seconds as estimated beforehand: of all, and of those that are done.
    estimated: f64,
    estimated_done: f64,
}

impl Progress {
    pub(crate) fn new(steps: &[Step], duration: Duration) -> Self {
        let estimated = steps.iter().map(|step| estimate(step, duration)).sum();
        Self { began: Instant::now(), duration, done: 0, all: steps.len(), estimated, estimated_done: 0.0 }
    }

    /// Something that is no result.
    #[expect(clippy::print_stderr, reason = "progress is for who waits")]
    pub(crate) fn say(&self, what: &str) {
        eprintln!("[{}/{}] {what}", self.done, self.all);
    }

    /// A result.
    pub(crate) fn done(&mut self, record: &Record, took: Duration) {
        self.done += 1;
        self.estimated_done += estimate(&record.step, self.duration);
        let Step { users, scenario, case, subject, round } = record.step;
        let figures = record.outcome.figures.iter().filter(|(name, _)| is_telling(name));
        let figures: Vec<String> = figures.map(|(name, value)| format!("{name} {value:.3}")).collect();
        self.say(&format!(
            "round {round}, {users} users, {} {} {}: {} ({:.0} s; about {} left)",
            subject.name(),
            scenario.name(),
            case.name(),
            figures.join("  "),
            took.as_secs_f64(),
            in_words(self.left()),
        ));
    }

    /// The rest takes as much longer or shorter than estimated as what is done did.
    fn left(&self) -> Duration {
        let factor = self.began.elapsed().as_secs_f64() / self.estimated_done.max(1.0);
        Duration::from_secs_f64((self.estimated - self.estimated_done).max(0.0) * factor)
    }
}

fn estimate(step: &Step, duration: Duration) -> f64 {
    step.scenario.seconds(duration, step.users)
}

/// What one line has room for.
fn is_telling(name: &str) -> bool {
    ["p50_ms", "p95_ms", "p99_ms", "max_ms", "per_s", "_s", "cores", "errors"].iter().any(|end| name.ends_with(end))
        && !name.starts_with("lateness")
}

fn in_words(time: Duration) -> String {
    let minutes = time.as_secs().div_ceil(60);
    if minutes < 120 { format!("{minutes} min") } else { format!("{:.1} h", minutes as f64 / 60.0) }
}

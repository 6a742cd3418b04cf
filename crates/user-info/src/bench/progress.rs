//! What a person sees while a load runs: on a terminal, how far it is; elsewhere nothing, because the result says it all.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Rarely, because drawing takes the processor from what is measured.
const DRAW_INTERVAL: Duration = Duration::from_millis(500);

const BAR: &str = "{bar:24} {elapsed} of {msg}";

/// Returns when `measuring` has ended.
pub(crate) fn show<T>(length: Duration, answered: &AtomicU64, measuring: &JoinHandle<T>) {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(length.as_millis() as u64), target);
    bar.set_style(ProgressStyle::with_template(BAR).expect("a template that does not change"));
    let began = Instant::now();
    while !measuring.is_finished() {
        bar.set_position(began.elapsed().as_millis() as u64);
        bar.set_message(format!("{length:?}, {} answers", answered.load(Ordering::Relaxed)));
        thread::sleep(DRAW_INTERVAL.min(length));
    }
    bar.finish_and_clear();
}

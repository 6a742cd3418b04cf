//! What a person sees while an archive is replayed: on a terminal a bar with the time that is left, elsewhere a line of
//! the log now and then.

use std::convert::Infallible;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use user_info_upstream::replay::ReplayProgress;

/// Time between two states of the bar.
const BAR_INTERVAL: Duration = Duration::from_millis(200);
/// Time between two lines.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
const BAR: &str = "{bar:24} {bytes} of {total_bytes}, {eta} left, {msg}";

/// Shows how far a replay is until it is dropped.
pub(crate) async fn show(progress: &ReplayProgress) -> Infallible {
    if std::io::stderr().is_terminal() { draw(progress).await } else { log(progress).await }
}

async fn draw(progress: &ReplayProgress) -> Infallible {
    let bar = ProgressBar::with_draw_target(Some(progress.bytes_there()), ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(BAR).expect("a template that does not change"));
    loop {
        bar.set_position(progress.bytes_read());
        bar.set_message(format!("{} messages, {} bad lines", progress.messages(), progress.bad_lines()));
        tokio::time::sleep(BAR_INTERVAL).await;
    }
}

async fn log(progress: &ReplayProgress) -> Infallible {
    // The first client starts the replay; the time before that says nothing about how long it takes.
    let mut began = Instant::now();
    loop {
        tokio::time::sleep(LINE_INTERVAL).await;
        if progress.messages() == 0 {
            began = Instant::now();
        }
        match time_left(began.elapsed(), progress) {
            Some(left) => tracing::info!("{progress}, about {left:.0?} left"),
            None => tracing::info!("{progress}"),
        }
    }
}

/// What the rest takes if it goes on as it went so far. Bytes of all rounds count, so that it holds for each.
fn time_left(elapsed: Duration, progress: &ReplayProgress) -> Option<Duration> {
    let (read, there) = (progress.bytes_read() as f64, progress.bytes_there() as f64);
    let done = progress.rounds() as f64 * there + read;
    Duration::try_from_secs_f64(elapsed.as_secs_f64() * (there - read) / done).ok()
}

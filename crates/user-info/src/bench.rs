//! `user-info bench`: measurements that anybody can repeat.

mod progress;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use hyper::body::Bytes;
use serde::Serialize;
use user_info_bench::arrivals::Arrivals;
use user_info_bench::freshness::{self, Change, FreshnessConfig, FreshnessFigures};
use user_info_bench::latency::Percentiles;
use user_info_bench::load::{self, LoadConfig, LoadFigures, Pace};
use user_info_bench::users::Population;
use user_info_bench::{BenchError, floor};

use crate::bench_arguments::{
    ArrivalsArgument, BenchArguments, ChangeArgument, FloorArguments, FreshnessArguments, LoadArguments, Measurement,
    Rate,
};
use crate::exit::{CHECK_FAILED, Failure};
use crate::{serve, signals};

/// Pause between two looks of the probe of freshness: its resolution.
const LOOK_INTERVAL: Duration = Duration::from_micros(200);

/// Longest file of ids, in bytes: 15 million of them.
const USERS_FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Measures, and prints what was found.
pub(crate) fn run(arguments: BenchArguments) -> Result<ExitCode, Failure> {
    match arguments.measurement {
        Measurement::Load(arguments) => measure_load(&arguments),
        Measurement::Freshness(arguments) => measure_freshness(&arguments),
        Measurement::Floor(arguments) => signals::runtime()?.block_on(serve_floor(&arguments)),
    }
}

fn measure_load(arguments: &LoadArguments) -> Result<ExitCode, Failure> {
    let config = load_config(arguments).map_err(Failure::usage)?;
    let answered = Arc::<AtomicU64>::default();
    let measuring = {
        let (config, answered) = (config.clone(), Arc::clone(&answered));
        thread::spawn(move || load::run(&config, &answered))
    };
    progress::show(config.warm_up + config.duration, &answered, &measuring);
    let report = measuring.join().map_err(|_| Failure::check(anyhow!("the load generator panicked")))??;
    let figures = report.figures();
    print(&LoadText(&figures), &figures, arguments.json);
    Ok(if figures.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}

fn load_config(arguments: &LoadArguments) -> anyhow::Result<LoadConfig> {
    let arrivals = match arguments.arrivals {
        ArrivalsArgument::Poisson => Arrivals::Poisson,
        ArrivalsArgument::Constant => Arrivals::Constant,
    };
    let pace = match arguments.rate {
        Rate::PerSecond(per_second) => Pace::Open { per_second, arrivals },
        Rate::Max => Pace::Saturating,
    };
    let population = match &arguments.users_from {
        Some(file) => Population::Listed(ids_in(file)?),
        None => Population::Numbered(arguments.users),
    };
    Ok(LoadConfig {
        server: arguments.server,
        target: arguments.target.clone(),
        pace,
        connections: arguments.connections as usize,
        threads: arguments.threads as usize,
        warm_up: arguments.warm_up,
        duration: arguments.duration,
        answer_limit: arguments.answer_limit,
        population,
        popularity: arguments.popularity,
        unknown_share: arguments.unknown_share,
        seed: arguments.seed,
    })
}

fn ids_in(file: &Path) -> anyhow::Result<Arc<[String]>> {
    let reading = || format!("reading {}", file.display());
    let bytes = fs::metadata(file).with_context(reading)?.len();
    ensure!(bytes <= USERS_FILE_BYTES_MAX, "{} has {bytes} bytes; {USERS_FILE_BYTES_MAX} at most", file.display());
    let text = fs::read_to_string(file).with_context(reading)?;
    let ids: Arc<[String]> = text.lines().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    ensure!(!ids.is_empty(), "{} names nobody: write one id on each line", file.display());
    Ok(ids)
}

fn measure_freshness(arguments: &FreshnessArguments) -> Result<ExitCode, Failure> {
    let log = arguments.log.open()?;
    let config = FreshnessConfig {
        server: arguments.server,
        change: match arguments.change {
            ChangeArgument::Profile => Change::Profile,
            ChangeArgument::Count => Change::Count,
        },
        probes: arguments.probes,
        per_second: arguments.rate,
        duration: arguments.duration,
        look_interval: LOOK_INTERVAL,
        limit: arguments.limit,
    };
    let figures = freshness::run(&config, &log)?;
    print(&FreshnessText(&figures), &figures, arguments.json);
    Ok(ExitCode::SUCCESS)
}

async fn serve_floor(arguments: &FloorArguments) -> Result<ExitCode, Failure> {
    let shutdown = signals::shutdown()?;
    let listener = serve::bind(arguments.listen).await?;
    serve::print_address("floor", "http", &listener)?;
    let body: Bytes = format!("{:width$}", "{}", width = arguments.body_bytes as usize).into();
    floor::run(listener, body, shutdown).await;
    Ok(ExitCode::SUCCESS)
}

fn print(text: &dyn fmt::Display, figures: &impl Serialize, as_json: bool) {
    use std::io::Write;
    let json = if as_json {
        serde_json::to_string(figures).expect("figures are numbers and names") + "\n"
    } else {
        String::new()
    };
    // Nobody reads stdout any more when this fails.
    let _ = write!(std::io::stdout(), "{text}{json}");
}

/// A load's figures for people.
struct LoadText<'figures>(&'figures LoadFigures);

impl fmt::Display for LoadText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.0;
        let offered =
            figures.offered_per_s.map_or_else(|| "as many as are answered".into(), |rate| format!("{rate:.0}/s"));
        writeln!(formatter, "requests    {offered} offered, {:.0}/s answered", figures.achieved_per_s)?;
        line(formatter, "latency", &figures.latency_ms)?;
        line(formatter, "lateness", &figures.lateness_ms)?;
        writeln!(formatter, "queued      {} waited for one of the connections", figures.queued)?;
        for (status, count) in &figures.statuses {
            writeln!(formatter, "status {status}  {count}")?;
        }
        for (fault, count) in &figures.faults {
            writeln!(formatter, "no answer   {count} ({})", fault.words())?;
        }
        Ok(())
    }
}

/// Freshness for people.
struct FreshnessText<'figures>(&'figures FreshnessFigures);

impl fmt::Display for FreshnessText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(formatter, "published", &self.0.published_ms)?;
        line(formatter, "answered", &self.0.shown_ms)
    }
}

fn line(formatter: &mut fmt::Formatter<'_>, name: &str, percentiles: &Percentiles) -> fmt::Result {
    let Percentiles { count, p50, p90, p95, p99, p99_9, p99_99, max } = percentiles;
    writeln!(
        formatter,
        "{name:<11} p50 {p50:.3}  p90 {p90:.3}  p95 {p95:.3}  p99 {p99:.3}  p99.9 {p99_9:.3}  p99.99 {p99_99:.3}  max {max:.3} ms  \
         ({count})"
    )
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Connect { .. } | BenchError::Log(_) => Self::missing(error),
            BenchError::Generator(_) | BenchError::Broken { .. } | BenchError::NotShown { .. } => Self::check(error),
        }
    }
}

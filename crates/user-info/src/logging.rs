//! Logs go to stderr, one line each; results alone go to stdout.

use tracing_subscriber::EnvFilter;

use crate::arguments::{LogFormat, LoggingArguments};

/// Starts logging for the whole process.
pub(crate) fn start(arguments: &LoggingArguments) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&arguments.log_level))
        .with_writer(std::io::stderr)
        .with_target(false);
    match arguments.log_format {
        LogFormat::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

//! The one binary of the User Information Service: a table of contents over its subcommands.

mod api_arguments;
mod arguments;
mod audit;
mod bench;
mod bench_arguments;
mod config_file;
mod demo;
mod exit;
mod get;
mod history_arguments;
mod https;
mod logging;
mod page_arguments;
mod public_arguments;
mod rebuild;
mod replay_progress;
mod serve;
mod server_arguments;
mod signals;
mod tls_arguments;
mod topics;
mod upstream;
mod upstream_arguments;

use std::process::ExitCode;

use arguments::{Cli, Command};
use exit::Failure;

fn main() -> ExitCode {
    let cli = match arguments::parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(failure) => return exit::report(&failure),
    };
    logging::start(&cli.logging);
    match run(cli) {
        Ok(code) => code,
        Err(failure) => exit::report(&failure),
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Demo(arguments) => demo::run(arguments),
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Upstream(arguments) => upstream::run(arguments),
        Command::Topics(arguments) => topics::run(&arguments),
        Command::Rebuild(arguments) => rebuild::run(&arguments),
        Command::Get(arguments) => get::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Bench(arguments) => bench::run(arguments),
    }
}

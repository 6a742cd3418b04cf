//! Options from a TOML file: the lowest of the three sources, below the command line and the environment.
//!
//! The file's keys are the options' names. At the top they hold for every subcommand that has the option; in a table
//! named like a subcommand (`[serve]`, `[upstream.tweets]`) for that one alone. They become the options' defaults, so
//! that `--help` shows what is in force.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::{Arg, Command};
use toml::{Table, Value};

/// The file that `--config` or the environment names.
pub(crate) fn named_in(arguments: &[OsString]) -> Option<PathBuf> {
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(|path| PathBuf::from(path.as_ref()));
        }
        if let Some(path) = argument.strip_prefix("--config=") {
            return Some(path.into());
        }
    }
    std::env::var_os("USER_INFO_CONFIG").map(PathBuf::from)
}

/// Reads the file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading the file {}", path.display()))?;
    text.parse().with_context(|| format!("the file {} is not TOML", path.display()))
}

/// Gives every option of `command` its environment variable, and its default from the tables.
pub(crate) fn merge(command: Command, file: &Table) -> anyhow::Result<Command> {
    apply(command, &[], Some(file))
}

fn has_option(command: &Command, key: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(key))
        || command.get_subcommands().any(|inner| has_option(inner, key))
}

/// `general` are the tables of the commands around this one, the outermost first; `own` is that of this one.
fn apply(mut command: Command, general: &[&Table], own: Option<&Table>) -> anyhow::Result<Command> {
    check_table(&command, own)?;
    let tables: Vec<&Table> = general.iter().copied().chain(own).collect();
    let names: Vec<String> = command.get_arguments().filter_map(Arg::get_long).map(str::to_owned).collect();
    for name in names.iter().filter(|name| !matches!(name.as_str(), "help" | "version" | "config")) {
        let value =
            tables.iter().rev().find_map(|table| table.get(name)).map(|value| texts(name, value)).transpose()?;
        let id = name.replace('-', "_");
        command = command.mut_arg(id, |argument| with_sources(argument, name, value));
    }
    let inner: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    for name in inner {
        let table = own.and_then(|own| own.get(&name)).and_then(Value::as_table);
        let mut failed = None;
        command = command.mut_subcommand(&name, |inner| {
            apply(inner.clone(), &tables, table).unwrap_or_else(|error| {
                failed = Some(error);
                inner
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Ok(command)
}

/// Every table must name a subcommand, and every key an option of the command or of one of its subcommands.
fn check_table(command: &Command, own: Option<&Table>) -> anyhow::Result<()> {
    for (key, value) in own.into_iter().flatten() {
        let known = if value.is_table() { command.find_subcommand(key).is_some() } else { has_option(command, key) };
        if !known {
            bail!("the configuration file sets {key} for {}, which has no such option", command.get_name());
        }
    }
    Ok(())
}

fn with_sources(argument: Arg, name: &str, value: Option<Vec<String>>) -> Arg {
    let argument = argument.env(format!("USER_INFO_{}", name.to_uppercase().replace('-', "_")));
    match value {
        Some(values) => argument.required(false).default_values(values),
        None => argument,
    }
}

fn texts(name: &str, value: &Value) -> anyhow::Result<Vec<String>> {
    match value {
        Value::Array(values) => values.iter().map(|value| text(name, value)).collect(),
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Table(_) => Ok(vec![text(name, value)?]),
    }
}

fn text(name: &str, value: &Value) -> anyhow::Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => Ok(value.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            Err(anyhow!("the configuration file sets {name} to something that is not text, a number or true/false"))
        }
    }
}

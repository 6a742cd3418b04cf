//! `user-info topics create|check`.

use std::process::ExitCode;

use user_info_log::TopicLayout;

use crate::arguments::{TopicsAction, TopicsArguments, TopicsCheckArguments, TopicsCreateArguments};
use crate::exit::{CHECK_FAILED, Failure};

/// Creates or checks the topics.
pub(crate) fn run(arguments: &TopicsArguments) -> Result<ExitCode, Failure> {
    match &arguments.action {
        TopicsAction::Create(arguments) => create(arguments),
        TopicsAction::Check(arguments) => check(arguments),
    }
}

#[expect(clippy::print_stdout, reason = "what was created is this command's result")]
fn create(arguments: &TopicsCreateArguments) -> Result<ExitCode, Failure> {
    let log = arguments.log.open()?;
    let layout = TopicLayout { partitions: arguments.partitions, replication: arguments.replication };
    for created in log.create_topics(layout)? {
        println!("{created}");
    }
    report(&log.check_topics()?)
}

fn check(arguments: &TopicsCheckArguments) -> Result<ExitCode, Failure> {
    report(&arguments.log.open()?.check_topics()?)
}

#[expect(clippy::print_stdout, reason = "what is wrong is this command's result")]
fn report(problems: &[user_info_log::TopicProblem]) -> Result<ExitCode, Failure> {
    for problem in problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        println!("all topics are as they should be");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(CHECK_FAILED))
}

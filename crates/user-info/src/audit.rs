//! `user-info audit`: recounts every user from the log and compares.

use std::process::ExitCode;

use serde_json::json;
use user_info_audit::{AuditOptions, AuditReport, SubjectConfig};
use user_info_store::StoreOptions;

use crate::arguments::AuditArguments;
use crate::exit::{CHECK_FAILED, Failure};

/// Audits, prints each difference, and fails if there is any.
pub(crate) fn run(arguments: &AuditArguments) -> Result<ExitCode, Failure> {
    let log = arguments.log.open()?;
    let subject = match (&arguments.subject.store, &arguments.subject.server) {
        (Some(store), _) => {
            let options = StoreOptions { redis: arguments.redis.options(), ..StoreOptions::default() };
            SubjectConfig::Store(store.clone(), Box::new(options))
        }
        (None, Some(server)) => SubjectConfig::Server(server.clone()),
        (None, None) => unreachable!("the command line requires one of --store and --server"),
    };
    let options = AuditOptions { settle: arguments.settle, ..AuditOptions::default() };
    let report = user_info_audit::run(&log, subject, options)?;
    print(&report, arguments.json);
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}

#[expect(clippy::print_stdout, reason = "the differences are this command's result")]
fn print(report: &AuditReport, as_json: bool) {
    print!("{report}");
    if as_json {
        let AuditReport { users, records, difference_count, .. } = report;
        println!("{}", json!({"users": users, "records": records, "differences": difference_count}));
    }
}

//! A PostgreSQL server starts, answers, and keeps what was committed over every kind of end.

use std::path::Path;
use std::time::Duration;

use user_info_testkit::{PostgresConfig, PostgresServer, eventually};

const LIMIT: Duration = Duration::from_secs(60);

fn start(settings: &[(&str, &str)]) -> anyhow::Result<PostgresServer> {
    let settings = settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    PostgresServer::start(&PostgresConfig { settings })
}

#[test]
fn statements_answer_in_bare_rows_and_fail_in_postgres_words() {
    let server = start(&[("shared_buffers", "16MB")]).unwrap();
    assert_eq!(server.sql("SELECT 1, 'a' UNION SELECT 2, 'b' ORDER BY 1", LIMIT).unwrap(), "1|a\n2|b");
    assert_eq!(server.sql("SHOW shared_buffers", LIMIT).unwrap(), "16MB");
    assert_eq!(server.sql("SHOW port", LIMIT).unwrap(), server.port().to_string());
    let error = server.sql("SELECT nothing", LIMIT).unwrap_err().to_string();
    assert!(error.contains("column \"nothing\" does not exist"), "{error}");
}

#[test]
fn what_was_committed_is_there_after_a_kill_and_after_a_stop() {
    let mut server = start(&[]).unwrap();
    let port = server.port();
    server.sql("CREATE TABLE kept (number int)", LIMIT).unwrap();
    server.sql("INSERT INTO kept VALUES (1)", LIMIT).unwrap();
    server.kill().unwrap();
    assert_eq!(server.id(), None);
    server.restart().unwrap();
    server.sql("INSERT INTO kept VALUES (2)", LIMIT).unwrap();
    server.restart().unwrap();
    assert_eq!(server.sql("SELECT number FROM kept ORDER BY 1", LIMIT).unwrap(), "1\n2");
    assert_eq!(server.port(), port);
}

#[test]
fn a_setting_that_does_not_exist_is_named() {
    let error = format!("{:#}", start(&[("no_such_setting", "1")]).unwrap_err());
    assert!(error.contains("no_such_setting"), "{error}");
}

#[test]
fn a_dropped_server_is_gone() {
    let server = start(&[]).unwrap();
    let process = Path::new("/proc").join(server.id().unwrap().to_string());
    assert!(process.exists());
    drop(server);
    eventually(LIMIT, "the server is gone", || !process.exists());
}

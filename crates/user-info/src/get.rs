//! `user-info get`: one user from a server, for a person or a script.

mod card;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use console::Term;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{HeaderMap, Response, StatusCode, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::arguments::GetArguments;
use crate::exit::Failure;
use crate::https::{self, HttpsClient};
use crate::signals;

/// Largest answer that is read. One user has at most some 100 KB.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// How long the server may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Columns of a card where there is no terminal.
const COLUMNS: usize = 80;

/// Asks, prints, and fails when there is no such user.
pub(crate) fn run(arguments: &GetArguments) -> Result<ExitCode, Failure> {
    signals::runtime()?.block_on(get(arguments))
}

async fn get(arguments: &GetArguments) -> Result<ExitCode, Failure> {
    let address = address(arguments)?;
    let client = https::client(&address).context("preparing to connect").map_err(Failure::missing)?;
    let asked = tokio::time::timeout(TIMEOUT, ask(&client, &address)).await;
    let asked = asked.map_err(|_| anyhow!("{} did not answer within {TIMEOUT:?}", arguments.server));
    let response = asked.and_then(|asked| asked).map_err(Failure::missing)?;
    if response.status() != StatusCode::OK {
        return Err(refused(response).await);
    }
    let age = age_of(response.headers());
    let user = read(response).await.map_err(Failure::missing)?;
    if arguments.watch {
        let user_id = user["user_id"].as_str().unwrap_or_default();
        return watch::watch(arguments, &client, user_id).await;
    }
    show(arguments, "user", &user, &age, 0);
    Ok(ExitCode::SUCCESS)
}

fn address(arguments: &GetArguments) -> Result<Uri, Failure> {
    let server = arguments.server.trim_end_matches('/');
    let path = match arguments.user.strip_prefix('@') {
        Some(username) => format!("{server}/users?username={}", encoded(username)),
        None => format!("{server}/users/{}", encoded(&arguments.user)),
    };
    let uri: Uri = path.parse().with_context(|| format!("{server} is no URL")).map_err(Failure::usage)?;
    match uri.scheme_str() {
        Some("http" | "https") => Ok(uri),
        Some(_) | None => {
            Err(Failure::usage(anyhow!("--server must be http://host:port or https://host:port, not {server}")))
        }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

async fn ask(client: &HttpsClient, address: &Uri) -> anyhow::Result<Response<Incoming>> {
    let asked = client.get(address.clone()).await;
    asked.with_context(|| format!("asking {address}; is the server running?"))
}

fn age_of(headers: &HeaderMap) -> String {
    let age = headers.get("user-info-age-ms").and_then(|age| age.to_str().ok());
    age.unwrap_or("unknown").to_owned()
}

async fn read(response: Response<Incoming>) -> anyhow::Result<Value> {
    let collected = tokio::time::timeout(TIMEOUT, Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect()).await;
    let collected = collected.map_err(|_| anyhow!("the answer did not come to its end within {TIMEOUT:?}"))?;
    let body = collected.map_err(|error| anyhow!("reading the answer: {error}"))?.to_bytes();
    serde_json::from_slice(&body).context("the server did not answer with JSON")
}

/// An answer that is no user, in the server's words.
async fn refused(response: Response<Incoming>) -> Failure {
    let status = response.status();
    match read(response).await {
        Ok(problem) => Failure::check(anyhow!("{status}: {}", problem["detail"].as_str().unwrap_or("no reason given"))),
        Err(error) => Failure::missing(error.context(format!("{status}"))),
    }
}

/// Prints a record, over so many lines that were printed before, and returns how many it takes. Colours only where a
/// terminal shows them.
fn show(arguments: &GetArguments, kind: &str, record: &Value, age: &str, lines_before: usize) -> usize {
    use std::io::Write;
    let mut out = anstream::stdout().lock();
    let text = match kind {
        _ if arguments.json => format!("{record}\n"),
        "user" => card::card(record, age, columns()),
        kind => card::absence(kind, record),
    };
    let up = if lines_before == 0 { String::new() } else { format!("\x1b[{lines_before}A\x1b[J") };
    // Nobody reads stdout any more when this fails.
    let _ = write!(out, "{up}{text}").and_then(|()| out.flush());
    text.lines().count()
}

fn columns() -> usize {
    Term::stdout().size_checked().map_or(COLUMNS, |(_, columns)| usize::from(columns))
}

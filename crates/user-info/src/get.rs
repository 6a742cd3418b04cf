//! `user-info get`: one user from a server, for a person or a script.

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::arguments::GetArguments;
use crate::exit::Failure;
use crate::signals;

/// Largest answer that is read. One user has at most some 100 KB.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// How long the server may take.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Asks, prints, and fails when there is no such user.
pub(crate) fn run(arguments: &GetArguments) -> Result<ExitCode, Failure> {
    signals::runtime()?.block_on(get(arguments))
}

async fn get(arguments: &GetArguments) -> Result<ExitCode, Failure> {
    let address = address(arguments)?;
    let asked = tokio::time::timeout(TIMEOUT, ask(&address)).await;
    let asked = asked.map_err(|_| anyhow!("{} did not answer within {TIMEOUT:?}", arguments.server));
    let (status, age, answer) = asked.and_then(|asked| asked).map_err(Failure::missing)?;
    if status != StatusCode::OK {
        let detail = answer["detail"].as_str().unwrap_or("no reason given");
        return Err(Failure::check(anyhow!("{status}: {detail}")));
    }
    print(arguments, &age, &answer);
    Ok(ExitCode::SUCCESS)
}

fn address(arguments: &GetArguments) -> Result<Uri, Failure> {
    let server = arguments.server.trim_end_matches('/');
    let path = match arguments.user.strip_prefix('@') {
        Some(username) => format!("{server}/users?username={}", encoded(username)),
        None => format!("{server}/users/{}", encoded(&arguments.user)),
    };
    let uri: Uri = path.parse().with_context(|| format!("{server} is no URL")).map_err(Failure::usage)?;
    if uri.scheme_str() != Some("http") {
        return Err(Failure::usage(anyhow!("--server must be http://host:port, not {server}")));
    }
    Ok(uri)
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

async fn ask(address: &Uri) -> anyhow::Result<(StatusCode, String, Value)> {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response =
        client.get(address.clone()).await.with_context(|| format!("asking {address}; is the server running?"))?;
    let status = response.status();
    let age =
        response.headers().get("user-info-age-ms").and_then(|age| age.to_str().ok()).unwrap_or("unknown").to_owned();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow!("reading the answer: {error}"))?.to_bytes();
    let answer = serde_json::from_slice(&body).with_context(|| format!("{address} did not answer with JSON"))?;
    Ok((status, age, answer))
}

#[expect(clippy::print_stdout, reason = "the user is this command's result")]
fn print(arguments: &GetArguments, age: &str, answer: &Value) {
    if arguments.json {
        println!("{answer}");
        return;
    }
    for (field, value) in answer.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => println!("{field:22} {text}"),
            Value::Null => println!("{field:22} -"),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => println!("{field:22} {value}"),
        }
    }
    println!("{:22} {age} ms", "(age of the data)");
}

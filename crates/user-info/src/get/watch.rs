//! `user-info get --watch`: the user now and after each change, until Ctrl-C.
//!
//! On a terminal the card stays where it is and changes; elsewhere each record is printed below the last one.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures_util::StreamExt;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde_json::Value;
use sse_stream::{Sse, SseStream};

use super::{TIMEOUT, age_of, encoded, refused, show};
use crate::arguments::GetArguments;
use crate::exit::Failure;
use crate::https::HttpsClient;
use crate::signals;

/// What is waited before the server is asked again, unless it says something else.
const RECONNECT: Duration = Duration::from_secs(2);

/// How long a stream may be silent: two comments of the server have not come then.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// One who watches.
struct Watch<'command> {
    arguments: &'command GetArguments,
    client: &'command HttpsClient,
    address: String,
    last_event_id: Option<String>,
    reconnect: Duration,
    /// Lines of the card that stands on the terminal.
    lines_shown: usize,
}

/// Follows a user until a signal, or until the server says that there is no such user.
pub(super) async fn watch(arguments: &GetArguments, client: &HttpsClient, user_id: &str) -> Result<ExitCode, Failure> {
    let shutdown = signals::shutdown()?;
    let server = arguments.server.trim_end_matches('/');
    let address = format!("{server}/users/{}/events", encoded(user_id));
    let watch = Watch { arguments, client, address, last_event_id: None, reconnect: RECONNECT, lines_shown: 0 };
    match shutdown.run_until_cancelled(watch.follow()).await {
        Some(Err(failure)) => Err(failure),
        Some(Ok(never)) => match never {},
        None => Ok(ExitCode::SUCCESS),
    }
}

impl Watch<'_> {
    async fn follow(mut self) -> Result<std::convert::Infallible, Failure> {
        loop {
            match self.connect().await {
                Ok(response) if response.status() == StatusCode::OK => self.read(response).await,
                Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE => {
                    tracing::warn!("the server cannot say at the moment, trying again");
                }
                Ok(response) => return Err(refused(response).await),
                Err(error) => tracing::warn!("{error:#}; trying again"),
            }
            tokio::time::sleep(self.reconnect).await;
        }
    }

    async fn connect(&self) -> anyhow::Result<Response<Incoming>> {
        let mut request = Request::get(&self.address).header("accept", "text/event-stream");
        if let Some(id) = &self.last_event_id {
            request = request.header("last-event-id", id);
        }
        let asked = tokio::time::timeout(TIMEOUT, self.client.request(request.body(Empty::new())?)).await;
        let asked = asked.map_err(|_| anyhow!("{} did not answer within {TIMEOUT:?}", self.arguments.server))?;
        asked.with_context(|| format!("asking {}", self.address))
    }

    /// Shows every event until the stream ends.
    async fn read(&mut self, response: Response<Incoming>) {
        let age = age_of(response.headers());
        let mut events = SseStream::new(response.into_body());
        loop {
            match tokio::time::timeout(SILENCE_MAX, events.next()).await {
                Ok(Some(Ok(event))) => self.take(event, &age),
                Ok(Some(Err(error))) => return tracing::warn!("the stream broke off, connecting again: {error}"),
                Ok(None) => return tracing::info!("the server ended the stream, connecting again"),
                Err(_) => return tracing::warn!("the server fell silent, connecting again"),
            }
        }
    }

    fn take(&mut self, event: Sse, age: &str) {
        self.reconnect = event.retry.map_or(self.reconnect, Duration::from_millis);
        let Some(data) = event.data else { return };
        self.last_event_id = event.id.or(self.last_event_id.take());
        match serde_json::from_str(&data) {
            Ok(record) => self.show(event.event.as_deref().unwrap_or_default(), &record, age),
            Err(error) => tracing::warn!("an event that is not JSON was left out: {error}"),
        }
    }

    fn show(&mut self, kind: &str, record: &Value, age: &str) {
        let in_place = !self.arguments.json && std::io::stdout().is_terminal();
        let lines_before = if in_place { self.lines_shown } else { 0 };
        self.lines_shown = show(self.arguments, kind, record, age, lines_before);
    }
}

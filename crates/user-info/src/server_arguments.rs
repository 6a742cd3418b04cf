//! Options of the Streaming API's server. Secrets are best given in the environment, where no list of processes shows them.

use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::{ArgAction, Args};
use user_info_upstream::simulator::{
    AcceptedKeys, AccountLimits, ConnectLimit, DisconnectCode, Faults, ServerLimits, ServerOptions, Upkeep, frequencies,
};
use user_info_upstream::stream::credentials::{Keys, Secret};

use crate::arguments::parse_duration;

/// The share of statuses that is sent.
const USUAL_SAMPLE: f64 = 1.0 - frequencies::LEFT_OUT as f64 / frequencies::PER as f64;

/// Who may read the stream.
#[derive(Args, Debug)]
#[command(next_help_heading = "Keys of clients; without any, everybody is let in")]
struct KeyArguments {
    /// A bearer token that is accepted
    #[arg(long, value_name = "TOKEN", hide_env_values = true)]
    accept_bearer_token: Option<String>,
    /// The application whose OAuth 1.0a signatures are accepted
    #[arg(long, value_name = "KEY", requires_all = ["accept_consumer_secret", "accept_token", "accept_token_secret"])]
    accept_consumer_key: Option<String>,
    /// Its secret
    #[arg(long, value_name = "SECRET", requires = "accept_consumer_key", hide_env_values = true)]
    accept_consumer_secret: Option<String>,
    /// The account that the application acts for
    #[arg(long, value_name = "TOKEN", requires = "accept_consumer_key")]
    accept_token: Option<String>,
    /// Its secret
    #[arg(long, value_name = "SECRET", requires = "accept_consumer_key", hide_env_values = true)]
    accept_token_secret: Option<String>,
}

impl KeyArguments {
    fn accepted(&self) -> AcceptedKeys {
        let bearer = self.accept_bearer_token.iter().map(Secret::new).collect();
        AcceptedKeys { oauth: self.keys().into_iter().collect(), bearer }
    }

    fn keys(&self) -> Option<Keys> {
        Some(Keys {
            consumer_key: self.accept_consumer_key.clone()?,
            consumer_secret: Secret::new(self.accept_consumer_secret.clone()?),
            token: self.accept_token.clone()?,
            token_secret: Secret::new(self.accept_token_secret.clone()?),
        })
    }
}

/// How the Streaming API's server behaves.
#[derive(Args, Debug)]
pub(crate) struct ServerArguments {
    /// Clients at a time; more are closed
    #[arg(long, default_value_t = 64, value_name = "COUNT")]
    clients_max: usize,
    /// Chunks of up to 64 KiB that may wait for a client before it is cut off
    #[arg(long, default_value_t = 512, value_name = "COUNT")]
    queue_chunks_max: usize,
    /// Silence before a blank line is sent
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = parse_duration)]
    keep_alive: Duration,
    /// The share of statuses that is sent; `limit` messages count the others. Without it 0.999, of an archive all
    #[arg(long, value_name = "SHARE")]
    sample: Option<f64>,
    /// The message of a connection after which its reader falls behind once, so that it is warned if it asked to be; 0:
    /// never. Without it 60000, in a replay never
    #[arg(long, value_name = "COUNT")]
    congest_after: Option<u64>,
    /// The message of a connection after which the server ends it, to shed load; 0: never. Without it 250000, in a replay
    /// never
    #[arg(long, value_name = "COUNT")]
    shed_after: Option<u64>,
    /// Whether line feeds may stand inside messages; clients in Python read lines and stumble over them
    #[arg(long, default_value_t = true, value_name = "BOOL", action = ArgAction::Set)]
    line_feeds: bool,
    /// How often an account, or an address without one, may connect within the window before it gets 420; 0: always
    #[arg(long, default_value_t = 120, value_name = "COUNT")]
    connects_max: usize,
    /// The window
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = parse_duration)]
    connects_window: Duration,
    /// Connections of an account before its oldest one is cut; 0: any number
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    account_connections_max: usize,
    #[command(flatten)]
    faults: FaultArguments,
    #[command(flatten)]
    keys: KeyArguments,
}

impl ServerArguments {
    /// `seed` is that of the faults. An archive is served as it is unless told otherwise.
    pub(crate) fn options(&self, seed: u64, is_replay: bool) -> ServerOptions {
        let (usual_sample, usual_upkeep) =
            if is_replay { (1.0, Upkeep::default()) } else { (USUAL_SAMPLE, Upkeep::USUAL) };
        let connects = ConnectLimit { attempts_max: self.connects_max, window: self.connects_window };
        ServerOptions {
            limits: ServerLimits {
                connections_max: self.clients_max,
                queue_chunks_max: self.queue_chunks_max,
                keep_alive_after: self.keep_alive,
                ..ServerLimits::default()
            },
            keys: self.keys.accepted(),
            accounts: AccountLimits {
                connects: (self.connects_max > 0).then_some(connects),
                connections_max: (self.account_connections_max > 0).then_some(self.account_connections_max),
            },
            sample: self.sample.unwrap_or(usual_sample),
            line_feeds: self.line_feeds,
            upkeep: Upkeep {
                congest_after: self.congest_after.or(usual_upkeep.congest_after).filter(|&after| after > 0),
                shed_after: self.shed_after.or(usual_upkeep.shed_after).filter(|&after| after > 0),
            },
            faults: self.faults.faults(seed),
            ..ServerOptions::default()
        }
    }
}

/// What goes wrong on purpose, for those who test a client.
#[derive(Args, Debug)]
#[command(next_help_heading = "Faults, for testing a client")]
struct FaultArguments {
    /// Answer the first requests with 503
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    fault_unavailable: u64,
    /// Write the stream in pieces of 1 to so many bytes
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    fault_piece_bytes: usize,
    /// Send so many messages in a thousand twice
    #[arg(long, default_value_t = 0, value_name = "PER_MILLE")]
    fault_duplicate: u32,
    /// Send so many messages in a thousand after the next one
    #[arg(long, default_value_t = 0, value_name = "PER_MILLE")]
    fault_reorder: u32,
    /// Fall silent after so many messages of a connection
    #[arg(long, value_name = "COUNT")]
    fault_stall: Option<u64>,
    /// Break off in the middle of a message, after so many of a connection
    #[arg(long, value_name = "COUNT")]
    fault_cut: Option<u64>,
    /// End a connection after so many messages with one of Twitter's codes, as 100=12
    #[arg(long, value_name = "COUNT=CODE", value_parser = parse_disconnect)]
    fault_disconnect: Option<(u64, DisconnectCode)>,
}

impl FaultArguments {
    fn faults(&self, seed: u64) -> Faults {
        Faults {
            unavailable_first: self.fault_unavailable,
            piece_bytes_max: self.fault_piece_bytes,
            duplicate_per_mille: self.fault_duplicate,
            reorder_per_mille: self.fault_reorder,
            stall_after: self.fault_stall,
            cut_after: self.fault_cut,
            disconnect_after: self.fault_disconnect,
            seed,
        }
    }
}

fn parse_disconnect(text: &str) -> Result<(u64, DisconnectCode), anyhow::Error> {
    let Some((count, code)) = text.split_once('=') else { bail!("expected COUNT=CODE, such as 100=12") };
    let known = DisconnectCode::ALL.into_iter().find(|known| known.number().to_string() == code);
    let numbers = DisconnectCode::ALL.map(|known| known.number().to_string()).join(", ");
    Ok((count.parse()?, known.ok_or_else(|| anyhow!("no code {code}; there are {numbers}"))?))
}

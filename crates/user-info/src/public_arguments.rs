//! Options of what the clients' address answers, and to whom.

use std::time::Duration;

use clap::Args;
use user_info_service::cors::{Cors, Origin};
use user_info_service::load::LoadLimits;

use crate::arguments::parse_duration;

/// Who may read answers in a browser, and how many at a time.
#[derive(Args, Clone, Debug)]
pub(crate) struct PublicArguments {
    /// An origin whose pages may read answers, as `https://example.org`, or * for every page; may be given several times
    #[arg(long, value_name = "ORIGIN", value_parser = parse_origin)]
    cors_origin: Vec<AllowedOrigin>,
    /// Requests that may wait to be answered; more get 503 at once
    #[arg(long, default_value_t = 512, value_name = "COUNT")]
    requests_waiting_max: usize,
    /// How long a request may take, its body included, before it gets 503
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = parse_duration)]
    request_deadline: Duration,
    /// Memory for answers that are ready to be sent, in MiB; 0 for none. Without effect on Redis
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    hot_answers_mib: u64,
}

#[derive(Clone, Debug)]
enum AllowedOrigin {
    Any,
    One(Origin),
}

impl PublicArguments {
    pub(crate) fn hot_bytes_max(&self) -> u64 {
        self.hot_answers_mib.saturating_mul(1024 * 1024)
    }

    pub(crate) fn load(&self) -> LoadLimits {
        LoadLimits { waiting_max: self.requests_waiting_max, deadline: self.request_deadline }
    }

    pub(crate) fn cors(&self) -> Cors {
        let mut origins = Vec::new();
        for allowed in &self.cors_origin {
            match allowed {
                AllowedOrigin::Any => return Cors::Any,
                AllowedOrigin::One(origin) => origins.push(origin.clone()),
            }
        }
        if origins.is_empty() { Cors::Off } else { Cors::Origins(origins) }
    }
}

fn parse_origin(text: &str) -> Result<AllowedOrigin, user_info_service::cors::InvalidOrigin> {
    if text == "*" { Ok(AllowedOrigin::Any) } else { text.parse().map(AllowedOrigin::One) }
}

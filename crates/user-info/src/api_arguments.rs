//! Options of what clients are answered.

use std::time::Duration;

use clap::{Args, ValueEnum};
use user_info_service::rate_limit::{CallerBy, RateLimit, WINDOW_MIN};
use user_info_service::twitter::v2::MissingUser;

use crate::arguments::parse_duration;

#[derive(Args, Debug)]
pub(crate) struct ApiArguments {
    /// Requests that a caller may make within the window, on all routes together; without it any number
    #[arg(long, value_name = "COUNT")]
    rate_limit: Option<u32>,
    /// The window, at least a second
    #[arg(long, default_value = "15m", value_name = "TIME", value_parser = parse_window)]
    rate_limit_window: Duration,
    /// Who counts as one caller: the token or key in the Authorization header and else the address, or always the address
    #[arg(long, default_value = "key", value_name = "WHAT")]
    rate_limit_by: CallerIs,
    /// How API v2 answers about one user whom it cannot show: with 200 and the reason, as Twitter did, or with 404 (403 if
    /// suspended)
    #[arg(long, default_value = "200", value_name = "STATUS")]
    v2_missing_user: MissingUserStatus,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CallerIs {
    Key,
    Address,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MissingUserStatus {
    #[value(name = "200")]
    Ok,
    #[value(name = "404")]
    NotFound,
}

impl ApiArguments {
    pub(crate) fn rate_limit(&self) -> Option<RateLimit> {
        let by = match self.rate_limit_by {
            CallerIs::Key => CallerBy::Key,
            CallerIs::Address => CallerBy::Address,
        };
        self.rate_limit.map(|requests_max| RateLimit { requests_max, window: self.rate_limit_window, by })
    }

    pub(crate) fn v2_missing_user(&self) -> MissingUser {
        match self.v2_missing_user {
            MissingUserStatus::Ok => MissingUser::Ok,
            MissingUserStatus::NotFound => MissingUser::NotFound,
        }
    }
}

fn parse_window(text: &str) -> Result<Duration, String> {
    let window = parse_duration(text)?;
    if window < WINDOW_MIN { Err("a window lasts at least 1s".to_owned()) } else { Ok(window) }
}

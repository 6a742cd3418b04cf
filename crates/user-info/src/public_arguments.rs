//! Options of what the clients' address answers, and to whom.

use clap::Args;
use user_info_service::cors::{Cors, Origin};

/// Who may read answers in a browser.
#[derive(Args, Clone, Debug)]
pub(crate) struct PublicArguments {
    /// An origin whose pages may read answers, as https://example.org, or * for every page; may be given several times
    #[arg(long, value_name = "ORIGIN", value_parser = parse_origin)]
    cors_origin: Vec<AllowedOrigin>,
}

#[derive(Clone, Debug)]
enum AllowedOrigin {
    Any,
    One(Origin),
}

impl PublicArguments {
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

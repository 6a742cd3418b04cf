//! Options of TLS on the clients' address.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use user_info_service::tls::{Tls, TlsOptions};

use crate::arguments::parse_duration;
use crate::exit::Failure;

/// What clients are shown.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "TLS on the clients' address")]
pub(crate) struct TlsArguments {
    /// The certificate, and those that lead to the authority behind it, in PEM; with it clients speak TLS
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// The key of the certificate, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// How often the two files are looked at for a successor; SIGHUP does so at once
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = parse_duration)]
    tls_look_interval: Duration,
}

impl TlsArguments {
    /// The certificate, if there is to be one. Checked here and not by clap, which would let half of it pass if the rest is
    /// in the configuration file.
    pub(crate) fn load(&self) -> Result<Option<Tls>, Failure> {
        match (&self.tls_certificate, &self.tls_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (certificate.clone(), key.clone());
                Ok(Some(Tls::load(TlsOptions { certificate, key, look_interval: self.tls_look_interval })?))
            }
            (Some(_), None) | (None, Some(_)) => {
                Err(Failure::usage(anyhow::anyhow!("TLS needs both --tls-certificate and --tls-key")))
            }
        }
    }
}

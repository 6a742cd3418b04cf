//! How clients connect to a Redis server, and how the test kit itself does.

use std::path::Path;

use anyhow::Result;

use crate::certificates::{self, AUTHORITY, CERTIFICATE, KEY};

/// Whom the test kit logs in as where a test makes its own users.
const ADMINISTRATOR: &str = "test-kit";

/// No secret: the server listens on 127.0.0.1 and ends with its test.
const ADMINISTRATOR_PASSWORD: &str = "a-password-for-tests";

/// How clients connect to a Redis server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RedisSecurity {
    /// Neither encryption nor login.
    #[default]
    Plain,
    /// `requirepass`: everybody logs in with this password, which has no spaces.
    Password(String),
    /// Only these users, each as `redis.conf` writes it after `user`, for instance `reader on >secret ~user:* +get`. Nobody gets in
    /// without a login; [`super::RedisServer::cli`] is an administrator whom these users need not allow anything.
    Acl(Vec<String>),
    /// TLS alone, with a certificate of [`super::RedisServer::ca_path`]; clients show none and need no login.
    Tls,
}

/// What `redis-cli` needs to get in as somebody who may do everything.
#[derive(Debug, Default)]
pub(super) struct Login {
    pub(super) options: Vec<String>,
    pub(super) password: Option<String>,
}

impl RedisSecurity {
    /// Makes the files that the server needs in `dir`.
    pub(super) fn prepare(&self, dir: &Path) -> Result<()> {
        match self {
            Self::Tls => certificates::generate(dir),
            Self::Plain | Self::Password(_) | Self::Acl(_) => Ok(()),
        }
    }

    /// The lines of `redis.conf` that let clients in, on `port`.
    pub(super) fn options(&self, port: u16) -> Vec<(String, String)> {
        let port = port.to_string();
        let options = match self {
            Self::Plain => vec![("port", port)],
            Self::Password(password) => vec![("port", port), ("requirepass", password.clone())],
            Self::Acl(users) => {
                let administrator = format!("{ADMINISTRATOR} on >{ADMINISTRATOR_PASSWORD} ~* &* +@all");
                let own = ["default off".to_owned(), administrator];
                let users = own.into_iter().chain(users.iter().cloned()).map(|user| ("user", user));
                [("port", port)].into_iter().chain(users).collect()
            }
            Self::Tls => tls(port),
        };
        options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// How the test kit logs in.
    pub(super) fn login(&self, dir: &Path) -> Login {
        match self {
            Self::Plain => Login::default(),
            Self::Password(password) => Login { options: Vec::new(), password: Some(password.clone()) },
            Self::Acl(_) => Login {
                options: vec!["--user".to_owned(), ADMINISTRATOR.to_owned()],
                password: Some(ADMINISTRATOR_PASSWORD.to_owned()),
            },
            Self::Tls => {
                let authority = dir.join(AUTHORITY).to_string_lossy().into_owned();
                Login { options: vec!["--tls".to_owned(), "--cacert".to_owned(), authority], password: None }
            }
        }
    }
}

fn tls(port: String) -> Vec<(&'static str, String)> {
    let files = [("tls-cert-file", CERTIFICATE), ("tls-key-file", KEY), ("tls-ca-cert-file", AUTHORITY)];
    let rest = [("port", "0"), ("tls-auth-clients", "no")];
    let constants = files.into_iter().chain(rest).map(|(name, value)| (name, value.to_owned()));
    constants.chain([("tls-port", port)]).collect()
}

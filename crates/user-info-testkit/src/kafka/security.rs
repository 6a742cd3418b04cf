//! TLS with a certificate authority of the broker's own, and a user who may log in with PLAIN and with SCRAM-SHA-256.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Result;

use crate::certificates;

const USER: &str = "user-info";

/// No secret: the broker listens on 127.0.0.1 and ends with its test.
const PASSWORD: &str = "a-password-for-tests";

/// The broker's key, its certificate and the authority's, as Kafka reads them.
const KEY_STORE: &str = "broker.pem";

/// How clients connect to a broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Neither encryption nor login.
    #[default]
    Plaintext,
    /// `security.protocol=SASL_SSL`, with the mechanisms PLAIN and SCRAM-SHA-256; see [`Credentials`].
    SaslSsl,
}

/// What a client needs to connect with [`Security::SaslSsl`].
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The certificate authority in PEM form; the broker's certificate is for `127.0.0.1` and `localhost`.
    pub ca_path: PathBuf,
    /// The user's name, for both mechanisms.
    pub user: String,
    /// The user's password, for both mechanisms.
    pub password: String,
}

impl Credentials {
    /// Makes keys and certificates in `dir`.
    pub(super) fn generate(dir: &Path) -> Result<Self> {
        certificates::generate(dir)?;
        let parts = [certificates::KEY, certificates::CERTIFICATE, certificates::AUTHORITY];
        let chain = parts.map(|name| fs::read_to_string(dir.join(name)));
        let chain: String = chain.into_iter().collect::<io::Result<_>>()?;
        fs::write(dir.join(KEY_STORE), chain)?;
        Ok(Self { ca_path: dir.join(certificates::AUTHORITY), user: USER.to_owned(), password: PASSWORD.to_owned() })
    }

    /// The user as `kafka.tools.StorageTool` takes it.
    pub(super) fn scram_record(&self) -> String {
        format!("SCRAM-SHA-256=[name={},password={}]", self.user, self.password)
    }

    /// The lines of `server.properties` for the listener `CLIENT`.
    pub(super) fn properties(&self) -> Vec<(String, String)> {
        let Self { user, password, .. } = self;
        let modules = "org.apache.kafka.common.security";
        let plain = format!("{modules}.plain.PlainLoginModule required user_{user}=\"{password}\";");
        let scram = format!("{modules}.scram.ScramLoginModule required;");
        [
            ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256".to_owned()),
            ("listener.name.client.plain.sasl.jaas.config", plain),
            ("listener.name.client.scram-sha-256.sasl.jaas.config", scram),
            ("ssl.keystore.type", "PEM".to_owned()),
            ("ssl.keystore.location", KEY_STORE.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

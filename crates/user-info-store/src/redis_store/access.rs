//! How to get into a server: its address, the account, the certificates.

use std::fs;
use std::path::Path;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo,
    RedisResult, TlsCertificates,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::StoreError;
use crate::options::{ClientCertificate, RedisOptions};
use crate::url::RedisUrl;

/// How long connecting may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Host and port.
pub(super) type Address = (String, u16);

/// What the operator said about getting in.
pub(super) struct Access {
    url: RedisUrl,
    certificates: Option<TlsCertificates>,
}

impl Access {
    pub(super) fn new(url: &RedisUrl, options: &RedisOptions) -> Result<Self, StoreError> {
        let certificates = if url.tls { certificates(options)? } else { None };
        if url.tls {
            // Another part of the program may have chosen one already, and that is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        Ok(Self { url: url.clone(), certificates })
    }

    pub(super) fn url(&self) -> &RedisUrl {
        &self.url
    }

    pub(super) fn certificates(&self) -> Option<TlsCertificates> {
        self.certificates.as_ref().map(copy_of)
    }

    /// Of a server that speaks the protocol that sends messages unasked.
    pub(super) fn subscribing_client(&self, address: &Address) -> RedisResult<Client> {
        let info = self.info(address)?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        self.client(info.set_redis_settings(settings))
    }

    pub(super) fn client(&self, info: ConnectionInfo) -> RedisResult<Client> {
        match self.certificates() {
            Some(certificates) => Client::build_with_tls(info, certificates),
            None => Client::open(info),
        }
    }

    pub(super) fn info(&self, (host, port): &Address) -> RedisResult<ConnectionInfo> {
        let (host, port) = (host.clone(), *port);
        let address = if self.url.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let mut account = RedisConnectionInfo::default().set_db(self.url.database);
        if let Some(username) = &self.url.username {
            account = account.set_username(username);
        }
        if let Some(password) = &self.url.password {
            account = account.set_password(password);
        }
        Ok(address.into_connection_info()?.set_redis_settings(account).set_tcp_settings(tcp_settings()))
    }
}

fn copy_of(TlsCertificates { client_tls, root_cert }: &TlsCertificates) -> TlsCertificates {
    let own = |own: &ClientTlsConfig| ClientTlsConfig {
        client_cert: own.client_cert.clone(),
        client_key: own.client_key.clone(),
    };
    TlsCertificates { client_tls: client_tls.as_ref().map(own), root_cert: root_cert.clone() }
}

/// A command is sent at once; keep-alive finds out about peers that vanished.
pub(super) fn tcp_settings() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn certificates(options: &RedisOptions) -> Result<Option<TlsCertificates>, StoreError> {
    let read = |path: &Path| {
        let read = fs::read(path).map_err(|error| StoreError::certificate(path, error.to_string()))?;
        let found =
            CertificateDer::pem_slice_iter(&read).next().is_some() || PrivateKeyDer::from_pem_slice(&read).is_ok();
        if found { Ok(read) } else { Err(StoreError::certificate(path, "it holds nothing in PEM".to_owned())) }
    };
    let own = |ClientCertificate { certificate_file, key_file }: &ClientCertificate| {
        Ok::<_, StoreError>(ClientTlsConfig { client_cert: read(certificate_file)?, client_key: read(key_file)? })
    };
    let root_cert = options.ca_file.as_deref().map(read).transpose()?;
    let client_tls = options.certificate.as_ref().map(own).transpose()?;
    Ok((root_cert.is_some() || client_tls.is_some()).then_some(TlsCertificates { client_tls, root_cert }))
}

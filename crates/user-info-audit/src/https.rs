//! How clients reach a server's public address, with TLS or without.

use std::io;
use std::sync::Arc;

use hyper::Uri;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// Connects to `server` by way of `tcp`. With `https` it believes the authorities that the system believes, or those in the
/// file that `SSL_CERT_FILE` names; without, none are read, because a system need not have any.
pub fn connector(server: &Uri, mut tcp: HttpConnector) -> io::Result<HttpsConnector<HttpConnector>> {
    tcp.enforce_http(false);
    let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has what the default versions of TLS need");
    let authorities = match server.scheme_str() {
        Some("https") => versions.with_native_roots()?,
        Some(_) | None => versions.with_root_certificates(RootCertStore::empty()),
    };
    let builder = HttpsConnectorBuilder::new().with_tls_config(authorities.with_no_client_auth());
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp))
}

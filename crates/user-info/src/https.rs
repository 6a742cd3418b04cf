//! The client of a server's public address, with TLS or without.

use std::io;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;

/// Asks without bodies.
pub(crate) type HttpsClient = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// A client that believes the authorities that the system believes, or those in the file that `SSL_CERT_FILE` names.
pub(crate) fn client() -> io::Result<HttpsClient> {
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(ring::default_provider())?;
    let connector = builder.https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

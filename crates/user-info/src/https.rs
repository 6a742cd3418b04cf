//! The client of a server's public address, with TLS or without.

use std::io;

use http_body_util::Empty;
use hyper::Uri;
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use user_info_audit::https::connector;

/// Asks without bodies.
pub(crate) type HttpsClient = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// A client of the server that this is an address of.
pub(crate) fn client(server: &Uri) -> io::Result<HttpsClient> {
    Ok(Client::builder(TokioExecutor::new()).build(connector(server, HttpConnector::new())?))
}

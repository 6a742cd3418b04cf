//! TLS on the public address: one certificate and its key, which change without a restart.
//!
//! The files are looked at every so often, and at once when asked to. A new pair is taken when it is whole: connections that
//! are open keep what they have, new ones get it. One that is not is refused, and the pair that is served stays.

mod pair;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::clock::now_ms;
use crate::errors::RecentErrors;
use pair::Pair;
pub use pair::TlsError;

/// What TLS clients are offered, the first one they share being taken.
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];

/// The name of HTTP/2 in a handshake.
const HTTP_2: &[u8] = b"h2";

/// How often the files are looked at by default. Whoever renews a certificate does so days before it ends.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// Where the certificate is, and how its renewal is noticed.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// The certificate, and behind it those that lead to the authority, in PEM.
    pub certificate: PathBuf,
    /// The key of the certificate, in PEM.
    pub key: PathBuf,
    /// How often both files are looked at.
    pub look_interval: Duration,
}

/// What is counted about TLS.
#[derive(Clone, Debug)]
pub struct TlsCounts {
    /// Seconds until the certificate that is served ends, as of the last look at the files; NaN without TLS.
    pub seconds_left: Gauge<f64, AtomicU64>,
    /// Certificates taken while running.
    pub reloads: Counter,
    /// Certificates refused while running.
    pub refused: Counter,
    /// Handshakes that failed or took too long.
    pub handshakes_failed: Counter,
}

impl Default for TlsCounts {
    fn default() -> Self {
        let seconds_left = Gauge::default();
        seconds_left.set(f64::NAN);
        Self {
            seconds_left,
            reloads: Counter::default(),
            refused: Counter::default(),
            handshakes_failed: Counter::default(),
        }
    }
}

/// A certificate that is served, and its successors.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    options: TlsOptions,
    served: Arc<Served>,
    config: Arc<ServerConfig>,
    look: Notify,
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Tls").field(&self.0.options).finish()
    }
}

/// The pair that new connections get.
#[derive(Debug)]
struct Served {
    pair: ArcSwap<CertifiedKey>,
    expires_s: AtomicI64,
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.pair.load_full())
    }
}

impl Tls {
    /// Reads the two files.
    pub fn load(options: TlsOptions) -> Result<Self, TlsError> {
        let (provider, pair) = (Arc::new(ring::default_provider()), Pair::read(&options)?);
        let (key, expires_s) = pair.checked(&options, &provider)?;
        let served = Arc::new(Served { pair: ArcSwap::from_pointee(key), expires_s: AtomicI64::new(expires_s) });
        let config = Arc::new(config(provider, Arc::clone(&served)));
        let tls = Self(Arc::new(Inner { options, served, config, look: Notify::new() }));
        tls.announce("serving");
        Ok(tls)
    }

    /// Seconds until the certificate that is served ends; negative after that.
    pub fn seconds_left(&self) -> i64 {
        self.0.served.expires_s.load(Ordering::Relaxed) - now_ms() / 1_000
    }

    /// Looks at the files at once.
    pub fn look(&self) {
        self.0.look.notify_one();
    }

    /// Follows the files until told to stop.
    pub async fn watch(self, counts: TlsCounts, errors: Arc<RecentErrors>, stop: CancellationToken) {
        let mut seen = None;
        counts.seconds_left.set(self.seconds_left() as f64);
        while stop.run_until_cancelled(self.wait()).await.is_some() {
            let options = self.0.options.clone();
            let read = tokio::task::spawn_blocking(move || Pair::read(&options)).await;
            let read = read.expect("reading files does not panic").map_err(|error| error.to_string());
            if seen.as_ref() != Some(&read) {
                self.consider(&read, &counts, &errors);
                seen = Some(read);
            }
            counts.seconds_left.set(self.seconds_left() as f64);
        }
    }

    async fn wait(&self) {
        // Asked for or not, the files are looked at when the time is over.
        let _ = tokio::time::timeout(self.0.options.look_interval, self.0.look.notified()).await;
    }

    fn consider(&self, read: &Result<Pair, String>, counts: &TlsCounts, errors: &RecentErrors) {
        let provider = self.0.config.crypto_provider();
        let checked = read
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|pair| pair.checked(&self.0.options, provider).map_err(|error| error.to_string()));
        match checked {
            Ok((key, _)) if key.cert == self.0.served.pair.load().cert => {}
            Ok((key, expires_s)) => {
                self.0.served.pair.store(Arc::new(key));
                self.0.served.expires_s.store(expires_s, Ordering::Relaxed);
                counts.reloads.inc();
                self.announce("now serving");
            }
            Err(reason) => {
                counts.refused.inc();
                errors.note_always("tls", format!("the new certificate is refused, the old one stays: {reason}"));
            }
        }
    }

    fn announce(&self, serving: &str) {
        let expires_s = self.0.served.expires_s.load(Ordering::Relaxed);
        let until = jiff::Timestamp::from_second(expires_s).map_or_else(|_| "?".into(), |until| until.to_string());
        let path = self.0.options.certificate.display();
        if self.seconds_left() > 0 {
            tracing::info!("{serving} the certificate in {path}, valid until {until}");
        } else {
            tracing::warn!("{serving} the certificate in {path}, which ended at {until}: clients refuse it, renew it");
        }
    }

    /// Shakes hands. `None` if the client does not understand TLS, or not ours.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&self.0.config)).accept(stream).await.ok()
    }
}

/// Whether the two sides agreed on HTTP/2.
pub(crate) fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP_2)
}

fn config(provider: Arc<CryptoProvider>, served: Arc<Served>) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider has what TLS 1.2 and 1.3 need").with_no_client_auth();
    let mut config = builder.with_cert_resolver(served);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    // Sessions are resumed from what the client keeps, so that clients that come back cost this process no memory.
    config.ticketer = ring::Ticketer::new().expect("the system has randomness");
    config
}

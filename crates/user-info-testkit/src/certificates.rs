//! Certificates for the servers of tests, made with `openssl`: an authority of the server's own, and a certificate that it signed
//! for 127.0.0.1 and localhost.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::scratch::scratch_dir;

/// What clients trust, in PEM form.
pub(crate) const AUTHORITY: &str = "ca.pem";

/// What the server shows, in PEM form.
pub(crate) const CERTIFICATE: &str = "server.crt";

/// The private key of [`CERTIFICATE`].
pub(crate) const KEY: &str = "server.key";

/// The files of a server with TLS, in a directory that goes with this handle.
#[derive(Debug)]
pub struct Certificates(TempDir);

impl Certificates {
    /// An authority, and a certificate for 127.0.0.1 and localhost.
    ///
    /// # Errors
    /// If `openssl` is missing or fails.
    pub fn new() -> Result<Self> {
        let dir = scratch_dir()?;
        generate(dir.path())?;
        Ok(Self(dir))
    }

    /// What clients trust, in PEM form.
    pub fn authority(&self) -> PathBuf {
        self.0.path().join(AUTHORITY)
    }

    /// What the server shows, in PEM form.
    pub fn certificate(&self) -> PathBuf {
        self.0.path().join(CERTIFICATE)
    }

    /// The private key of the certificate.
    pub fn key(&self) -> PathBuf {
        self.0.path().join(KEY)
    }

    /// Puts a new certificate of the same authority and its key into the same files.
    ///
    /// # Errors
    /// If `openssl` fails.
    pub fn renew(&self) -> Result<()> {
        sign(self.0.path())
    }
}

/// Makes the three files in `dir`.
pub(crate) fn generate(dir: &Path) -> Result<()> {
    certify(dir, &["-subj", "/CN=Authority of a test", "-keyout", "ca.key", "-out", AUTHORITY])?;
    sign(dir)
}

fn sign(dir: &Path) -> Result<()> {
    let server = ["-subj", "/CN=localhost", "-keyout", KEY, "-out", CERTIFICATE];
    let signed = ["-CA", AUTHORITY, "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
    certify(dir, &[&server[..], &signed, &["-addext", "basicConstraints=critical,CA:FALSE"]].concat())
}

/// A new key and a certificate for it, valid for two days.
fn certify(dir: &Path, arguments: &[&str]) -> Result<()> {
    let new_key = ["-x509", "-days", "2", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    let output = Command::new("openssl").current_dir(dir).arg("req").args(new_key).args(arguments).output();
    let output = output.context("cannot run openssl: run `make setup-test`")?;
    ensure!(output.status.success(), "openssl failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

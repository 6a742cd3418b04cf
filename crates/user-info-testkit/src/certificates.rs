//! Certificates for the servers of tests, made with `openssl`: an authority of the server's own, and a certificate that it signed
//! for 127.0.0.1 and localhost.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// What clients trust, in PEM form.
pub(crate) const AUTHORITY: &str = "ca.pem";

/// What the server shows, in PEM form.
pub(crate) const CERTIFICATE: &str = "server.crt";

/// The private key of [`CERTIFICATE`].
pub(crate) const KEY: &str = "server.key";

/// Makes the three files in `dir`.
pub(crate) fn generate(dir: &Path) -> Result<()> {
    certify(dir, &["-subj", "/CN=Authority of a test", "-keyout", "ca.key", "-out", AUTHORITY])?;
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

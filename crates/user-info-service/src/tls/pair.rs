//! A certificate and its key: read from their files, and checked before anybody is shown them.

use std::path::{Path, PathBuf};

use rustls::InconsistentKeys;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::sign::CertifiedKey;
use x509_cert::der::Decode;

use super::TlsOptions;
use crate::errors::chain;

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM.
    #[error("cannot read {what} from {path}: {reason}; expected a file in PEM form that this process may read")]
    Unreadable {
        /// The certificate or the key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file is PEM, but what is wanted is not in it.
    #[error("{path} holds no {what}; is it the right file?")]
    Nothing {
        /// The certificate or the key.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The key is that of another certificate.
    #[error(
        "the key in {key} is not that of the first certificate in {certificate}; give the two that belong together"
    )]
    OtherKey {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate or the key is of a kind that is not understood.
    #[error("{certificate} and {key} cannot be used: {reason}; RSA, ECDSA and Ed25519 are understood")]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The two files as they were read.
#[derive(PartialEq, Eq)]
pub(super) struct Pair {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Pair {
    pub(super) fn read(options: &TlsOptions) -> Result<Self, TlsError> {
        let what = "certificate";
        let path = &options.certificate;
        let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let certificates = certificates.map_err(|error| unreadable(what, path, error))?;
        if certificates.is_empty() {
            return Err(TlsError::Nothing { what, path: path.clone() });
        }
        let key = PrivateKeyDer::from_pem_file(&options.key);
        Ok(Self { certificates, key: key.map_err(|error| unreadable("private key", &options.key, error))? })
    }

    /// What is served of them, and when it ends, in seconds since the Unix epoch.
    pub(super) fn checked(
        &self,
        options: &TlsOptions,
        provider: &CryptoProvider,
    ) -> Result<(CertifiedKey, i64), TlsError> {
        let (certificate, key) = (options.certificate.clone(), options.key.clone());
        let unusable =
            |reason: String| TlsError::Unusable { certificate: certificate.clone(), key: key.clone(), reason };
        let expires_s = expires_s(&self.certificates[0]).map_err(|error| unusable(chain(&error)))?;
        match CertifiedKey::from_der(self.certificates.clone(), self.key.clone_key(), provider) {
            Ok(pair) => Ok((pair, expires_s)),
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(TlsError::OtherKey { certificate, key })
            }
            Err(error) => Err(unusable(error.to_string())),
        }
    }
}

fn expires_s(certificate: &CertificateDer<'_>) -> Result<i64, x509_cert::der::Error> {
    let certificate = x509_cert::Certificate::from_der(certificate)?;
    let until = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Ok(i64::try_from(until.as_secs()).unwrap_or(i64::MAX))
}

fn unreadable(what: &'static str, path: &Path, error: pem::Error) -> TlsError {
    let path = path.to_path_buf();
    if matches!(error, pem::Error::NoItemsFound) {
        return TlsError::Nothing { what, path };
    }
    TlsError::Unreadable { what, path, reason: error.to_string() }
}

//! The certificate and its key, read and checked before anything listens.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::proxy::TlsFiles;

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("{path} cannot be read as PEM: {why}")]
    Unreadable { path: String, why: String },
    #[error("{0} holds no certificate")]
    NoCertificate(String),
    #[error("the certificate and the key do not go together: {0}")]
    Mismatch(rustls::Error),
}

/// TLS 1.2 and 1.3 with the certificate in `files`, offering h2 before HTTP/1.1 (RFC 7301).
pub(crate) fn tls_config(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let unreadable = |path: &Path, error: rustls_pki_types::pem::Error| TlsError::Unreadable {
        path: path.display().to_string(),
        why: error.to_string(),
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(&files.certificate, error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(files.certificate.display().to_string()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unreadable(&files.key, error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Mismatch)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

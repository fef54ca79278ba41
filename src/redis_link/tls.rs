//! Whose certificates does the gateway believe when it speaks to Redis? Those of the machine's CAs, or of the one file
//! that is named; chain and name are verified always.

use std::path::Path;
use std::sync::Arc;

use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_rustls::TlsConnector;

use super::Failure;

/// TLS 1.2 and 1.3, with the CAs of `ca` alone if it is named.
pub(super) fn connector(ca: Option<&Path>) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca {
        let wrong = |why: &str| Failure(format!("{}: {why}", file.display()));
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(&error.to_string()))?;
        let (taken, _) = roots.add_parsable_certificates(certificates);
        if taken == 0 {
            return Err(wrong("holds no certificate of a CA"));
        }
    } else {
        let found = rustls_native_certs::load_native_certs();
        let found = found.map_err(|error| Failure(format!("the machine's CAs cannot be read: {error}")))?;
        roots.add_parsable_certificates(found);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Why there is no TLS, in words that help and do not show the server's name.
pub(super) fn refused(error: &std::io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let why = match inner {
        // The second is that of a CA of the same name with another key.
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            "its certificate is of no CA that is trusted here; `ca` in the configuration names a file with another"
                .to_owned()
        }
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => "its certificate is for another name than it is reached by".to_owned(),
        _ => format!("no TLS: {error}"),
    };
    Failure(format!("Redis: {why}"))
}

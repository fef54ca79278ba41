//! A gateway that speaks TLS, and clients that do: one connection of HTTP/1.1, or of HTTP/2 as it is meant to be spoken.

use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;

use super::World;
use super::raw::{Answer, PATIENCE};
use super::said;

/// A certificate for `localhost`, written into `dir`.
pub(crate) fn certificate(dir: &std::path::Path) -> (rustls_pki_types::CertificateDer<'static>, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (dir.join("tls.crt"), dir.join("tls.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let section =
        format!("[listen.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", certificate.display(), key.display());
    (made.cert.der().clone(), section)
}

/// A TLS connection to the gateway that offers these protocols.
pub(crate) async fn tls(
    world: &World,
    trusted: rustls_pki_types::CertificateDer<'static>,
    protocols: &[&[u8]],
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
    let stream = TcpStream::connect(world.address()).await.unwrap();
    let name = "localhost".try_into().unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// An h2 connection: every request a stream of its own, as many at once as are asked for.
#[derive(Clone)]
pub(crate) struct H2 {
    client: h2::client::SendRequest<Bytes>,
}

impl H2 {
    pub(crate) async fn connect(world: &World, trusted: rustls_pki_types::CertificateDer<'static>) -> Self {
        let stream = tls(world, trusted, &[b"h2"]).await;
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self { client }
    }

    /// Sends a request to `gw.test` and reads its answer; the error is how stream or connection was ended.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &[u8])],
        body: Option<&[u8]>,
    ) -> Result<Answer, h2::Error> {
        let asked = format!("{method} {target} HTTP/2\r\n\r\n");
        said::told(asked.as_bytes());
        said::told(body.unwrap_or_default());
        for (name, value) in fields {
            said::field(&format!("{name}: {}", String::from_utf8_lossy(value)));
        }
        let mut request = http::Request::builder().method(method).uri(format!("https://gw.test{target}"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = tokio::time::timeout(PATIENCE, self.exchange(request.body(()).unwrap(), body))
            .await
            .expect("an answer in time")?;
        said::answer(
            asked.as_bytes(),
            &format!("{} {:?}\r\n\r\n", answer.status, answer.fields),
            &answer.body,
        );
        Ok(answer)
    }

    async fn exchange(
        &mut self,
        request: http::Request<()>,
        body: Option<&[u8]>,
    ) -> Result<Answer, h2::Error> {
        std::future::poll_fn(|cx| self.client.poll_ready(cx)).await?;
        let (answer, mut upload) = self.client.send_request(request, body.is_none())?;
        if let Some(body) = body {
            // Refused before it was read, perhaps; the answer says so.
            let _ = upload.send_data(Bytes::copy_from_slice(body), true);
        }
        let (head, mut body) = answer.await?.into_parts();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let fields = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let mut answer = Answer { status: head.status.as_u16(), fields, body: Vec::new() };
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            answer.body.extend_from_slice(&data);
        }
        Ok(answer)
    }
}

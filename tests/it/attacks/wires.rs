//! The same request over HTTP/1.1 and over h2.

use std::ops::Deref;

use rustls_pki_types::CertificateDer;

use crate::world::raw::{Answer, Raw};
use crate::world::recorder::Recorder;
use crate::world::tls::{H2, certificate, tls};
use crate::world::{ROUTES, World, config_text};

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    H1,
    H2,
}

pub(super) const WIRES: [Wire; 2] = [Wire::H1, Wire::H2];

/// A world whose gateway speaks TLS, and so both protocols.
pub(super) struct Doors {
    world: World,
    pub(super) trusted: CertificateDer<'static>,
    _certificate: tempfile::TempDir,
}

impl Deref for Doors {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Doors {
    /// The usual routes.
    pub(super) async fn open() -> Self {
        Self::with(ROUTES).await
    }

    /// These routes and sections.
    pub(super) async fn with(more: &str) -> Self {
        Self::around(Recorder::start().await, |text| format!("{text}\n{more}")).await
    }

    /// Around this upstream; `change` is given the configuration without routes.
    pub(super) async fn around(recorder: Recorder, change: impl FnOnce(String) -> String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (trusted, section) = certificate(dir.path());
        let text = change(config_text(recorder.address(), &section));
        let world = World::configured(recorder, &text).await;
        Self { world, trusted, _certificate: dir }
    }

    /// Asks on a connection of its own; `None` if connection or stream was ended without an answer.
    pub(super) async fn try_ask(
        &self,
        wire: Wire,
        (method, target): (&str, &str),
        fields: &[(&str, &[u8])],
        body: Option<&[u8]>,
    ) -> Option<Answer> {
        if wire == Wire::H2 {
            let mut h2 = H2::connect(self, self.trusted.clone()).await;
            return h2.ask(method, target, fields, body).await.ok();
        }
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: gw.test\r\n").into_bytes();
        for (name, value) in fields {
            request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        if let Some(body) = body {
            request.extend(
                format!("Content-Length: {}\r\n\r\n", body.len()).bytes().chain(body.iter().copied()),
            );
        } else {
            request.extend(b"\r\n");
        }
        Raw::over(tls(self, self.trusted.clone(), &[b"http/1.1"]).await).ask(request).await
    }

    /// The same, with an answer.
    pub(super) async fn ask(
        &self,
        wire: Wire,
        request: (&str, &str),
        fields: &[(&str, &[u8])],
        body: Option<&[u8]>,
    ) -> Answer {
        let answer = self.try_ask(wire, request, fields, body).await;
        answer.unwrap_or_else(|| panic!("no answer to {request:?} over {wire:?}"))
    }

    /// A `GET` with this token, or none.
    pub(super) async fn get(&self, wire: Wire, target: &str, token: Option<&str>) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let fields: Vec<(&str, &[u8])> =
            bearer.iter().map(|bearer| ("authorization", bearer.as_bytes())).collect();
        self.ask(wire, ("GET", target), &fields, None).await
    }
}

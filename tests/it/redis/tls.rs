//! Is a Redis reached by TLS who it says it is?

use std::path::PathBuf;

use gatepass::revocation::{Scope, Settings};
use tempfile::TempDir;

use super::{at, is_revoked, order, refusal, revoke, token, until};
use crate::contract::revocation::open;
use crate::world::redis::Redis;

/// A folder with a certificate for `name` that vouches for itself, and its key.
pub(crate) fn pair(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    std::fs::write(folder.path().join("cert.pem"), pair.cert.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    folder
}

fn to(port: u16, ca: Option<&TempDir>) -> Settings {
    let ca: Option<PathBuf> = ca.map(|folder| folder.path().join("cert.pem"));
    Settings { ca, ..at(format!("rediss://localhost:{port}")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_by_tls_is_read_by_it() {
    let certificate = pair("localhost");
    let (_redis, port) = Redis::start_with_tls(certificate.path());
    let (here, there) =
        (open(&to(port, Some(&certificate))).await, open(&to(port, Some(&certificate))).await);
    let mine = token("ada", "mine", "mine");
    revoke(&here, order(Scope::Token, &mine)).await;
    until("the other knows", || is_revoked(&there, &mine)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_an_unknown_ca_is_refused() {
    let certificate = pair("localhost");
    let (_redis, port) = Redis::start_with_tls(certificate.path());
    for ca in [None, Some(&pair("localhost"))] {
        let refusal = refusal(&to(port, ca)).await;
        assert!(refusal.contains("of no CA that is trusted here"), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_refused() {
    let certificate = pair("elsewhere.example");
    let (_redis, port) = Redis::start_with_tls(certificate.path());
    let refusal = refusal(&to(port, Some(&certificate))).await;
    assert!(refusal.contains("for another name") && !refusal.contains("localhost"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_cannot_be_read_is_told_at_once() {
    let settings = Settings { ca: Some("nowhere.pem".into()), ..at("rediss://localhost:1") };
    let error = gatepass::revocation::Revocations::open(&settings, gatepass::clock::Clock::system()).await;
    assert!(error.unwrap_err().to_string().contains("nowhere.pem"));
}

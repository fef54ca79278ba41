//! The gateway as a process: signals, start-up failures, what survives a restart.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use rustix::process::Signal;

use crate::world::binary::{Binary, gatepass};
use crate::world::people::Stranger;
use crate::world::raw::PATIENCE;
use crate::world::said;
use crate::world::{ROUTES, SECRET, config_text};

/// A folder with a configuration for the real binary; the access log is on.
fn folder(upstream: std::net::SocketAddr, more: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("gatepass.secret"), SECRET).unwrap();
    let text = config_text(upstream, &format!("{ROUTES}\n{more}")).replace("access = false", "access = true");
    std::fs::write(dir.path().join("gateway.toml"), text).unwrap();
    dir
}

/// An upstream on a thread: answers when told to.
fn slow_upstream() -> (std::net::SocketAddr, std::sync::mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (arrived, arrivals) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream: TcpStream = stream;
            let mut head = [0; 4096];
            if stream.read(&mut head).is_ok_and(|n| n > 0) && arrived.send(stream).is_err() {
                return;
            }
        }
    });
    (address, arrivals)
}

#[test]
fn sigterm_lets_requests_in_flight_end_and_no_longer() {
    let (address, arrivals) = slow_upstream();
    let dir = folder(address, "");
    let gateway = Binary::run(&dir.path().join("gateway.toml"));
    let mut idle = TcpStream::connect(gateway.public()).unwrap();
    let mut client = TcpStream::connect(gateway.public()).unwrap();
    client.write_all(b"GET /public/slow HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let mut upstream = arrivals.recv_timeout(PATIENCE).unwrap();
    gateway.signal(Signal::HUP);
    gateway.signal(Signal::TERM);
    // The listener closes, an idle connection is ended, the request in flight goes on.
    idle.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    let deadline = gatepass::clock::instant() + PATIENCE;
    while TcpStream::connect(gateway.public()).is_ok() {
        assert!(gatepass::clock::instant() < deadline, "the listener stays open");
        std::thread::yield_now();
    }
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").unwrap();
    let mut answer = String::new();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    let ended = gatepass::clock::instant();
    let (status, log, _) = gateway.wait();
    assert!(status.success());
    assert!(ended.elapsed() < Duration::from_secs(20), "it does not wait for the drain time");
    let line: serde_json::Value = serde_json::from_str(log.lines().next().expect("one line")).unwrap();
    assert_eq!(
        (line["path"].as_str(), line["status"].as_u64(), line["reason"].as_str()),
        (Some("/public/slow"), Some(200), Some("public"))
    );
}

#[test]
fn what_outlives_the_drain_time_is_cut_and_logged() {
    let (address, arrivals) = slow_upstream();
    let dir = folder(address, "[limits]\ndrain_time = \"1s\"\n");
    let gateway = Binary::run(&dir.path().join("gateway.toml"));
    let mut client = TcpStream::connect(gateway.public()).unwrap();
    client.write_all(b"GET /public/slow HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let _upstream = arrivals.recv_timeout(PATIENCE).unwrap();
    gateway.signal(Signal::TERM);
    let (status, log, own) = gateway.wait();
    assert!(status.success());
    assert!(own.contains("drain_time"), "{own}");
    assert!(log.contains("\"status\":499"), "{log}");
}

#[cfg(target_os = "linux")]
#[test]
fn its_memory_comes_in_small_pages() {
    let (address, _) = slow_upstream();
    let dir = folder(address, "");
    let gateway = Binary::run(&dir.path().join("gateway.toml"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("THP_enabled:"));
    assert_eq!(line.expect("a line of every Linux since 5.0").trim(), "0");
}

#[test]
fn an_address_in_use_fails_the_start_at_once() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = folder(taken.local_addr().unwrap(), "");
    let file = dir.path().join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    for key in ["public = [\"127.0.0.1:0\"]", "admin = \"127.0.0.1:0\""] {
        let changed = key.replace("127.0.0.1:0", &taken.local_addr().unwrap().to_string());
        std::fs::write(&file, text.replace(key, &changed)).unwrap();
        let ran = gatepass().args(["run", "--config"]).arg(&file).output().unwrap();
        said::printed(&["run"], &ran.stdout, &ran.stderr);
        let error = String::from_utf8(ran.stderr).unwrap();
        assert!(!ran.status.success());
        assert!(error.contains("cannot listen on") && error.contains("help:"), "{error}");
        assert!(!error.contains("panicked"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_survives_a_restart_and_nothing_secret_is_logged() {
    let recorder = crate::world::recorder::Recorder::start().await;
    let dir = folder(recorder.address(), "");
    let file = dir.path().join("gateway.toml");
    let gateway = Binary::run(&file);
    let stranger = Stranger::at(gateway.public());
    let password = "correct horse battery";
    assert_eq!(stranger.sign_up("ada@example.org", password).await.status, 200);
    let (answer, who) = stranger.sign_in("ada@example.org", password).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let who = who.unwrap();
    assert_eq!(who.get("/api/me?secret=hidden").await.status, 200);
    assert_eq!(who.send("POST", "/auth/logout", None).await.status, 204);
    assert_eq!(who.get("/api/me").await.status, 401);
    gateway.signal(Signal::TERM);
    let (_, log, own) = gateway.wait();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("every line is JSON");
        for field in
            ["time", "request_id", "client", "method", "path", "route", "status", "decision", "reason"]
        {
            assert!(!line[field].is_null(), "{field}: {line}");
        }
    }
    let (signature, hash) = (token.rsplit('.').next().unwrap(), "$2b$");
    for secret in [password, signature, "hidden", hash, SECRET] {
        assert!(!log.contains(secret) && !own.contains(secret), "{secret} in a log");
    }
    let gateway = Binary::run(&file);
    let answer = Stranger::at(gateway.public()).bearing(&token).get("/api/me").await;
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("revoked_login"), "{}", answer.text());
}

/// An upstream that speaks TLS with this certificate, on a thread.
fn tls_upstream(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> std::net::SocketAddr {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = std::sync::Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut tls =
                rustls::StreamOwned::new(rustls::ServerConnection::new(config.clone()).unwrap(), stream);
            if tls.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {
                // A client that distrusts us is gone by now.
                let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
            }
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_over_tls_must_prove_who_it_is() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let address = tls_upstream(&made);
    let dir = folder(address, "");
    let file = dir.path().join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace(&address.to_string(), &format!("https://localhost:{}", address.port())),
    )
    .unwrap();
    let roots = dir.path().join("roots.pem");
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    for (trusted, status) in [(made.cert.pem(), 200), (other.cert.pem(), 502)] {
        std::fs::write(&roots, trusted).unwrap();
        let gateway = Binary::run_with(&file, &[("SSL_CERT_FILE", &roots)]);
        let answer = Stranger::at(gateway.public()).get("/public/x").await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.text().contains("did not prove who it is"), status == 502, "{}", answer.text());
    }
}

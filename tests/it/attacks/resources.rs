//! Clients that take more than they give: groups G, E17 and D04.

mod bodies;
mod crowds;
mod floods;
mod streams;

use rustls_pki_types::CertificateDer;

use crate::world::raw::{PATIENCE, Raw};
use crate::world::recorder::Recorder;
use crate::world::tls::certificate;
use crate::world::{ROUTES, World};

/// A gateway that speaks TLS, with these limits.
async fn over_tls(recorder: Recorder, limits: &str) -> (World, CertificateDer<'static>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let (trusted, section) = certificate(dir.path());
    let world = World::around(recorder, &format!("{ROUTES}\n{section}\n[limits]\n{limits}\n")).await;
    (world, trusted, dir)
}

/// The sum of the metrics' lines that begin with `name` and hold `label`.
async fn counted(world: &World, name: &str, label: &str) -> u64 {
    let mut raw = Raw::connect(world.gateway.admin()).await;
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let text = raw.ask(request).await.expect("the metrics").text();
    let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// Waits until so many requests have ended for this reason.
async fn ended(world: &World, reason: &str, number: u64) {
    let label = format!("reason=\"{reason}\"");
    let deadline = gatepass::clock::instant() + PATIENCE;
    loop {
        let found = counted(world, "gatepass_decisions_total", &label).await;
        if found >= number {
            return;
        }
        assert!(gatepass::clock::instant() < deadline, "{found} of {number} have ended as {reason}");
        tokio::task::yield_now().await;
    }
}

/// Kilobytes of memory a process has.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the field");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

//! Are requests counted under the right names, and does Prometheus's own linter like what we write?

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

fn request(route: usize, status: u16, reason: Reason) -> Finished {
    Finished {
        route,
        method: MethodLabel::Get,
        status,
        reason,
        seconds: 0.003,
        auth_seconds: Some(0.000_002),
        upstream: Some((0, 0.002)),
    }
}

fn metrics() -> Metrics {
    let metrics =
        Metrics::new(&["events".into(), "default".into(), "gatepass:token".into()], &["planner".into()]);
    metrics.on_render(Box::new(|gauges| {
        gauges.password_queue(3);
        gauges.revocation(7, Duration::from_millis(1500));
        gauges.store_up("revocation", true);
        gauges.store_up("users", false);
        gauges.upstream_up("planner", "127.0.0.1:8000", true);
    }));
    metrics
}

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
}

#[test]
fn a_request_counts_once_everywhere() {
    let metrics = metrics();
    for (status, reason) in
        [(200, Reason::Authenticated), (200, Reason::Authenticated), (401, Reason::Expired)]
    {
        metrics.request_started();
        metrics.request_finished(&request(0, status, reason));
    }
    metrics.request_started();
    let text = metrics.render();
    has(&text, r#"gatepass_requests_total{code="200",method="GET",route="events"} 2"#);
    has(&text, r#"gatepass_requests_total{code="401",method="GET",route="events"} 1"#);
    has(&text, r#"gatepass_decisions_total{decision="allow",reason="authenticated",route="events"} 2"#);
    has(&text, r#"gatepass_decisions_total{decision="deny",reason="expired",route="events"} 1"#);
    has(&text, r#"gatepass_request_duration_seconds_count{route="events"} 3"#);
    has(&text, r#"gatepass_upstream_duration_seconds_count{upstream="planner"} 3"#);
    has(&text, "gatepass_auth_duration_seconds_count 3");
    has(&text, "gatepass_requests_in_flight 1");
    assert!(!text.contains(r#"route="default""#), "a route nobody asked for has no series");
}

#[test]
fn more_statuses_than_cells_are_all_counted() {
    let metrics = metrics();
    for _ in 0..2 {
        for status in 200..240 {
            metrics.request_started();
            metrics.request_finished(&request(1, status, Reason::Public));
        }
    }
    let text = metrics.render();
    for status in 200..240 {
        has(&text, &format!(r#"gatepass_requests_total{{code="{status}",method="GET",route="default"}} 2"#));
    }
}

#[test]
fn threads_that_race_for_a_cell_lose_nothing() {
    let metrics = metrics();
    std::thread::scope(|scope| {
        for thread in 0..8_u16 {
            let metrics = &metrics;
            scope.spawn(move || {
                for step in 0..100 {
                    metrics.request_started();
                    metrics.request_finished(&request(0, 200 + (thread + step) % 8, Reason::Public));
                }
            });
        }
    });
    let text = metrics.render();
    for status in 200..208 {
        has(&text, &format!(r#"gatepass_requests_total{{code="{status}",method="GET",route="events"}} 100"#));
    }
    has(&text, "gatepass_requests_in_flight 0");
}

#[test]
fn what_has_no_route_is_counted_as_refused() {
    let metrics = metrics();
    metrics.request_started();
    metrics.request_finished(&request(metrics.route(Metrics::REFUSED).unwrap(), 400, Reason::BadTarget));
    metrics.request_started();
    metrics.request_finished(&request(usize::MAX, 400, Reason::BadTarget));
    has(&metrics.render(), r#"gatepass_requests_total{code="400",method="GET",route="gatepass:refused"} 2"#);
    assert_eq!(metrics.route("gatepass:token"), Some(2));
}

#[test]
fn gauges_are_as_of_now() {
    let text = metrics().render();
    has(&text, "gatepass_password_queue 3");
    has(&text, "gatepass_revocation_entries 7");
    has(&text, "gatepass_revocation_staleness_seconds 1.5");
    has(&text, r#"gatepass_store_up{store="revocation"} 1"#);
    has(&text, r#"gatepass_store_up{store="users"} 0"#);
    has(&text, r#"gatepass_upstream_up{server="127.0.0.1:8000",upstream="planner"} 1"#);
    has(&text, &format!(r#"gatepass_build_info{{version="{}"}} 1"#, env!("CARGO_PKG_VERSION")));
}

#[test]
fn known_label_values_start_at_zero() {
    let metrics = metrics();
    metrics.login("invalid_grant");
    metrics.token_issued("password");
    metrics.revocation(Scope::Login);
    let text = metrics.render();
    has(&text, r#"gatepass_logins_total{result="invalid_grant"} 1"#);
    has(&text, r#"gatepass_logins_total{result="success"} 0"#);
    has(&text, r#"gatepass_tokens_issued_total{grant="password"} 1"#);
    has(&text, r#"gatepass_revocations_total{scope="login"} 1"#);
    has(&text, r#"gatepass_revocations_total{scope="key"} 0"#);
}

#[test]
fn promtool_finds_nothing_to_say() {
    let metrics = metrics();
    metrics.request_started();
    metrics.request_finished(&request(0, 200, Reason::Authenticated));
    metrics.password_hash(0.25);
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("SKIPPED: promtool is not installed; the metrics were not linted");
        return;
    };
    child.stdin.take().unwrap().write_all(metrics.render().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
}

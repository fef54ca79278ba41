//! Clients of the gauntlet: every byte goes out as it is, and everything that comes back is kept until the end.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::judge::Heard;
use super::request::{Credential, Plan, Sent};
use super::upstream::MARKER;
use crate::world::raw::{Answer, Raw};
use crate::world::tls::H2;

/// No connection lives longer, on the slowest machine.
const DEADLINE: Duration = Duration::from_secs(50);

/// Sends it on a connection of its own, and hears that out.
pub(super) async fn send(address: SocketAddr, sent: &Sent) -> Heard {
    let mut heard = Heard::default();
    if sent.steps.is_empty() {
        let talk = talk(address, sent, &mut heard.bytes);
        heard.hung = tokio::time::timeout(DEADLINE, talk).await.is_err();
        heard.answers = answers(sent, &heard.bytes).await;
    } else {
        let steps = step(address, sent, &mut heard.answers);
        heard.hung = tokio::time::timeout(DEADLINE, steps).await.is_err();
        heard.bytes = said(&heard.answers);
    }
    heard
}

/// One request after the other, each when the one before is answered.
async fn step(address: SocketAddr, sent: &Sent, answers: &mut Vec<Answer>) {
    let mut raw = Raw::connect(address).await;
    for (at, truth) in sent.truths.iter().enumerate() {
        let end = sent.steps.get(at + 1).copied().unwrap_or(sent.wire.len());
        raw.send(&sent.wire[sent.steps[at]..end]).await;
        loop {
            match raw.answer_to(&truth.method).await {
                Some(answer) if answer.status < 200 => {}
                Some(answer) => break answers.push(answer),
                None => return,
            }
        }
    }
    raw.is_closed().await;
}

/// Every text in these answers.
fn said(answers: &[Answer]) -> Vec<u8> {
    let fields = answers.iter().flat_map(|answer| &answer.fields);
    let fields = fields.flat_map(|(name, value)| [name.as_bytes(), b": ", value.as_bytes(), b"\n"]);
    fields.chain(answers.iter().map(|answer| &answer.body[..])).collect::<Vec<_>>().concat()
}

async fn talk(address: SocketAddr, sent: &Sent, bytes: &mut Vec<u8>) {
    let stream = TcpStream::connect(address).await.expect("the gateway accepts");
    let (mut reading, mut writing) = stream.into_split();
    let write = async {
        // An error means that the gateway has heard enough.
        let _ = writing.write_all(&sent.wire).await;
        if sent.cut {
            let _ = writing.shutdown().await;
        }
    };
    let read = async { while reading.read_buf(bytes).await.is_ok_and(|read| read > 0) {} };
    tokio::join!(write, read);
}

/// The final answers in what was heard, in order.
async fn answers(sent: &Sent, bytes: &[u8]) -> Vec<Answer> {
    let mut raw = Raw::over(tokio::io::join(bytes, tokio::io::sink()));
    let mut found = Vec::new();
    let mut methods = sent.truths.iter().map(|truth| truth.method.as_str()).chain(std::iter::repeat("GET"));
    let mut method = methods.next().unwrap_or_default();
    while let Some(answer) = raw.answer_to(method).await {
        if answer.status >= 200 {
            found.push(answer);
            method = methods.next().unwrap_or_default();
        }
    }
    found
}

/// The same request over h2, as far as it can be said there at all: framing and hosts are the protocol's own.
pub(super) async fn send_h2(client: &mut H2, plan: &Plan, marker: String) -> Option<(Sent, Heard)> {
    let mut truth = plan.truth(marker);
    let target = String::from_utf8(truth.target.clone()).ok().filter(|target| target.starts_with('/'))?;
    let uri: http::Uri = format!("https://gw.test{target}").parse().ok()?;
    plan.method.parse::<http::Method>().ok().filter(|method| *method != http::Method::CONNECT)?;
    let lines: Vec<Vec<u8>> =
        plan.lines.iter().map(|(line, _)| line.clone()).chain(plan.credential.lines()).collect();
    let mut fields = vec![(MARKER, truth.marker.as_bytes())];
    for line in &lines {
        fields.extend(field(line));
    }
    truth.target = uri.path_and_query()?.as_str().as_bytes().to_vec();
    truth.host = b"gw.test".to_vec();
    truth.may_pass = true;
    truth.ends = false;
    let body = plan.has_body().then_some(&plan.body[..]);
    truth.body = Some(body.unwrap_or_default().to_vec());
    let answer = client.ask(plan.method, &target, &fields, body).await;
    let heard = Heard { answers: answer.into_iter().collect(), ..Heard::default() };
    let bytes = said(&heard.answers);
    let secrets = match plan.credential {
        Credential::Elsewhere(..) => vec![],
        ref other => other.tokens().map(|token| token.text.clone()).filter(|text| text.len() > 20).collect(),
    };
    let sent = Sent { truths: vec![truth], secrets, https: true, ..Sent::default() };
    Some((sent, Heard { bytes, ..heard }))
}

/// One header field, if h2 can say it: it has no `Connection`, and nothing that belongs to one.
fn field(line: &[u8]) -> Option<(&str, &[u8])> {
    const CONNECTIONS: [&str; 8] = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
        "te",
        "host",
        "content-length",
    ];
    let at = line.iter().position(|&byte| byte == b':')?;
    let name = std::str::from_utf8(&line[..at]).ok()?;
    let value = line[at + 1..].trim_ascii();
    let good = name.parse::<http::HeaderName>().is_ok() && http::HeaderValue::from_bytes(value).is_ok();
    (good && !CONNECTIONS.contains(&&*name.to_ascii_lowercase())).then_some((name, value))
}

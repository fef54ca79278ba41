//! How an explanation is written, for people and for programs.

use serde_json::{Value, json};

use crate::access::{Explanation, Identity};
use crate::answer;
use crate::config::Config;
use crate::identity::header_text;
use crate::route::{Route, ScopeRule};
use crate::upstream::ServerAddress;

use super::super::output::table;
use super::Args;

/// What was asked, and what came of it.
pub(super) struct Answer<'a> {
    pub(super) args: &'a Args,
    pub(super) config: &'a Config,
    pub(super) explanation: &'a Explanation<'a>,
}

/// What an upstream sees of who asks.
struct Seen<'a> {
    upstream: &'a str,
    servers: Vec<String>,
    headers: Vec<(&'a str, String)>,
    forwards_authorization: bool,
}

impl Answer<'_> {
    /// Whether the request would be let through, for certain.
    pub(super) fn is_yes(&self) -> bool {
        self.explanation.reason.allows() && self.explanation.is_certain()
    }

    const fn verdict(&self) -> &'static str {
        if self.explanation.reason.allows() { "allowed" } else { "denied" }
    }

    fn status(&self) -> u16 {
        answer::status(self.explanation.reason, self.config.errors).as_u16()
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!("{} {}", self.args.method, self.args.path)];
        if let Some(route) = self.explanation.route {
            lines.push(format!("route: {}", self.describe(route)));
        }
        let steps = self.explanation.steps.iter();
        let rows: Vec<Vec<String>> = steps
            .map(|step| vec![format!("  {}", step.mark.as_str()), step.check.to_owned(), step.detail.clone()])
            .collect();
        lines.push(table(&rows));
        let certain = if self.explanation.is_certain() { "" } else { ", if it is not revoked" };
        let status = if self.explanation.identity.is_some() {
            "the upstream answers".to_owned()
        } else if self.explanation.reason.allows() {
            "the gateway answers it itself".to_owned()
        } else {
            self.status().to_string()
        };
        lines.push(format!(
            "verdict: {}, {} ({status}){certain}",
            self.verdict(),
            self.explanation.reason.as_str()
        ));
        if let Some(seen) = self.seen() {
            lines.push(format!("upstream: {} ({}) would see", seen.upstream, seen.servers.join(", ")));
            lines.extend(seen.headers.iter().map(|(name, value)| format!("  {name}: {value}")));
            if seen.headers.is_empty() {
                lines.push("  no identity header: any the client sends is removed".to_owned());
            }
            let authorization = if seen.forwards_authorization { "the client's own" } else { "withheld" };
            lines.push(format!("  (Authorization: {authorization})"));
        }
        lines.join("\n")
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let steps: Vec<Value> = (self.explanation.steps.iter())
            .map(|step| json!({"check": step.check, "mark": step.mark.as_str(), "detail": step.detail}))
            .collect();
        let route = self.explanation.route.map(|route| {
            let line = (route.line > 0).then_some(route.line);
            json!({"name": route.name, "line": line, "access": route.access.as_str()})
        });
        let upstream = self.seen().map(|seen| {
            let headers: serde_json::Map<String, Value> =
                seen.headers.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            json!({
                "name": seen.upstream,
                "servers": seen.servers,
                "headers": headers,
                "authorization_forwarded": seen.forwards_authorization,
            })
        });
        json!({
            "method": self.args.method.as_str(),
            "target": self.args.path,
            "route": route,
            "steps": steps,
            "verdict": self.verdict(),
            "certain": self.explanation.is_certain(),
            "reason": self.explanation.reason.as_str(),
            "status": self.status(),
            "upstream": upstream,
        })
    }

    fn describe(&self, route: &Route) -> String {
        let place = match route.line {
            0 => "no [[route]] names the path".to_owned(),
            line => format!("{}:{line}", self.config.path.display()),
        };
        let scopes = match &route.scopes {
            ScopeRule::None => String::new(),
            ScopeRule::All(scopes) => format!(", scopes {scopes}"),
            ScopeRule::Any(scopes) => format!(", any scope of {scopes}"),
        };
        format!("{} ({place}), access {}{scopes}", route.name, route.access.as_str())
    }

    fn seen(&self) -> Option<Seen<'_>> {
        let (route, identity) = (self.explanation.route?, self.explanation.identity.as_ref()?);
        let upstream = self.config.upstreams.get(route.upstream)?;
        let settings = &self.config.identity;
        let headers = match identity {
            Identity::Known(token) => (settings.headers.iter())
                .filter_map(|(name, claim)| {
                    Some((name.as_str(), header_text(token.claim(claim)?).into_owned()))
                })
                .collect(),
            Identity::Public | Identity::Anonymous => Vec::new(),
        };
        Some(Seen {
            upstream: &upstream.name,
            servers: upstream.servers.iter().map(spelled).collect(),
            headers,
            forwards_authorization: route.forward_authorization.unwrap_or(settings.forward_authorization),
        })
    }
}

fn spelled(server: &ServerAddress) -> String {
    match server {
        ServerAddress::Tcp { host, port } => format!("{host}:{port}"),
        ServerAddress::Tls { host, port } => format!("https://{host}:{port}"),
        ServerAddress::Unix(path) => format!("unix:{}", path.display()),
    }
}

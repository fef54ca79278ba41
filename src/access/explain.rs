//! Why would this request pass, or not? Every check of a request in its order, hit or missed, for a person.
//!
//! The same functions decide as for a live request; this only writes down what they said. It makes no permit that
//! could carry anything upstream.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method};

use super::denial::objection;
use super::gate::{admit, bearer};
use super::{Denial, Identity, Reason};
use crate::revocation::Standing;
use crate::route::{Access, Found, Host, LIKE_ANOTHER, Route, RouteTable, ScopeRule, Target};
use crate::token::{Verified, Verifier};

/// The request that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its target as a client would send it: the raw bytes.
    pub target: &'a [u8],
    /// Its `Host`, if one is to be considered.
    pub host: Option<&'a [u8]>,
    /// The value of its `Authorization`, if it has one.
    pub authorization: Option<&'a str>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Passed.
    Hit,
    /// Failed: the request goes no further.
    Missed,
    /// Does not apply to this request.
    Skipped,
    /// Could not be asked.
    Unknown,
}

impl Mark {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Missed => "missed",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The check.
    pub check: &'static str,
    /// How it ended.
    pub mark: Mark,
    /// What it saw.
    pub detail: String,
}

/// What would happen to a request, and why.
#[derive(Debug)]
pub struct Explanation<'t> {
    /// The checks made, in order; the last one decided.
    pub steps: Vec<Step>,
    /// The route it falls under, if it came that far.
    pub route: Option<&'t Route>,
    /// The word for the outcome.
    pub reason: Reason,
    /// Whom the upstream would be told of, if it is let through.
    pub identity: Option<Identity>,
}

impl Explanation<'_> {
    /// Whether every check could be asked.
    pub fn is_certain(&self) -> bool {
        self.steps.iter().all(|step| step.mark != Mark::Unknown)
    }
}

/// Explains `question`. `endpoints` are the gateway's own paths; `standing` looks a verified token up among what is
/// revoked, or says `None` when that cannot be asked.
pub fn explain<'t>(
    table: &'t RouteTable,
    verifier: &Verifier,
    endpoints: &[&str],
    standing: &dyn Fn(&Verified) -> Option<Standing>,
    question: &Question<'_>,
) -> Explanation<'t> {
    let mut told = Told(Vec::new());
    let (route, outcome) = match find(&mut told, table, endpoints, question) {
        Err(reason) => (None, Err(reason)),
        Ok(route) => {
            let admitted =
                admit(route, || authenticate(&mut told, verifier, standing, question.authorization));
            told.rights(route, admitted.as_ref().map(super::Permit::identity));
            let outcome = admitted.map(|permit| permit.identity().clone()).map_err(|denial| denial.reason);
            (Some(route), outcome)
        }
    };
    let (reason, identity) = match outcome {
        Ok(identity) => (allowed(&identity), Some(identity)),
        Err(reason) => (reason, None),
    };
    Explanation { steps: told.0, route, reason, identity }
}

const fn allowed(identity: &Identity) -> Reason {
    match identity {
        Identity::Public => Reason::Public,
        Identity::Anonymous => Reason::Anonymous,
        Identity::Known(_) => Reason::Authenticated,
    }
}

/// Target, host, our own endpoints, route, method.
fn find<'t>(
    told: &mut Told,
    table: &'t RouteTable,
    endpoints: &[&str],
    question: &Question<'_>,
) -> Result<&'t Route, Reason> {
    let target = Target::parse(question.target).map_err(|error| {
        told.tell("target", Mark::Missed, error.to_string());
        Reason::BadTarget
    })?;
    told.tell("target", Mark::Hit, format!("the path is {}", target.path()));
    let host = match question.host.map(Host::parse) {
        Some(Ok(host)) if !table.serves(&host) => {
            told.tell("host", Mark::Missed, "`hosts` in [routing] does not have it");
            return Err(Reason::BadHost);
        }
        Some(Ok(host)) => {
            told.tell("host", Mark::Hit, host.as_str());
            Some(host)
        }
        Some(Err(error)) => {
            told.tell("host", Mark::Missed, error.to_string());
            return Err(Reason::BadHost);
        }
        None => {
            told.tell("host", Mark::Skipped, "none given: routes for a host are left out");
            None
        }
    };
    if endpoints.contains(&target.path()) {
        told.tell("endpoint", Mark::Hit, "a path of the gateway itself: answered here, never forwarded");
        return Err(Reason::Endpoint);
    }
    told.tell("endpoint", Mark::Skipped, "not a path of the gateway itself");
    match table.find(host.as_ref(), question.method, target.path()) {
        Found::Route(route) => {
            told.tell("route", Mark::Hit, route.name.as_str());
            told.tell("method", Mark::Hit, question.method.as_str());
            Ok(route)
        }
        Found::MethodNotAllowed(allow) => {
            told.tell("route", Mark::Hit, "the path is named");
            let allow = allow.to_str().unwrap_or_default();
            told.tell("method", Mark::Missed, format!("{} is not among {allow}", question.method));
            Err(Reason::MethodNotAllowed)
        }
        Found::LikeAnother => {
            told.tell("route", Mark::Missed, LIKE_ANOTHER);
            Err(Reason::BadTarget)
        }
    }
}

/// Credential, the steps of the token, revocation.
fn authenticate(
    told: &mut Told,
    verifier: &Verifier,
    standing: &dyn Fn(&Verified) -> Option<Standing>,
    authorization: Option<&str>,
) -> Result<Arc<Verified>, Denial> {
    let mut headers = HeaderMap::new();
    if let Some(text) = authorization {
        let value = HeaderValue::from_str(text).map_err(|_| {
            told.tell("credential", Mark::Missed, "not fit to be a header");
            Denial::of(Reason::MalformedCredentials)
        })?;
        headers.insert(http::header::AUTHORIZATION, value);
    }
    let token = bearer(&headers).inspect_err(|denial| {
        told.tell("credential", Mark::Missed, denial.reason.as_str());
    })?;
    told.tell("credential", Mark::Hit, "one bearer token");
    for (step, outcome) in verifier.explain(token) {
        match outcome {
            Ok(()) => told.tell("token", Mark::Hit, step),
            Err(error) => told.tell("token", Mark::Missed, format!("{step}: {error}")),
        }
    }
    if let Some(name) = verifier.judge(token) {
        told.tell("issuer", Mark::Hit, format!("judged as a token of the trusted issuer `{name}`"));
    }
    let holder = verifier.verify(token).map_err(|error| Denial::of(Reason::from(error)))?;
    let Some(standing) = standing(&holder) else {
        told.tell("revoked", Mark::Unknown, "the revocation store could not be asked");
        return Ok(holder);
    };
    match objection(standing) {
        None => {
            told.tell(
                "revoked",
                Mark::Hit,
                "neither the token, its sign-in, its user nor its key is revoked",
            );
            Ok(holder)
        }
        Some(reason) => {
            told.tell("revoked", Mark::Missed, reason.as_str());
            Err(Denial { reason, subject: Some(holder), needed: None })
        }
    }
}

/// The checks told so far.
struct Told(Vec<Step>);

impl Told {
    fn tell(&mut self, check: &'static str, mark: Mark, detail: impl Into<String>) {
        self.0.push(Step { check, mark, detail: detail.into() });
    }

    /// What the route asks and whether it was there.
    fn rights(&mut self, route: &Route, outcome: Result<&Identity, &Denial>) {
        match route.access {
            Access::Public => self.tell("access", Mark::Hit, "public: no token is asked for or believed"),
            Access::Denied => return self.tell("access", Mark::Missed, "nobody may use this route"),
            Access::Optional if matches!(outcome, Ok(Identity::Anonymous)) => {
                self.tell("access", Mark::Hit, "optional: goes on without a token");
            }
            Access::Optional | Access::Authenticated => {}
        }
        let needed = match &route.scopes {
            ScopeRule::None if outcome.is_err() => return,
            ScopeRule::None => return self.tell("scopes", Mark::Skipped, "the route asks for none"),
            ScopeRule::All(scopes) => format!("all of: {scopes}"),
            ScopeRule::Any(scopes) => format!("one of: {scopes}"),
        };
        match outcome {
            Ok(_) => self.tell("scopes", Mark::Hit, needed),
            Err(denial) if denial.reason == Reason::InsufficientScope => {
                let held = denial.subject.as_deref().map_or("", |token| token.scopes().as_str());
                let held = if held.is_empty() { "none" } else { held };
                self.tell("scopes", Mark::Missed, format!("{needed}; the token has {held}"));
            }
            // An earlier check decided; scopes were not looked at.
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;

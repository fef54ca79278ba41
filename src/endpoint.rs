//! What do we answer ourselves? The endpoints: token, signup, password, logout, revoke, userinfo, sessions, metadata, and
//! the sign-in page.
//!
//! One axum router, called in process: it never sees a socket. Aliases are resolved first, by exact path, so that no
//! configured path is ever read as a pattern.

mod desk;
mod form;
#[cfg(fuzzing)]
mod fuzz;
mod logout;
mod members;
mod metadata;
mod password;
mod revoke;
mod sessions;
mod signin;
mod signup;
mod token;
mod userinfo;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use fuzz::read_form;
pub(crate) use members::Members;

use std::fmt;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::FutureExt as _;
use hashbrown::HashMap;
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use tower::ServiceExt as _;

use crate::access::{Asked, Gate, Reason};
use crate::answer::ErrorBody;
use crate::login::{Logins, SignUpRules};
use crate::observe::Metrics;
use desk::Desk;
use signin::{FromOwnPage, SigninPage};

pub use signin::{Page, SameSite, own_target};

/// What `[endpoints]` says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `token`: paths of the token endpoint, the first is the one metadata names.
    pub token: Vec<String>,
    /// `signup`: absent means no self-registration.
    pub signup: Vec<String>,
    /// `password`: absent means that nobody changes their own.
    pub password: Vec<String>,
    /// `logout`.
    pub logout: Vec<String>,
    /// `revoke`.
    pub revoke: Vec<String>,
    /// `userinfo`.
    pub userinfo: Vec<String>,
    /// `sessions`.
    pub sessions: Vec<String>,
    /// `metadata` (RFC 8414).
    pub metadata: Vec<String>,
    /// `token_type` in token answers.
    pub token_type: String,
    /// `signup_scopes`, `signup_claims`, `signup_reveals`.
    pub sign_up: SignUpRules,
    /// `path` of `[signin_page]`: one, if there is such a page.
    pub signin: Vec<String>,
    /// `sign_out` of `[signin_page]`: one, if there is such a page.
    pub signout: Vec<String>,
    /// The rest of `[signin_page]`.
    pub page: Option<Page>,
}

impl Settings {
    /// The paths of each endpoint, in the order of [`Endpoints::NAMES`].
    pub fn paths(&self) -> [&[String]; Endpoints::NAMES.len()] {
        [
            &self.token,
            &self.signup,
            &self.password,
            &self.logout,
            &self.revoke,
            &self.userinfo,
            &self.sessions,
            &self.metadata,
            &self.signin,
            &self.signout,
        ]
    }
}

/// Who asks, as far as the connection tells.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The request's id.
    pub request_id: String,
    /// The client's address; none over a Unix socket.
    pub client: Option<IpAddr>,
    /// Whether it speaks TLS with us or with a proxy we trust.
    pub https: bool,
}

/// What came of a request, for the access log and the metrics; in the extensions of every answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Why it was answered so.
    pub reason: Reason,
    /// The `sub` it was about, where that was established.
    pub subject: Option<String>,
}

/// Our endpoints.
pub struct Endpoints {
    by_path: HashMap<String, &'static str>,
    router: Router,
    desk: Arc<Desk>,
}

impl Endpoints {
    /// How many bytes a request's body may have: a form, or a small JSON object.
    pub const BODY_LIMIT: usize = 16 * 1024;

    /// The names of all endpoints there can be.
    pub const NAMES: [&str; 10] = [
        "token", "signup", "password", "logout", "revoke", "userinfo", "sessions", "metadata", "signin",
        "signout",
    ];

    /// The endpoints that `settings` name; `issuer` is the URL that metadata gives them.
    pub fn new(
        settings: &Settings,
        logins: Arc<Logins>,
        gate: Arc<Gate>,
        body: ErrorBody,
        issuer: &str,
        metrics: Arc<Metrics>,
    ) -> Self {
        let desk = Arc::new(Desk {
            logins,
            gate,
            metrics,
            body,
            token_type: settings.token_type.clone(),
            metadata: metadata::document(settings, issuer),
            page: SigninPage::of(settings),
        });
        Self { by_path: by_path(settings), router: router(Arc::clone(&desk)), desk }
    }

    /// The endpoint a canonical path names, for the log and the metrics (`token`, `signup`, `logout`, `revoke`,
    /// `userinfo`, `sessions`, `metadata`, `signin`, `signout`), or none.
    pub fn name(&self, path: &str) -> Option<&'static str> {
        self.by_path.get(path).copied()
    }

    /// Answers a request whose path [`Self::name`] knows. The answer's extensions hold an [`Outcome`]; to a `HEAD` it
    /// has no body, but the length that a `GET` would have had.
    pub async fn answer(&self, request: Request<Bytes>, caller: Caller) -> Response<Bytes> {
        let desk = Arc::clone(&self.desk);
        let answered = AssertUnwindSafe(self.routed(request, caller.clone())).catch_unwind().await;
        answered.unwrap_or_else(|_| {
            tracing::error!(request_id = caller.request_id, "an endpoint failed");
            desk.refuse(&caller, Reason::Internal).into_inner()
        })
    }

    async fn routed(&self, mut request: Request<Bytes>, caller: Caller) -> Response<Bytes> {
        let Some(uri) = self.name(request.uri().path()).and_then(|name| internal(name, request.uri())) else {
            tracing::error!(request_id = caller.request_id, "asked for an endpoint that there is not");
            return self.desk.refuse(&caller, Reason::Internal).into_inner();
        };
        if request.body().len() > Self::BODY_LIMIT {
            return self.desk.refuse(&caller, Reason::TooLarge).into_inner();
        }
        if let Err(refusal) = self.ambient(&mut request, &caller) {
            return refusal;
        }
        *request.uri_mut() = uri;
        request.extensions_mut().insert(caller);
        let Ok(answer) = self.router.clone().oneshot(request.map(Body::from)).await;
        let (mut head, body) = answer.into_parts();
        if head.status == StatusCode::NO_CONTENT {
            // The router counts the bytes of an empty body; a 204 has no length to tell (RFC 9110 §8.6).
            head.headers.remove(CONTENT_LENGTH);
        }
        // Every body here is in memory already and cannot fail.
        Response::from_parts(head, axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default())
    }
}

impl Endpoints {
    /// What a browser brings of its own accord: whether a page of ours asks, for the forms of the sign-in page; and
    /// for the endpoints that want a token, the one in its cookie, as if it stood in `Authorization`.
    #[expect(clippy::result_large_err, reason = "an answer, and it goes straight to the client")]
    fn ambient(&self, request: &mut Request<Bytes>, caller: &Caller) -> Result<(), Response<Bytes>> {
        if self.desk.page.is_none() {
            return Ok(());
        }
        let asked = Asked {
            method: request.method(),
            headers: request.headers(),
            authority: request.uri().authority().map(http::uri::Authority::as_str),
            https: caller.https,
        };
        let own = FromOwnPage(asked.is_from_own_page());
        let bearer = match self.name(request.uri().path()) {
            Some("logout" | "userinfo" | "sessions") => self
                .desk
                .gate
                .cookie_token(&asked)
                .map_err(|denial| self.desk.deny(caller, &denial).into_inner())?
                .and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok()),
            _ => None,
        };
        request.extensions_mut().insert(own);
        request.headers_mut().extend(bearer.map(|bearer| (AUTHORIZATION, bearer)));
        Ok(())
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("by_path", &self.by_path).finish_non_exhaustive()
    }
}

fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/token", post(token::answer))
        .route("/signup", post(signup::answer))
        .route("/password", post(password::answer))
        .route("/logout", post(logout::answer))
        .route("/revoke", post(revoke::answer))
        .route("/userinfo", get(userinfo::answer))
        .route("/sessions", get(sessions::list).delete(sessions::end))
        .route("/metadata", get(metadata::answer))
        .route("/signin", get(signin::show).post(signin::take))
        .route("/signout", get(signin::ask_out).post(signin::out))
        // The router adds `Allow`.
        .method_not_allowed_fallback(desk::wrong_method)
        .with_state(desk)
}

/// The router's own address of an endpoint, with the client's query.
fn internal(name: &str, asked: &Uri) -> Option<Uri> {
    let text = asked.query().map_or_else(|| format!("/{name}"), |query| format!("/{name}?{query}"));
    PathAndQuery::try_from(text).ok().map(Uri::from)
}

/// Every configured path and the endpoint it names; of two that claim one path, the first in the order of
/// [`Endpoints::NAMES`].
fn by_path(settings: &Settings) -> HashMap<String, &'static str> {
    let mut found = HashMap::new();
    for (name, paths) in Endpoints::NAMES.into_iter().zip(settings.paths()) {
        for path in paths {
            found.entry(path.clone()).or_insert(name);
        }
    }
    found
}

#[cfg(test)]
mod tests;

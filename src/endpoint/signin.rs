//! The sign-in page: a user name and a password for a token in a cookie, for people whose application has no page of its
//! own. It needs no script; signing out is a form as well.
//!
//! A form of ours is taken only from a page of ours: the browser has to say so, and the sign-in form has to repeat what
//! a cookie says that no other site can read or set (`__Host-`). Else another site could sign somebody in as
//! somebody else, who then types into the wrong account.

mod next;
mod out;
mod page;
mod set_cookie;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{Extension, RawQuery, State};
use bytes::Bytes;
use http::header::{RETRY_AFTER, SET_COOKIE, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::desk::{Desk, Reply, whole_seconds};
use super::form::Form;
use super::token::note;
use super::{Caller, Settings};
use crate::access::cookie::cookies;
use crate::access::{Reason, TokenCookie};
use crate::answer;
use crate::login::{PasswordGrant, SignInError, SignedIn};
use crate::secret::{Secret, random_id};
use crate::sessions::Origin;
use page::{Message, View};

pub use next::own_target;
pub(super) use out::{ask_out, out};
pub use set_cookie::SameSite;

const FIELDS: [&str; 4] = ["username", "password", "next", "csrf"];

/// What `[signin_page]` says, beside the paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// `title`: what people sign in to.
    pub title: String,
    /// `cookie`: the name of the one that carries the token; begins with `__Host-`.
    pub cookie: String,
    /// `after`: where to go if nothing else was asked for.
    pub after: String,
    /// `same_site`.
    pub same_site: SameSite,
}

/// Whether the browser says that a page of this origin asks; made where the request is still whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct FromOwnPage(pub(super) bool);

/// The page as it is served.
pub(super) struct SigninPage {
    settings: Page,
    cookie: TokenCookie,
    /// Its own path, and that of signing out.
    path: String,
    out: String,
}

impl SigninPage {
    /// The page, if there is to be one.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let page = settings.page.clone()?;
        Some(Self {
            cookie: TokenCookie::new(&page.cookie),
            path: settings.signin.first()?.clone(),
            out: settings.signout.first()?.clone(),
            settings: page,
        })
    }

    /// Where to go after a sign-in: where was asked for if that is here, and is not this page.
    fn next<'a>(&'a self, asked: Option<&'a str>) -> &'a str {
        let own = asked.and_then(own_target).filter(|target| {
            let path = target.split('?').next().unwrap_or_default();
            path != self.path && path != self.out
        });
        own.unwrap_or(&self.settings.after)
    }

    /// What the form has to repeat, and whether the browser knows it already.
    fn form_token(&self, headers: &HeaderMap) -> (String, bool) {
        match self.known_form_token(headers) {
            Some(known) => (known.to_owned(), true),
            None => (random_id(), false),
        }
    }

    fn known_form_token<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let mut found = cookies(headers, self.cookie.form());
        let (Some(value), None) = (found.next(), found.next()) else { return None };
        let made_here =
            value.len() == 22 && value.iter().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(b));
        std::str::from_utf8(value).ok().filter(|_| made_here)
    }

    /// Whether the form repeats what the cookie says.
    fn is_repeated(&self, headers: &HeaderMap, repeated: Option<&str>) -> bool {
        let known = self.known_form_token(headers);
        known.zip(repeated).is_some_and(|(known, repeated)| {
            verify_slices_are_equal(known.as_bytes(), repeated.as_bytes()).is_ok()
        })
    }

    /// The page with the form.
    fn reply(&self, caller: &Caller, headers: &HeaderMap, shown: &Shown<'_>) -> Reply {
        let (token, known) = self.form_token(headers);
        let view = View {
            title: &self.settings.title,
            action: &self.path,
            username: shown.username,
            next: shown.next,
            csrf: &token,
            message: shown.message,
        };
        let mut reply = page::reply(caller, shown.status, view.html(), shown.reason);
        if !known {
            let cookie = set_cookie::set(self.cookie.form(), &token, SameSite::Lax, None);
            reply.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
        }
        if shown.status == StatusCode::UNAUTHORIZED {
            // A 401 names a scheme (RFC 9110 §15.5.2); for forms there is none.
            let challenge = format!("Bearer realm=\"{}\"", answer::REALM);
            let challenge = HeaderValue::from_str(&challenge);
            reply.headers_mut().extend(challenge.ok().map(|challenge| (WWW_AUTHENTICATE, challenge)));
        }
        reply
    }

    /// A page that says one thing, and leads back to this one.
    fn notice(&self, caller: &Caller, status: StatusCode, reason: Reason, message: Message) -> Reply {
        page::reply(caller, status, page::notice(&self.settings.title, &self.path, message), reason)
    }

    /// Hands the token over, and sends the browser on.
    fn welcome(
        &self,
        desk: &Desk,
        caller: &Caller,
        signed_in: &SignedIn,
        next: &str,
    ) -> Result<Reply, Failure> {
        let SignedIn { subject, issued } = signed_in;
        let lifetime = Duration::from_secs(issued.expires_in);
        let cookie =
            set_cookie::set(self.cookie.name(), &issued.token, self.settings.same_site, Some(lifetime));
        let Some(cookie) = cookie else {
            tracing::error!(
                subject = subject.as_str(),
                request_id = caller.request_id,
                "a token is too long for a cookie: give its user fewer scopes"
            );
            return Err((StatusCode::INTERNAL_SERVER_ERROR, Reason::Internal, Message::Impossible));
        };
        desk.metrics.token_issued("password");
        let mut reply = page::see_other(caller, next, Some(subject.to_string()));
        reply.headers_mut().insert(SET_COOKIE, cookie);
        Ok(reply)
    }
}

/// What one showing of the form says.
struct Shown<'a> {
    status: StatusCode,
    reason: Reason,
    message: Option<Message>,
    /// As typed.
    username: &'a str,
    next: &'a str,
}

/// `GET`: the form.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Reply {
    let Some(page) = &desk.page else { return desk.refuse(&caller, Reason::Internal) };
    let asked = next::asked(query.as_deref().unwrap_or_default());
    let next = page.next(asked.as_deref());
    let shown = Shown { status: StatusCode::OK, reason: Reason::Endpoint, message: None, username: "", next };
    page.reply(&caller, &headers, &shown)
}

/// `POST`: signs in, or shows the form again.
pub(super) async fn take(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    Extension(FromOwnPage(own)): Extension<FromOwnPage>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Reply {
    let Some(page) = &desk.page else { return desk.refuse(&caller, Reason::Internal) };
    if !own {
        return page.notice(&caller, StatusCode::FORBIDDEN, Reason::CrossSite, Message::OtherSite);
    }
    let Ok(mut form) = Form::read(&FIELDS, &headers, query.as_deref(), &body) else {
        return page.notice(&caller, StatusCode::BAD_REQUEST, Reason::Endpoint, Message::NoForm);
    };
    let (username, password) = (form.take("username"), form.take("password").map(Secret::from));
    let (asked, csrf) = (form.take("next"), form.take("csrf"));
    let next = page.next(asked.as_deref());
    let again = |(status, reason, message): Failure| {
        let username = username.as_deref().unwrap_or_default();
        page.reply(&caller, &headers, &Shown { status, reason, message: Some(message), username, next })
    };
    if !page.is_repeated(&headers, csrf.as_deref()) {
        return again((StatusCode::FORBIDDEN, Reason::CrossSite, Message::Outdated));
    }
    let (Some(username), Some(password)) = (username.clone(), password) else {
        return again((StatusCode::BAD_REQUEST, Reason::Endpoint, Message::Incomplete));
    };
    let device = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let origin = Origin::new(caller.client, device);
    let grant = PasswordGrant { username, password, scope: None, client: caller.client, origin };
    let signed_in = desk.logins.sign_in(grant).await;
    note(&desk, &caller, &signed_in);
    let arrived = signed_in.map_err(|failed| worded(failed.error));
    match arrived.and_then(|signed_in| page.welcome(&desk, &caller, &signed_in, next)) {
        Ok(reply) => reply,
        Err(failure) => {
            let mut reply = again(failure);
            if let Some(wait) = failure.2.wait() {
                reply.headers_mut().insert(RETRY_AFTER, whole_seconds(wait));
            }
            reply
        }
    }
}

/// How a sign-in that came to nothing is answered.
type Failure = (StatusCode, Reason, Message);

/// How a failure is told: those of the password all alike.
const fn worded(error: SignInError) -> Failure {
    match error {
        SignInError::InvalidGrant | SignInError::InvalidScope => {
            (StatusCode::UNAUTHORIZED, Reason::Endpoint, Message::Wrong)
        }
        SignInError::RateLimited(wait) => {
            (StatusCode::TOO_MANY_REQUESTS, Reason::RateLimited, Message::TooMany(wait))
        }
        SignInError::Overloaded => (
            StatusCode::SERVICE_UNAVAILABLE,
            Reason::Overloaded,
            Message::Unavailable(Duration::from_secs(1)),
        ),
        SignInError::StoreUnavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            Reason::StoreUnavailable,
            Message::Unavailable(Duration::from_secs(5)),
        ),
    }
}

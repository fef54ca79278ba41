//! Signing out by a form: ends the sign-in on every gateway, and the cookie in this browser.
//!
//! The browser's word that a page of this origin asks is all that is needed: a page of the application may have the form as
//! well, and knows no secret of ours.

use std::sync::Arc;

use axum::extract::{Extension, State};
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::super::Caller;
use super::super::desk::{Desk, Reply};
use super::page::{self, Message};
use super::{FromOwnPage, SigninPage, set_cookie};
use crate::access::Reason;
use crate::access::cookie::cookies;
use crate::answer;

/// `GET`: asks, and changes nothing; an application can link here.
pub(in crate::endpoint) async fn ask_out(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
) -> Reply {
    let Some(page) = &desk.page else { return desk.refuse(&caller, Reason::Internal) };
    let html = page::ask_out(&page.settings.title, &page.out, None);
    page::reply(&caller, StatusCode::OK, html, Reason::Endpoint)
}

/// `POST`: signs out.
pub(in crate::endpoint) async fn out(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    Extension(FromOwnPage(own)): Extension<FromOwnPage>,
    headers: HeaderMap,
) -> Reply {
    let Some(page) = &desk.page else { return desk.refuse(&caller, Reason::Internal) };
    if !own {
        return page.notice(&caller, StatusCode::FORBIDDEN, Reason::CrossSite, Message::OtherSite);
    }
    match end(&desk, &caller, page, &headers).await {
        Ok(subject) => {
            let mut reply = page::see_other(&caller, &page.path, subject);
            let gone = set_cookie::clear(page.cookie.name(), page.settings.same_site);
            reply.headers_mut().extend(gone.map(|gone| (SET_COOKIE, gone)));
            reply
        }
        Err(reason) => {
            // The cookie stays: who has lost it could not try again.
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let html = page::ask_out(&page.settings.title, &page.out, Some(Message::StillSignedIn));
            let mut reply = page::reply(&caller, status, html, reason);
            reply.headers_mut().insert(RETRY_AFTER, answer::retry_after(reason));
            reply
        }
    }
}

/// Ends every sign-in whose token is in the cookie, usually one; says whose it was. A token that is good no more needs no
/// end.
async fn end(
    desk: &Desk,
    caller: &Caller,
    page: &SigninPage,
    headers: &HeaderMap,
) -> Result<Option<String>, Reason> {
    let mut subject = None;
    for token in cookies(headers, page.cookie.name()) {
        let bearer = HeaderValue::from_bytes(&[b"Bearer ", token].concat());
        let Ok(bearer) = bearer else { continue };
        let bearer = HeaderMap::from_iter([(http::header::AUTHORIZATION, bearer)]);
        let token = match desk.bearer(&bearer).await {
            Ok(token) => token,
            Err(denial) if answer::status(denial.reason, desk.body).is_server_error() => {
                return Err(denial.reason);
            }
            Err(_) => continue,
        };
        let request_id = &caller.request_id;
        let scope = desk.logins.sign_out(&token, false).await.map_err(|error| {
            tracing::warn!(request_id, "a sign-out was not taken: {error}");
            Reason::StoreUnavailable
        })?;
        desk.metrics.revocation(scope);
        let whose = token.subject().as_str();
        tracing::info!(scope = scope.as_str(), subject = whose, request_id, "sign-out");
        subject = Some(whose.to_owned());
    }
    Ok(subject)
}

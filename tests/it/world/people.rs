//! Those who come: a stranger, and the same with a token.

use std::net::SocketAddr;

use super::raw::{Answer, Raw};

/// Somebody with an HTTP client: every request on a new connection, nothing added that was not asked for.
#[derive(Clone, Debug)]
pub(crate) struct Stranger {
    address: SocketAddr,
    fields: Vec<String>,
}

impl Stranger {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, fields: Vec::new() }
    }

    /// The same, at another gateway.
    #[must_use]
    pub(crate) fn to(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The same, with one more header line on every request.
    #[must_use]
    pub(crate) fn saying(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }

    /// The same, with a bearer token.
    #[must_use]
    pub(crate) fn bearing(self, token: &str) -> Self {
        self.saying(&format!("Authorization: Bearer {token}"))
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn send(&self, method: &str, target: &str, body: Option<(&str, &str)>) -> Answer {
        let answer = self.try_send(method, target, body).await;
        answer.unwrap_or_else(|| panic!("no answer to {method} {target}"))
    }

    /// Sends a request and reads its answer; none if the connection was closed instead, as it is when the token is
    /// revoked while the request is under way.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        target: &str,
        body: Option<(&str, &str)>,
    ) -> Option<Answer> {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n");
        for field in &self.fields {
            request.push_str(field);
            request.push_str("\r\n");
        }
        if let Some((kind, body)) = body {
            let length = body.len();
            request.extend([
                "Content-Type: ",
                kind,
                "\r\nContent-Length: ",
                &length.to_string(),
                "\r\n\r\n",
                body,
            ]);
        } else {
            request.push_str("\r\n");
        }
        let mut raw = Raw::connect(self.address).await;
        raw.ask(request).await
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, None).await
    }

    pub(crate) async fn post_form(&self, target: &str, form: &str) -> Answer {
        self.send("POST", target, Some(("application/x-www-form-urlencoded", form))).await
    }

    pub(crate) async fn post_json(&self, target: &str, json: &serde_json::Value) -> Answer {
        self.send("POST", target, Some(("application/json", &json.to_string()))).await
    }

    /// Signs up.
    pub(crate) async fn sign_up(&self, email: &str, password: &str) -> Answer {
        self.post_json("/user/signup", &serde_json::json!({ "email": email, "password": password })).await
    }

    /// Signs in; the token, if there was one.
    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> (Answer, Option<Self>) {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("username", login)
            .append_pair("password", password)
            .finish();
        let answer = self.post_form("/token", &form).await;
        let bearer = answer.json()["access_token"].as_str().map(|token| self.clone().bearing(token));
        (answer, bearer)
    }
}

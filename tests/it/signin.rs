//! The sign-in page, as a browser and as an attacker would have it: raw HTTP, so that nothing is tidied up.

mod backend;
mod cookie;
mod forgery;
mod page;
mod redirect;
mod sign_out;
mod sockets;

use crate::world::people::Stranger;
use crate::world::raw::Answer;
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World, config_text};

const LOGIN: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery";
const PAGE: &str = "\n[signin_page]\ntitle = \"Event planner\"\nafter = \"/home\"\n";
/// What a browser says of a form or a fetch of the page's own.
const OWN: &str = "Sec-Fetch-Site: same-origin";

/// A gateway with the page, ada among its users.
async fn world() -> World {
    with("").await
}

/// With these sections beside it.
async fn with(more: &str) -> World {
    around(Recorder::start().await, more).await
}

/// Around this upstream.
async fn around(recorder: Recorder, more: &str) -> World {
    let text = config_text(recorder.address(), &format!("{ROUTES}{PAGE}{more}"));
    let world = World::configured(recorder, &text).await;
    assert_eq!(world.stranger().sign_up(LOGIN, PASSWORD).await.status, 200);
    world
}

/// The `name=value` of the one `Set-Cookie` of this name; all its attributes.
fn set_cookie(answer: &Answer, name: &str) -> Option<(String, String)> {
    let found: Vec<&str> = answer
        .values("set-cookie")
        .into_iter()
        .filter(|value| value.split_once('=').is_some_and(|(found, _)| found == name))
        .collect();
    assert!(found.len() < 2, "{found:?}");
    let (pair, attributes) = found.first()?.split_once("; ")?;
    Some((pair.to_owned(), attributes.to_owned()))
}

/// The value of a hidden field.
fn hidden(html: &str, name: &str) -> String {
    let start = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let rest = html.split_once(&start).unwrap_or_else(|| panic!("no {name} in {html}")).1;
    rest.split('"').next().unwrap().replace("&amp;", "&")
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A form that was opened: its cookie, and what it repeats.
struct Opened {
    cookie: String,
    csrf: String,
    next: String,
}

/// Opens the page.
async fn open(world: &World, query: &str) -> Opened {
    let answer = world.stranger().get(&format!("/auth/signin{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (cookie, _) = set_cookie(&answer, "__Host-gatepass-csrf").unwrap();
    let html = answer.text();
    Opened { cookie, csrf: hidden(&html, "csrf"), next: hidden(&html, "next") }
}

impl Opened {
    fn form(&self, login: &str, password: &str) -> String {
        let (next, csrf) = (self.next.as_str(), self.csrf.as_str());
        encoded(&[("username", login), ("password", password), ("next", next), ("csrf", csrf)])
    }

    /// Somebody whose browser has this cookie, and says that the page itself asks.
    fn browser(&self, world: &World) -> Stranger {
        world.stranger().saying(OWN).saying(&format!("Cookie: {}", self.cookie))
    }

    async fn send(&self, world: &World, login: &str, password: &str) -> Answer {
        self.browser(world).post_form("/auth/signin", &self.form(login, password)).await
    }
}

/// Signs ada in; the cookie that carries the token, as a header line.
async fn signed_in(world: &World) -> String {
    let answer = open(world, "").await.send(world, LOGIN, PASSWORD).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    format!("Cookie: {}", set_cookie(&answer, "__Host-gatepass").unwrap().0)
}

/// A token of alice's in the cookie, as a header line.
fn minted(world: &World, scopes: &str) -> String {
    format!("Cookie: __Host-gatepass={}", world.mint.token("alice", scopes))
}

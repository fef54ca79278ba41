//! The command line beside a running gateway: what it revokes is refused there at once, through the control socket.

use std::path::Path;

use gatepass::control::Client;
use gatepass::demo::{Demo, Options};
use gatepass::secret::Secret;
use serde_json::Value;

use super::{Said, gatepass_in, unused_port};
use crate::world::said;

const PASSWORD: &str = "correct horse";

/// A gateway with its planner, its user, and a folder whose configuration the commands read.
async fn running() -> Demo {
    said::listen();
    let options = Options { port: Some(unused_port()), password: Some(Secret::from(PASSWORD)) };
    Demo::start(options).await.unwrap()
}

/// Runs a command in the gateway's folder, while the gateway goes on running.
async fn gatepass(folder: &Path, args: &[&str], input: &str) -> Said {
    let (folder, input) = (folder.to_owned(), input.to_owned());
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        gatepass_in(&folder, &args, &input)
    })
    .await
    .unwrap()
}

/// The status and the body of a request, with a bearer token.
async fn get(demo: &Demo, path: &str, token: &str) -> (u16, String) {
    let url = format!("http://{}{path}", demo.gateway().unwrap());
    let bearer = format!("Bearer {token}");
    tokio::task::spawn_blocking(move || {
        let request =
            ureq::get(url).header("Authorization", bearer).config().http_status_as_error(false).build();
        let mut answer = request.call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    })
    .await
    .unwrap()
}

async fn sign_in(demo: &Demo) -> String {
    let url = format!("http://{}/token", demo.gateway().unwrap());
    let form = [("username", demo.user().0.to_owned()), ("password", PASSWORD.to_owned())];
    let answer: Value = tokio::task::spawn_blocking(move || {
        ureq::post(url).send_form(form).unwrap().body_mut().read_json().unwrap()
    })
    .await
    .unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_here_is_refused_there() {
    let demo = running().await;
    let folder = demo.folder().to_owned();
    let (one, other) = (sign_in(&demo).await, sign_in(&demo).await);
    assert_eq!(get(&demo, "/event/", &one).await.0, 200);

    let said = gatepass(&folder, &["token", "revoke", "-"], &one).await.yes();
    assert!(said.out.contains("through the running gateway"), "{said:?}");
    let (status, body) = get(&demo, "/event/", &one).await;
    assert!(status == 401 && body.contains("revoked_token"), "{status} {body}");

    let claims = gatepass(&folder, &["token", "inspect", "-"], &other).await.yes().json();
    let login = claims["claims"]["sid"].as_str().unwrap();
    gatepass(&folder, &["token", "revoke", "--login", login], "").await.yes();
    let (status, body) = get(&demo, "/event/", &other).await;
    assert!(status == 401 && body.contains("revoked_login"), "{status} {body}");

    let third = sign_in(&demo).await;
    assert_eq!(get(&demo, "/event/", &third).await.0, 200);
    let said = gatepass(&folder, &["user", "disable", demo.user().0], "").await.yes();
    assert!(said.out.contains("through the running gateway"), "{said:?}");
    let (status, body) = get(&demo, "/event/", &third).await;
    assert!(status == 401 && body.contains("revoked_user"), "{status} {body}");

    gatepass(&folder, &["user", "enable", demo.user().0], "").await.yes();
    assert_eq!(get(&demo, "/event/", &sign_in(&demo).await).await.0, 200);
    assert_eq!(get(&demo, "/event/", &third).await.0, 401);
    demo.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_can_be_lifted_in_every_scope() {
    let demo = running().await;
    let folder = demo.folder().to_owned();
    let token = sign_in(&demo).await;
    let told = gatepass(&folder, &["token", "inspect", "-"], &token).await.yes().json();
    let (sid, kid) = (told["claims"]["sid"].as_str().unwrap(), told["header"]["kid"].as_str().unwrap());
    let user = demo.user().0;
    for (named, word) in [
        (["-", ""], "revoked_token"),
        (["--login", sid], "revoked_login"),
        (["--user", user], "revoked_user"),
        (["--key", kid], "revoked_key"),
    ] {
        let named: Vec<&str> = named.into_iter().filter(|text| !text.is_empty()).collect();
        let order = |what: &'static str| [&["token", what][..], &named].concat();
        gatepass(&folder, &order("revoke"), &token).await.yes();
        let (status, body) = get(&demo, "/event/", &token).await;
        assert!(status == 401 && body.contains(word), "{word}: {status} {body}");
        gatepass(&folder, &order("lift"), &token).await.yes();
        assert_eq!(get(&demo, "/event/", &token).await.0, 200, "{word}");
    }
    let unknown = gatepass(&folder, &["token", "revoke", "--key", "0123456789abcdef"], "").await;
    assert!(unknown.code == 2 && unknown.err.contains(kid), "it names the keys there are: {unknown:?}");
    demo.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_sign_ins_before_it() {
    let demo = running().await;
    let folder = demo.folder().to_owned();
    let before = sign_in(&demo).await;
    assert_eq!(get(&demo, "/event/", &before).await.0, 200);
    let passwd = ["user", "passwd", demo.user().0, "--password-stdin"];
    // The same password again is a new one as well.
    let said = gatepass(&folder, &passwd, &format!("{PASSWORD}\n")).await.yes();
    assert!(said.out.contains("revoked through the running gateway"), "{said:?}");
    let (status, body) = get(&demo, "/event/", &before).await;
    assert!(status == 401 && body.contains("revoked_user"), "{status} {body}");
    assert_eq!(get(&demo, "/event/", &sign_in(&demo).await).await.0, 200);
    demo.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_are_listed_and_ended() {
    let demo = running().await;
    let folder = demo.folder().to_owned();
    let user = demo.user().0;
    let (one, other) = (sign_in(&demo).await, sign_in(&demo).await);
    let list = ["sessions", "list", "--user", user, "--format", "json"];
    let listed = gatepass(&folder, &list, "").await.yes().json();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    // The latest first.
    let id = listed[1]["id"].as_str().unwrap();
    assert!(listed[1]["device"].as_str().unwrap().starts_with("ureq"), "{listed:?}");

    let said = gatepass(&folder, &["sessions", "revoke", "--user", user, "--id", id], "").await.yes();
    assert!(said.out.contains("through the running gateway"), "{said:?}");
    assert_eq!((get(&demo, "/event/", &one).await.0, get(&demo, "/event/", &other).await.0), (401, 200));
    let said = gatepass(&folder, &["sessions", "revoke", "--user", user, "--id", id], "").await;
    assert!(said.code == 1 && said.err.contains("no session"), "{said:?}");
    let dash =
        gatepass(&folder, &["sessions", "revoke", "--user", user, "--id", "-_Zr3VbZ5T6iVn0YlOQpU"], "").await;
    assert!(dash.code == 1 && dash.err.contains("no session"), "an id may begin with a dash: {dash:?}");
    let table = gatepass(&folder, &["sessions", "list", "--user", user], "").await.yes().out;
    assert!(table.lines().count() == 2 && table.starts_with("ID "), "{table}");

    gatepass(&folder, &["sessions", "revoke", "--user", user, "--all"], "").await.yes();
    assert_eq!(get(&demo, "/event/", &other).await.0, 401);
    assert_eq!(gatepass(&folder, &list, "").await.yes().json(), serde_json::json!([]));
    demo.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_gateway_says_how_it_is() {
    let demo = running().await;
    let folder = demo.folder().to_owned();
    assert_eq!(gatepass(&folder, &["healthcheck"], "").await.yes().out, "ready\n");
    let socket = folder.join("gatepass.control");
    let status = Client::connect(&socket).await.unwrap().unwrap().status().await.unwrap();
    assert!(status.ready && status.store_up && status.store == "sqlite", "{status:?}");
    assert_eq!(status.gatepass, env!("CARGO_PKG_VERSION"));

    demo.shutdown().await.unwrap();
    assert!(Client::connect(&socket).await.unwrap().is_none());
    assert!(!folder.exists());
}

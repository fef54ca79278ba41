//! Passwords and forms: read in one way, or refused.

use gatepass::identity::AskedLogin;
use gatepass::password::PasswordHash;
use gatepass::users::{SqliteUsers, UserStore as _};
use serde_json::json;

use crate::attacks::ada::{FORM, FORM_TYPE, LOGIN, PASSWORD, in_world};
use crate::attacks::answers::made_by_us;
use crate::attacks::logged::Logged;
use crate::attacks::wires::{Doors, WIRES};
use crate::world::raw::Answer;
use crate::world::{World, people::Stranger};

fn is_error(answer: &Answer, error: &str) {
    assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(error)), "{answer:?}");
    made_by_us(answer);
    assert_eq!(answer.value("pragma"), "no-cache");
    assert!(answer.json()["access_token"].is_null());
}

/// Gives `login` a password that no rule of ours was asked about, as an import does.
async fn import(world: &World, login: &str, hash: String) {
    assert_eq!(world.stranger().sign_up(login, PASSWORD).await.status, 200);
    let users = SqliteUsers::open(&world.dir.path().join("gatepass.db")).unwrap();
    let user = users.by_login(&AskedLogin::parse(login).unwrap()).await.unwrap().unwrap();
    assert!(users.set_password(&user.id, PasswordHash::from_store(hash)).await.unwrap());
}

async fn refused(stranger: &Stranger, login: &str, password: &str) {
    let (answer, token) = stranger.sign_in(login, password).await;
    assert!(token.is_none(), "{login} {password:?}");
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e05_bcrypt_is_given_nothing_that_it_would_cut() {
    let world = World::new().await;
    let stranger = world.stranger();
    // Hashes made elsewhere, by a bcrypt that cut at 72 bytes.
    for (login, password) in
        [("ascii@example.org", "a".repeat(72)), ("euro@example.org", "\u{20ac}".repeat(24))]
    {
        assert_eq!(password.len(), 72);
        import(&world, login, bcrypt::hash(format!("{password}whatever"), 4).unwrap()).await;
        for more in ["z", "whatever", "whatever else"] {
            is_error(&stranger.sign_in(login, &format!("{password}{more}")).await.0, "invalid_grant");
        }
    }
    // Set here, a password has as many bytes as are heeded.
    for (login, password, status) in [
        ("a@example.org", "a".repeat(71), 200),
        ("b@example.org", "a".repeat(72), 422),
        ("c@example.org", "\u{20ac}".repeat(24), 422),
        ("d@example.org", "Ab1!".repeat(16), 200),
        ("e@example.org", "seven77".to_owned(), 422),
    ] {
        let answer = stranger.sign_up(login, &password).await;
        assert_eq!(answer.status, status, "{answer:?}");
        made_by_us(&answer);
        assert_eq!(stranger.sign_in(login, &password).await.1.is_some(), status == 200);
        refused(&stranger, login, &format!("{password}z")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_e07_nul_and_nothing_are_no_passwords() {
    let world = World::new().await;
    let stranger = world.stranger();
    import(&world, "abc@example.org", bcrypt::hash("abc", 4).unwrap()).await;
    import(&world, "empty@example.org", bcrypt::hash("", 4).unwrap()).await;
    assert!(stranger.sign_in("abc@example.org", "abc").await.1.is_some());
    for password in ["abc\0abc", "abc\0", "\0abc", "abc\0abd", "", "\0"] {
        refused(&stranger, "abc@example.org", password).await;
    }
    for password in ["", "\0", "a"] {
        refused(&stranger, "empty@example.org", password).await;
    }
    for form in [
        "username=empty%40example.org&password=",
        "username=empty%40example.org",
        "username=empty%40example.org&password",
    ] {
        let answer = stranger.post_form("/token", form).await;
        assert_eq!(answer.status, 400, "{form}");
        assert!(
            matches!(answer.json()["error"].as_str(), Some("invalid_request" | "invalid_grant")),
            "{answer:?}"
        );
    }
    assert_eq!(stranger.sign_up("nul@example.org", "correct\0horse").await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_e12_only_the_form_it_is_meant_for() {
    let doors = Doors::open().await;
    assert_eq!(doors.stranger_over_tls_signs_up().await, 200);
    let json = json!({"username": LOGIN, "password": PASSWORD}).to_string();
    let multipart =
        "--x\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nada@example.org\r\n--x--\r\n";
    for wire in WIRES {
        let post = async |kind: Option<&str>, body: &str| {
            let fields: Vec<(&str, &[u8])> =
                kind.iter().map(|kind| ("content-type", kind.as_bytes())).collect();
            doors.ask(wire, ("POST", "/token"), &fields, Some(body.as_bytes())).await
        };
        for (kind, body) in [
            (Some("application/json"), json.as_str()),
            (Some("application/json"), FORM),
            (Some("multipart/form-data; boundary=x"), multipart),
            (Some("multipart/form-data; boundary=x"), FORM),
            (Some("text/plain"), FORM),
            (None, FORM),
            (Some("application/x-www-form-urlencoded; charset=utf-16"), FORM),
            (Some("application/x-www-form-urlencodedx"), FORM),
            (Some("application/x-www-form-urlencoded, text/plain"), FORM),
        ] {
            is_error(&post(kind, body).await, "invalid_request");
        }
        for (more, error) in [
            ("&grant_type=client_credentials", "unsupported_grant_type"),
            ("&grant_type=PASSWORD", "unsupported_grant_type"),
            ("&grant_type=password&grant_type=password", "invalid_request"),
            ("&username=bob", "invalid_request"),
            ("&password=other", "invalid_request"),
        ] {
            is_error(&post(Some(FORM_TYPE), &format!("{FORM}{more}")).await, error);
        }
        for form in ["username=&password=x", "password=x", "username=x", ""] {
            is_error(&post(Some(FORM_TYPE), form).await, "invalid_request");
        }
        for (kind, more) in [
            (FORM_TYPE, ""),
            (FORM_TYPE, "&grant_type=password"),
            (FORM_TYPE, "&grant_type=password&extra=1&another=2"),
            ("application/x-www-form-urlencoded; charset=UTF-8", ""),
        ] {
            let answer = post(Some(kind), &format!("{FORM}{more}")).await;
            assert_eq!(answer.status, 200, "{kind} {more}: {answer:?}");
            made_by_us(&answer);
        }
    }
}

impl Doors {
    /// Ada signs up, over TLS as everybody here.
    async fn stranger_over_tls_signs_up(&self) -> u16 {
        let body = json!({"email": LOGIN, "password": PASSWORD}).to_string();
        let fields: [(&str, &[u8]); 1] = [("content-type", b"application/json")];
        self.ask(WIRES[0], ("POST", "/user/signup"), &fields, Some(body.as_bytes())).await.status
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e10_credentials_in_the_query_are_refused_and_not_logged() {
    let world = Logged::start().await;
    let stranger = world.stranger();
    assert_eq!(stranger.sign_up(LOGIN, PASSWORD).await.status, 200);
    for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD"] {
        let answer = stranger.send(method, &format!("/token?grant_type=password&{FORM}"), None).await;
        assert_eq!((answer.status, answer.value("allow")), (405, "POST"), "{method}");
    }
    for (query, body) in [
        (FORM, ""),
        (FORM, "username=ada%40example.org"),
        ("password=correct+horse+battery", "username=ada%40example.org"),
    ] {
        is_error(&stranger.post_form(&format!("/token?{query}"), body).await, "invalid_request");
    }
    // Also where the body alone would do.
    is_error(&stranger.post_form("/token?password=correct+horse+battery", FORM).await, "invalid_request");
    let logs = world.end();
    assert_eq!(logs.requests().len(), 10);
    logs.hold_nothing_of(&["correct+horse", "correct horse", "battery", "ada%40", "?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn e16_a_client_that_claims_a_registration() {
    let world = in_world(World::new().await).await;
    let basic = world.stranger().saying("Authorization: Basic YXBwOnNlY3JldA==");
    for form in ["&client_id=app", "&client_secret=secret", "&client_id=app&client_secret=secret"] {
        is_error(&basic.post_form("/token", &format!("{FORM}{form}")).await, "invalid_request");
    }
    for answer in [
        basic.post_form("/token", FORM).await,
        world.stranger().post_form("/token", &format!("{FORM}&client_id=app&client_secret=secret")).await,
    ] {
        assert_eq!((answer.status, answer.json()["error"].as_str()), (401, Some("invalid_client")));
        assert!(answer.value("www-authenticate").starts_with("Basic realm=\""), "{answer:?}");
        made_by_us(&answer);
    }
    // Who only says its name claims nothing.
    assert_eq!(world.stranger().post_form("/token", &format!("{FORM}&client_id=app")).await.status, 200);
}

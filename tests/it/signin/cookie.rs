//! A token in a cookie: when it counts, and when it does not.

use super::{OWN, minted, signed_in, world};
use crate::world::tls::{H2, certificate};
use crate::world::{ROUTES, World, config_text, recorder::Recorder};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_known_by_one_of_the_two() {
    let world = world().await;
    let cookie = minted(&world, "");
    let token = cookie.split_once('=').unwrap().1.to_owned();
    let bob = world.mint.token("bob", "");
    let ask = async |fields: &[&str], target: &str| {
        let who = fields.iter().fold(world.stranger(), |who, field| who.saying(field));
        who.get(target).await.status
    };
    assert_eq!(ask(&[&cookie], "/api/me").await, 200);
    assert_eq!(world.recorder.last().values("x-auth-user"), ["alice"]);
    // What a page has written into this one request is meant; what the browser added is not.
    assert_eq!(ask(&[&cookie, &format!("Authorization: Bearer {bob}")], "/api/me").await, 200);
    assert_eq!(world.recorder.last().values("x-auth-user"), ["bob"]);
    assert!(world.recorder.last().values("cookie").is_empty());
    for (field, status) in [
        ("Authorization: Bearer x.y.z", 401),
        ("Authorization: Bearer", 400),
        ("Authorization: Basic YTpi", 401),
        ("Authorization:", 400),
    ] {
        assert_eq!(ask(&[&cookie, field], "/api/me").await, status, "no second try: {field}");
    }
    let hits = world.recorder.hits();
    for (line, status) in [
        (format!("{cookie}; __Host-gatepass={token}"), 400),
        (format!("{cookie}; __Host-gatepass={bob}"), 400),
        (format!("{cookie};__Host-gatepass"), 400),
        ("Cookie: __Host-gatepass=".to_owned(), 400),
        ("Cookie: __Host-gatepass=\"x\"".to_owned(), 400),
        (format!("Cookie: __Host-gatepass=\"{token}\""), 400),
        ("Cookie: __Host-gatepass=x.y.z".to_owned(), 401),
        (format!("Cookie: __host-gatepass={token}"), 401),
        (format!("Cookie: gatepass={token}"), 401),
        (format!("Cookie: __Host-gatepass2={token}"), 401),
        (format!("Cookie: __Host-gatepass-csrf={token}"), 401),
        (format!("Cookie: access_token={token}; token={token}"), 401),
        (format!("Cookie: =__Host-gatepass={token}"), 401),
        (format!("Cookie: Bearer {token}"), 401),
        (format!("X-Cookie: __Host-gatepass={token}"), 401),
        (format!("Cookie2: __Host-gatepass={token}"), 401),
    ] {
        crate::world::said::field(&line.replacen("=x", "=", 1));
        assert_eq!(ask(&[&line], "/api/me").await, status, "{line}");
    }
    let twice = format!("Cookie: __Host-gatepass={bob}");
    assert_eq!(ask(&[&cookie, &twice], "/api/me").await, 400, "over two lines as well");
    assert_eq!(world.recorder.hits(), hits);
    // An optional route wants a good one or none; a public one looks at none.
    assert_eq!(ask(&[&cookie], "/maybe/x").await, 200);
    assert_eq!(world.recorder.last().values("x-auth-user"), ["alice"]);
    assert_eq!(ask(&["Cookie: __Host-gatepass=x.y.z"], "/maybe/x").await, 401);
    assert_eq!(ask(&["Cookie: __Host-gatepass=x.y.z"], "/public/x").await, 200);
    assert!(world.recorder.last().values("cookie").is_empty(), "and passes none on");
    assert_eq!(ask(&[&cookie], "/api/admin").await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_page_a_cookie_is_the_applications() {
    let world = World::new().await;
    let cookie = minted(&world, "");
    assert_eq!(world.stranger().saying(&cookie).get("/api/me").await.status, 401);
    assert_eq!(world.stranger().saying(&cookie).get("/public/x").await.status, 200);
    assert_eq!(world.recorder.last().values("cookie").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_is_asked_for_by_a_page_of_our_own() {
    let world = world().await;
    let cookie = minted(&world, "event:write");
    let writer = world.stranger().saying(&cookie);
    let foreign: [&[&str]; 8] = [
        &[],
        &["Sec-Fetch-Site: cross-site"],
        &["Sec-Fetch-Site: same-site"],
        &["Sec-Fetch-Site: same-site", "Origin: http://gw.test"],
        &["Origin: http://evil.test"],
        &["Origin: https://gw.test"],
        &["Origin: http://gw.test.evil.test"],
        &["Origin: null", "Referer: http://gw.test/"],
    ];
    for method in ["POST", "PUT", "DELETE"] {
        for fields in foreign {
            let who = fields.iter().fold(writer.clone(), |who, field| who.saying(field));
            let answer = who.send(method, "/event/1", None).await;
            assert_eq!(answer.status, 403, "{method} {fields:?}");
            let told = answer.json()["error_description"].as_str().unwrap().to_owned();
            assert!(told.starts_with("cross_site: "), "{told}");
        }
    }
    for method in ["POST", "PATCH", "DELETE"] {
        assert_eq!(writer.send(method, "/api/x", None).await.status, 403, "{method}");
        assert_eq!(writer.send(method, "/maybe/x", None).await.status, 403, "{method}");
    }
    assert_eq!(world.recorder.hits(), 0);
    for field in [OWN, "Sec-Fetch-Site: none", "Origin: http://gw.test", "Origin: http://GW.test"] {
        let answer = writer.clone().saying(field).send("POST", "/event/new", None).await;
        assert_eq!(answer.status, 200, "{field}");
    }
    // Links from other sites lead here, and a page may ask what it may do.
    for method in ["GET", "HEAD", "OPTIONS"] {
        let answer = writer.clone().saying("Sec-Fetch-Site: cross-site").send(method, "/api/x", None).await;
        assert_eq!(answer.status, 200, "{method}");
    }
    // A token that a page holds itself proves that it is meant.
    let bearer = world.signed_in("event:write").saying(&cookie).saying("Sec-Fetch-Site: cross-site");
    assert_eq!(bearer.send("POST", "/event/new", None).await.status, 200);
}

/// The scheme is the client's, as a trusted proxy tells it, and the port counts.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_is_compared_as_the_browser_sees_us() {
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), &format!("{ROUTES}{}", super::PAGE))
        .replace("[listen]\n", "[listen]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let world = World::configured(recorder, &text).await;
    let who = world.stranger().saying(&minted(&world, "event:write")).saying("X-Forwarded-Proto: https");
    for (origin, status) in [("https://gw.test", 200), ("http://gw.test", 403), ("https://gw.test:443", 403)]
    {
        let who = who.clone().saying(&format!("Origin: {origin}"));
        assert_eq!(who.send("POST", "/event/new", None).await.status, status, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_h2_it_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (trusted, section) = certificate(dir.path());
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), &format!("{section}{ROUTES}{}", super::PAGE));
    let world = World::configured(recorder, &text).await;
    let mut h2 = H2::connect(&world, trusted).await;
    let cookie = minted(&world, "event:write");
    let cookie = cookie.strip_prefix("Cookie: ").unwrap().as_bytes();
    // Split over fields, as browsers do (RFC 9113 §8.2.3).
    let split: [(&str, &[u8]); 3] = [("cookie", b"a=b"), ("cookie", cookie), ("cookie", b"c=d")];
    assert_eq!(h2.ask("GET", "/api/me", &split, None).await.unwrap().status, 200);
    assert_eq!(world.recorder.last().values("x-auth-user"), ["alice"]);
    assert_eq!(world.recorder.last().values("cookie"), ["a=b; c=d"]);
    let twice: [(&str, &[u8]); 2] = [("cookie", cookie), ("cookie", cookie)];
    assert_eq!(h2.ask("GET", "/api/me", &twice, None).await.unwrap().status, 400);
    for (origin, status) in
        [(&b"https://gw.test"[..], 200), (b"http://gw.test", 403), (b"https://evil.test", 403)]
    {
        let fields: [(&str, &[u8]); 2] = [("cookie", cookie), ("origin", origin)];
        assert_eq!(h2.ask("POST", "/event/new", &fields, None).await.unwrap().status, status);
    }
}

/// Our own endpoints for those who are signed in: the same cookie, and the same proof where something changes.
#[tokio::test(flavor = "multi_thread")]
async fn our_endpoints_know_it_too() {
    let world = world().await;
    let ada = world.stranger().saying(&signed_in(&world).await);
    let answer = ada.get("/auth/userinfo").await;
    assert_eq!((answer.status, answer.json()["email"].as_str()), (200, Some(super::LOGIN)));
    assert_eq!(ada.get("/auth/sessions").await.status, 200);
    for fields in [&[][..], &["Sec-Fetch-Site: cross-site"], &["Origin: http://evil.test"]] {
        let who = fields.iter().fold(ada.clone(), |who, field| who.saying(field));
        assert_eq!(who.send("POST", "/auth/logout", None).await.status, 403, "{fields:?}");
        assert_eq!(who.send("DELETE", "/auth/sessions", None).await.status, 403, "{fields:?}");
    }
    // An `Authorization` is the credential, good or bad.
    let other = ada.clone().saying(OWN).bearing("x.y.z");
    assert_eq!(other.send("POST", "/auth/logout", None).await.status, 401);
    assert_eq!(ada.get("/api/me").await.status, 200);
    let twice = ada.clone().saying("Cookie: __Host-gatepass=abcdefghijklmnop");
    assert_eq!(twice.get("/auth/userinfo").await.status, 400);
    assert_eq!(ada.clone().saying(OWN).send("POST", "/auth/logout", None).await.status, 204);
    assert_eq!(ada.get("/api/me").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_ends_with_its_token() {
    let world = world().await;
    let claims = serde_json::json!({"iat": crate::world::tokens::now() - 700, "exp": crate::world::tokens::now() - 60});
    let old = world.mint.with(&claims);
    let answer = world.stranger().saying(&format!("Cookie: __Host-gatepass={old}")).get("/api/me").await;
    assert_eq!(answer.status, 401);
    assert!(answer.json()["error_description"].as_str().unwrap().starts_with("expired: "));
    let cookie = minted(&world, "");
    let token = cookie.split_once('=').unwrap().1;
    assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    let answer = world.stranger().saying(&cookie).get("/api/me").await;
    assert!(answer.json()["error_description"].as_str().unwrap().starts_with("revoked_token: "));
}

//! What does the page say, and what does it set?

use super::{LOGIN, PASSWORD, hidden, open, set_cookie, with, world};
use crate::world::people::Stranger;
use crate::world::raw::Answer;

/// What every answer of the page carries.
fn is_guarded(answer: &Answer) {
    let policy = answer.value("content-security-policy");
    for part in [
        "default-src 'none'",
        "style-src 'sha256-",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.values(name), [value], "{name}");
    }
    assert!(!answer.value("x-request-id").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_is_known() {
    let world = world().await;
    let answer = world.stranger().get("/auth/signin?next=%2Fapi%2Fme%3Fa%3Db%26c").await;
    assert_eq!((answer.status, answer.value("content-type")), (200, "text/html; charset=utf-8"));
    is_guarded(&answer);
    let html = answer.text();
    for part in [
        "<html lang=\"en\">",
        "<label for=\"username\">",
        "autocomplete=\"username\"",
        "<label for=\"password\">",
        "autocomplete=\"current-password\"",
        "method=\"post\" action=\"/auth/signin\"",
        "<h1>Event planner</h1>",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("<script") && !html.contains("http:") && !html.contains("https:"), "{html}");
    let (_, attributes) = set_cookie(&answer, "__Host-gatepass-csrf").unwrap();
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(hidden(&html, "next"), "/api/me?a=b&c");

    let answer = open(&world, "?next=%2Fapi%2Fme%3Fa%3Db%26c").await.send(&world, LOGIN, PASSWORD).await;
    assert_eq!((answer.status, answer.value("location")), (303, "/api/me?a=b&c"), "{}", answer.text());
    is_guarded(&answer);
    let (cookie, attributes) = set_cookie(&answer, "__Host-gatepass").unwrap();
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=1800");
    let ada = world.stranger().saying(&format!("Cookie: theme=dark; {cookie}; a=b"));
    assert_eq!(ada.get("/api/me").await.status, 200);
    let seen = world.recorder.last();
    assert_eq!(seen.values("x-auth-email"), [LOGIN]);
    assert_eq!(seen.values("cookie"), ["theme=dark; a=b"]);
    assert!(seen.values("authorization").is_empty());

    let metrics = Stranger::at(world.gateway.admin()).get("/metrics").await.text();
    assert!(metrics.contains("gatepass_logins_total{result=\"success\"} 1\n"), "{metrics}");
    assert!(metrics.contains("gatepass_tokens_issued_total{grant=\"password\"} 1\n"), "{metrics}");
    assert!(metrics.contains("route=\"gatepass:signin\""), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_is_told_alike() {
    let world = world().await;
    let mut told = Vec::new();
    for (login, password) in
        [(LOGIN, "wrong wrong wrong"), ("nobody@example.org", PASSWORD), ("<b>\"'&@x", "x"), (" ", PASSWORD)]
    {
        let opened = open(&world, "?next=/event/").await;
        let answer = opened.send(&world, login, password).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
        is_guarded(&answer);
        assert!(answer.values("location").is_empty());
        assert_eq!(set_cookie(&answer, "__Host-gatepass"), None);
        assert_eq!(set_cookie(&answer, "__Host-gatepass-csrf"), None, "the browser has it already");
        assert!(answer.value("www-authenticate").starts_with("Bearer realm="));
        let html = answer.text();
        assert!(!html.contains(password) || password == "x", "never the password: {html}");
        assert!(!html.contains("<b>"), "{html}");
        assert_eq!(hidden(&html, "next"), "/event/");
        let shown = login.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let shown = shown.replace('"', "&quot;").replace('\'', "&#39;");
        assert!(html.contains(&format!(" value=\"{shown}\" autocomplete")), "{html}");
        told.push(html.replace(&format!(" value=\"{shown}\""), "").replace(&opened.csrf, ""));
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    let metrics = Stranger::at(world.gateway.admin()).get("/metrics").await.text();
    assert!(metrics.contains("gatepass_logins_total{result=\"invalid_grant\"} 4\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_too_often_waits_at_both_doors() {
    let world = with("[throttle]\naccount_source = 2\naccount = 5\nfirst_delay = \"5m\"\n").await;
    for _ in 0..2 {
        assert_eq!(open(&world, "").await.send(&world, LOGIN, "wrong wrong wrong").await.status, 401);
    }
    let answer = open(&world, "").await.send(&world, LOGIN, PASSWORD).await;
    assert_eq!(answer.status, 429, "{}", answer.text());
    is_guarded(&answer);
    let wait: u64 = answer.value("retry-after").parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    assert!(answer.text().contains("Please try again in 5 minutes."), "{}", answer.text());
    assert!(answer.text().contains("value=\"ada@example.org\""));
    let (answer, _) = world.stranger().sign_in(LOGIN, PASSWORD).await;
    assert_eq!(answer.status, 429, "the token endpoint counts the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_read_in_one_way_or_not_at_all() {
    let world = world().await;
    let opened = open(&world, "").await;
    let form = opened.form(LOGIN, PASSWORD);
    let browser = opened.browser(&world);
    for (target, kind, body) in [
        ("/auth/signin", "application/json", "{}".to_owned()),
        ("/auth/signin", "text/plain", form.clone()),
        ("/auth/signin", "multipart/form-data; boundary=x", form.clone()),
        ("/auth/signin", "application/x-www-form-urlencoded", format!("{form}&username=eve")),
        ("/auth/signin", "application/x-www-form-urlencoded", format!("{form}&csrf=x")),
        ("/auth/signin?password=x", "application/x-www-form-urlencoded", form.clone()),
        ("/auth/signin", "application/x-www-form-urlencoded", opened.form(LOGIN, "")),
        ("/auth/signin", "application/x-www-form-urlencoded", opened.form("", PASSWORD)),
        ("/auth/signin", "application/x-www-form-urlencoded", form.replace("battery", "%ff")),
    ] {
        let answer = browser.send("POST", target, Some((kind, &body))).await;
        assert_eq!(answer.status, 400, "{target} {kind} {body}: {}", answer.text());
        is_guarded(&answer);
        assert!(answer.values("set-cookie").is_empty());
        assert!(!answer.text().contains(PASSWORD));
    }
    let long = "x".repeat(20 * 1024);
    assert_eq!(browser.post_form("/auth/signin", &format!("{form}&x={long}")).await.status, 413);
    for (method, target, allow) in
        [("PUT", "/auth/signin", "GET,HEAD,POST"), ("DELETE", "/auth/signout", "GET,HEAD,POST")]
    {
        let answer = browser.send(method, target, None).await;
        assert_eq!((answer.status, answer.value("allow")), (405, allow));
    }
    let head = browser.send("HEAD", "/auth/signin", None).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(world.recorder.hits(), 0);
    assert_eq!(opened.send(&world, LOGIN, PASSWORD).await.status, 303, "and rightly filled in it is taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_the_operators_to_choose() {
    let world = crate::world::World::with(
        "[signin_page]\npath = \"/in\"\nsign_out = \"/out\"\ncookie = \"__Host-own\"\nsame_site = \"Strict\"\n",
    )
    .await;
    assert_eq!(world.stranger().sign_up(LOGIN, PASSWORD).await.status, 200);
    assert_eq!(world.stranger().get("/auth/signin").await.status, 401);
    let answer = world.stranger().get("/in").await;
    let html = answer.text();
    assert!(html.contains("action=\"/in\"") && html.contains("<h1>Sign in</h1>"), "{html}");
    let (cookie, _) = set_cookie(&answer, "__Host-own-csrf").unwrap();
    let csrf = hidden(&html, "csrf");
    let form = super::encoded(&[("username", LOGIN), ("password", PASSWORD), ("csrf", &csrf)]);
    let browser = world.stranger().saying(super::OWN).saying(&format!("Cookie: {cookie}"));
    let answer = browser.post_form("/in", &form).await;
    assert_eq!((answer.status, answer.value("location")), (303, "/"), "{}", answer.text());
    let (cookie, attributes) = set_cookie(&answer, "__Host-own").unwrap();
    assert!(attributes.contains("SameSite=Strict"), "{attributes}");
    let ada = world.stranger().saying(&format!("Cookie: {cookie}"));
    assert_eq!(ada.get("/api/me").await.status, 200);
    assert!(world.recorder.last().values("cookie").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_no_browser_would_keep_is_not_handed_out() {
    let scopes: Vec<String> = (0..300).map(|n| format!("\"a-long-scope-name:{n}\"")).collect();
    let scopes = format!("signup_scopes = [{}]", scopes.join(", "));
    let recorder = crate::world::recorder::Recorder::start().await;
    let text = crate::world::config_text(recorder.address(), super::PAGE)
        .replace("signup_scopes = [\"event:read\", \"event:write\"]", &scopes);
    let world = crate::world::World::configured(recorder, &text).await;
    assert_eq!(world.stranger().sign_up(LOGIN, PASSWORD).await.status, 200);
    let answer = open(&world, "").await.send(&world, LOGIN, PASSWORD).await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.values("set-cookie").is_empty() && answer.text().contains("administrator"));
}

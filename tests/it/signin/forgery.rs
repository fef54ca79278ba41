//! Other sites: they sign nobody in, sign nobody out, and get nobody sent to them.

use super::{LOGIN, OWN, PASSWORD, encoded, open, set_cookie, signed_in, world};
use crate::world::people::Stranger;
use crate::world::raw::Answer;

fn is_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 403, "{what}: {}", answer.text());
    assert_eq!(set_cookie(answer, "__Host-gatepass"), None, "{what}");
    assert!(answer.values("location").is_empty(), "{what}");
}

/// What browsers say of a form that another site has sent, newer ones and older ones.
const FOREIGN: [&[&str]; 9] = [
    &["Sec-Fetch-Site: cross-site"],
    &["Sec-Fetch-Site: cross-site", "Origin: http://gw.test"],
    &["Sec-Fetch-Site: same-site", "Origin: http://gw.test"],
    &["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"],
    &["Origin: https://evil.test"],
    &["Origin: https://gw.test"],
    &["Origin: http://gw.test:8080"],
    &["Origin: null"],
    &[],
];

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_form_signs_nobody_in_or_out() {
    let world = world().await;
    let opened = open(&world, "").await;
    let cookie = signed_in(&world).await;
    for fields in FOREIGN {
        let whoever =
            |cookie: &str| fields.iter().fold(world.stranger().saying(cookie), |who, f| who.saying(f));
        // The right cookie and the right form: what is missing is only whose page it was.
        let who = whoever(&format!("Cookie: {}", opened.cookie));
        let answer = who.post_form("/auth/signin", &opened.form(LOGIN, PASSWORD)).await;
        is_refused(&answer, &format!("{fields:?}"));
        assert!(answer.text().contains("did not come from a page of this site"), "{}", answer.text());
        let answer = whoever(&cookie).post_form("/auth/signout", "").await;
        is_refused(&answer, &format!("{fields:?}"));
        assert!(answer.values("set-cookie").is_empty());
    }
    assert_eq!(world.stranger().saying(&cookie).get("/api/me").await.status, 200, "still signed in");
    let metrics = Stranger::at(world.gateway.admin()).get("/metrics").await.text();
    assert!(metrics.contains("gatepass_logins_total{result=\"success\"} 1\n"), "{metrics}");
    assert!(!metrics.contains("invalid_grant\"} 1"), "no password was looked at");
    // The same without the newer header, from the page itself.
    let old = world.stranger().saying("Origin: http://gw.test").saying(&format!("Cookie: {}", opened.cookie));
    assert_eq!(old.post_form("/auth/signin", &opened.form(LOGIN, PASSWORD)).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_repeats_what_the_cookie_says() {
    let world = world().await;
    let (one, other) = (open(&world, "").await, open(&world, "").await);
    assert_ne!(one.csrf, other.csrf);
    let form = |csrf: &str| encoded(&[("username", LOGIN), ("password", PASSWORD), ("csrf", csrf)]);
    let chosen = "AAAAAAAAAAAAAAAAAAAAAA";
    let name = "__Host-gatepass-csrf";
    for (cookie, csrf) in [
        (Some(one.cookie.clone()), other.csrf.clone()),
        (Some(one.cookie.clone()), String::new()),
        (Some(one.cookie.clone()), one.csrf[..21].to_owned()),
        (Some(one.cookie.clone()), format!("{}x", one.csrf)),
        (None, one.csrf.clone()),
        (None, String::new()),
        (Some(format!("{name}=")), String::new()),
        (Some(format!("{name}=a")), "a".to_owned()),
        // Two: one of them is somebody else's.
        (Some(format!("{}; {name}={chosen}", one.cookie)), chosen.to_owned()),
        (Some(format!("{}; {}", one.cookie, one.cookie)), one.csrf.clone()),
        // Names that are none of ours.
        (Some(format!("gatepass-csrf={chosen}")), chosen.to_owned()),
        (Some(format!("__host-gatepass-csrf={chosen}")), chosen.to_owned()),
    ] {
        let cookie = cookie.map(|cookie| format!("Cookie: {cookie}"));
        let who = cookie.iter().fold(world.stranger().saying(OWN), |who, cookie| who.saying(cookie));
        let answer = who.post_form("/auth/signin", &form(&csrf)).await;
        is_refused(&answer, &format!("{cookie:?} {csrf}"));
        assert!(answer.text().contains("out of date") && answer.text().contains(LOGIN), "{}", answer.text());
    }
    // A second page in the same browser does not spoil the first.
    let again = one.browser(&world).get("/auth/signin").await;
    assert_eq!(super::hidden(&again.text(), "csrf"), one.csrf);
    assert_eq!(set_cookie(&again, name), None);
    assert_eq!(one.send(&world, LOGIN, PASSWORD).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_to_another_site() {
    let world = world().await;
    let elsewhere = [
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/%2f%2fevil.test",
        "/%5cevil.test",
        "https:evil.test",
        "https://evil.test",
        "javascript:alert(1)",
        "/\t/evil.test",
        "\t//evil.test",
        "/\n/evil.test",
        "/\r\nLocation: https://evil.test",
        "/x\r\nSet-Cookie: a=b",
        " //evil.test",
        "/./evil.test/..",
        "/.//evil.test",
        "evil.test",
        "",
        "/é",
        "/#/x",
        // Back to the form, or out again at once.
        "/auth/signin",
        "/auth/signin?next=/auth/signin",
        "/auth/signout",
    ];
    for next in elsewhere {
        let opened = open(&world, &format!("?{}", encoded(&[("next", next)]))).await;
        assert_eq!(opened.next, "/home", "{next:?}");
        // A form that says so all the same.
        let form = [("username", LOGIN), ("password", PASSWORD), ("next", next), ("csrf", &opened.csrf)];
        let answer = opened.browser(&world).post_form("/auth/signin", &encoded(&form)).await;
        assert_eq!((answer.status, answer.values("location")), (303, vec!["/home"]), "{next:?}");
        assert_eq!(answer.values("set-cookie").len(), 1);
    }
    for here in ["/", "/event/1?a=b&next=//x", "/path?next=//x", "/a%20b?https://x", "/a@evil.test"] {
        let opened = open(&world, &format!("?{}", encoded(&[("next", here)]))).await;
        let answer = opened.send(&world, LOGIN, PASSWORD).await;
        assert_eq!(answer.values("location"), [here]);
    }
    assert_eq!(open(&world, "?next=/a&next=/b").await.next, "/home", "which of the two?");
    assert_eq!(open(&world, "").await.next, "/home");
}

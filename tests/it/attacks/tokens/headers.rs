//! Token headers: conditions that would have to be understood, and kinds of token that are not ours to take.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Doors, Mint, SECRET, passes, refused};
use crate::world::raw::Raw;
use crate::world::tokens::{changed, sign};

#[tokio::test(flavor = "multi_thread")]
async fn a26_a27_only_an_access_token_without_conditions() {
    let doors = Doors::open().await;
    for changes in [
        json!({"crit": ["x"], "x": 1}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": []}),
        json!({"crit": ["exp"]}),
        json!({"crit": "x"}),
        json!({"typ": null}),
        json!({"typ": "JWT"}),
        json!({"typ": "rt+jwt"}),
        json!({"typ": "refresh+jwt"}),
        json!({"typ": "secevent+jwt"}),
        json!({"typ": "logout+jwt"}),
        json!({"typ": "dpop+jwt"}),
        json!({"typ": "at+jwt "}),
        json!({"typ": 5}),
    ] {
        refused(&doors, &doors.mint.with_header(&changes), &changes.to_string()).await;
    }
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        passes(&doors, &doors.mint.with_header(&json!({"typ": typ})), typ).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a28_what_is_encrypted_compressed_or_nested_costs_nothing() {
    let doors = Doors::open().await;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let jwe = |header: &Value| format!("{}.{}.AAAA.AAAA.AAAA", part(header), part(&json!("key")));
    let costly = json!({"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 1_u64 << 31, "p2s": "c2FsdA"});
    let nested = {
        let inner = doors.mint.token("admin", "admin");
        let header = changed(doors.mint.header(), &json!({"cty": "JWT"}));
        sign(&header, &json!(inner), SECRET.as_bytes())
    };
    let tokens = [
        format!("{}..AAAA.AAAA.AAAA", part(&json!({"alg": "dir", "enc": "A256GCM"}))),
        jwe(&costly),
        // The same in three parts, signed as it should be.
        sign(&changed(doors.mint.header(), &costly), &Mint::claims(), SECRET.as_bytes()),
        doors.mint.with_header(&json!({"zip": "DEF"})),
        doors.mint.with_header(&json!({"cty": "JWT"})),
        nested,
    ];
    for token in &tokens {
        refused(&doors, token, token).await;
    }
    // The quickest of many: others use this machine as well.
    let world = crate::world::World::new().await;
    let mut raw = Raw::connect(world.address()).await;
    for token in &tokens {
        let request =
            format!("GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n");
        let mut quickest = Duration::MAX;
        for _ in 0..20 {
            let began = gatepass::clock::instant();
            assert_eq!(raw.ask(&request).await.unwrap().status, 401);
            quickest = quickest.min(began.elapsed());
        }
        assert!(quickest < Duration::from_millis(10), "{quickest:?} for {token}");
    }
}

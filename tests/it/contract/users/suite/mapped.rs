//! What a store promises that another application fills.

use std::collections::BTreeSet;

use gatepass::identity::Scopes;
use gatepass::users::{CreateError, Fields, Flag, Mode, ScopeSource, all};
use serde_json::{Value, json};

use super::{Mapped, Record, asked, hash, named, whose};

pub(crate) async fn logins_are_spelled_as_stored<M: Mapped>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    assert!(store.is_shared());
    let ids = place.write(vec![Record::of("Ada@Example.org"), Record::of("ada@example.org")]).await;
    let found = store.by_login(&asked("Ada@Example.org")).await.unwrap().unwrap();
    assert_eq!((&found.id, found.login.as_str()), (&ids[0], "Ada@Example.org"), "as typed before canonical");
    assert_eq!(whose(&store, "ada@example.org").await.as_ref(), Some(&ids[1]));
    assert_eq!(whose(&store, "ADA@example.org").await.as_ref(), Some(&ids[1]), "canonical");
    let grace = place.write(vec![Record::of("Grace")]).await;
    assert_eq!(whose(&store, "Grace").await.as_ref(), Some(&grace[0]));
    assert_eq!(whose(&store, "grace").await, None, "the application tells them apart");
}

pub(crate) async fn letters_may_differ_in_case_where_the_file_says_so<M: Mapped>() {
    let place = M::new().await;
    let store = place.open_as(Fields { ignore_case: true, ..M::fields() }, Mode::ReadOnly).await;
    let ids = place.write(vec![Record::of("Ada@Example.org"), Record::of("Grace")]).await;
    for login in ["ada@example.org", "ADA@EXAMPLE.ORG", "Ada@Example.org"] {
        let found = store.by_login(&asked(login)).await.unwrap().unwrap();
        assert_eq!((&found.id, found.login.as_str()), (&ids[0], "Ada@Example.org"), "{login}");
    }
    assert_eq!(whose(&store, "ada@example.orG2").await, None);
    place.write(vec![Record::of("grace")]).await;
    assert_eq!(whose(&store, "Grace").await, None, "one login of two users");
}

pub(crate) async fn a_login_of_two_users_is_nobodys<M: Mapped>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    let two = |login: &str, name: &str| Record { name: json!(name), ..Record::of(login) };
    let ids = place.write(vec![two("ada", "grace"), two("grace", "hopper"), two("edsger", "edsger")]).await;
    assert_eq!(whose(&store, "grace").await, None);
    assert_eq!(whose(&store, "ada").await.as_ref(), Some(&ids[0]));
    assert_eq!(whose(&store, "Hopper").await.as_ref(), Some(&ids[1]), "by the second field");
    assert_eq!(whose(&store, "edsger").await.as_ref(), Some(&ids[2]), "twice the same user");
    place.without_unique_logins().await;
    place.write(vec![Record::of("ada")]).await;
    assert_eq!(whose(&store, "ada").await, None);
}

pub(crate) async fn the_first_login_there_is_names_the_user<M: Mapped>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    let record = |login: Value, name: Value| Record { login, name, ..Record::of("x") };
    place.write(vec![record(json!("a@b"), json!("Ada")), record(Value::Null, json!("Grace"))]).await;
    let login = async |login| store.by_login(&asked(login)).await.unwrap().unwrap().login.to_string();
    assert_eq!((login("Ada").await, login("Grace").await), ("a@b".to_owned(), "Grace".to_owned()));
}

pub(crate) async fn whoever_may_be_disabled_is<M: Mapped>() {
    let place = M::new().await;
    let record = |login: &str, disabled: Value| Record { disabled, ..Record::of(login) };
    place
        .write(vec![record("yes", json!(true)), record("no", json!(false)), record("null", Value::Null)])
        .await;
    let flag =
        |inverted| Fields { disabled: Some(Flag { field: "disabled".to_owned(), inverted }), ..M::fields() };
    for (inverted, expected) in [(false, [true, false, false]), (true, [false, true, true])] {
        let store = place.open_as(flag(inverted), Mode::ReadWrite).await;
        for (login, expected) in ["yes", "no", "null"].into_iter().zip(expected) {
            let user = store.by_login(&asked(login)).await.unwrap().unwrap();
            assert_eq!(user.disabled, expected, "{login}, {inverted}");
            // Written as the application reads it.
            assert!(store.set_disabled(&user.id, !expected).await.unwrap());
            assert_eq!(
                store.by_id(&user.id).await.unwrap().unwrap().disabled,
                !expected,
                "{login}, {inverted}"
            );
            assert!(store.set_disabled(&user.id, expected).await.unwrap());
        }
    }
    let store = place.open_as(Fields { disabled: None, ..M::fields() }, Mode::ReadOnly).await;
    assert!(!store.by_login(&asked("yes")).await.unwrap().unwrap().disabled, "nothing says so");
}

pub(crate) async fn scopes_are_lists_or_text<M: Mapped>() {
    let place = M::new().await;
    let default_scopes = Scopes::parse("everyone").unwrap();
    let store =
        place.open_as(Fields { default_scopes: default_scopes.clone(), ..M::fields() }, Mode::ReadOnly).await;
    let record = |login: &str, scopes: Value| Record { scopes, ..Record::of(login) };
    let cases = [
        ("list", json!(["b:c", "a"]), "a b:c everyone"),
        ("text", json!("b:c a"), "a b:c everyone"),
        ("commas", json!("b:c, a,a"), "a b:c everyone"),
        ("none", Value::Null, "everyone"),
        ("empty", json!([]), "everyone"),
        ("no scopes", json!(["a\"b", "a b", "", "c"]), "c everyone"),
        ("wrong in a list", json!(["a", 7, null, {"b": 1}]), "a everyone"),
        ("wrong", json!({ "admin": true }), "everyone"),
    ];
    place.write(cases.iter().map(|(login, scopes, _)| record(login, scopes.clone())).collect()).await;
    for (login, _, expected) in cases {
        let found = store.by_login(&asked(login)).await.unwrap().unwrap();
        assert_eq!(found.scopes.as_str(), expected, "{login}");
    }
    let none = Fields { scopes: ScopeSource::None, default_scopes, ..M::fields() };
    let store = place.open_as(none, Mode::ReadOnly).await;
    assert_eq!(store.by_login(&asked("list")).await.unwrap().unwrap().scopes.as_str(), "everyone");
}

pub(crate) async fn further_fields_become_claims<M: Mapped>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    let record = |login: &str, dept: Value| Record { dept, email: json!("a@b.c"), ..Record::of(login) };
    let hostile = json!("x\r\nX-Admin: 1");
    let cases = [
        ("text", json!("Sales"), Some(json!("Sales"))),
        ("null", Value::Null, None),
        ("line end", hostile, None),
        ("too long", json!("x".repeat(3000)), None),
    ];
    place.write(cases.iter().map(|(login, dept, _)| record(login, dept.clone())).collect()).await;
    for (login, _, expected) in cases {
        let found = store.by_login(&asked(login)).await.unwrap().unwrap();
        assert_eq!(found.claims.get("department"), expected.as_ref(), "{login}");
        assert_eq!(found.email.as_deref(), Some("a@b.c"));
    }
}

pub(crate) async fn a_user_without_a_password_is_one<M: Mapped>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadWrite).await;
    let ids =
        place.write(vec![Record { password: Value::Null, ..Record::of("ada") }, Record::of("grace")]).await;
    assert_eq!(store.by_login(&asked("ada")).await.unwrap().unwrap().password.expose(), "");
    assert_eq!(all(&*store).await.unwrap().len(), 2);
    let sample: Vec<_> = store.sample().await.unwrap();
    assert_eq!(sample.len(), 1, "nothing is no kind of hash");
    // An empty hash is not a hash that anybody could replace.
    assert!(!store.replace_password(&ids[0], &hash(""), hash("new")).await.unwrap());
}

pub(crate) async fn what_cannot_be_a_user_is_left_out<M: Mapped>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    let bad = ["ada\r\nX-Admin: 1", " ada", "", "\t", &"x".repeat(300)].map(Record::of);
    let mut records = vec![Record::of("first")];
    records.extend(bad);
    records.push(Record { login: Value::Null, ..Record::of("nobody") });
    records.push(Record::of("last"));
    let ids = place.write(records).await;
    let good: BTreeSet<_> = [ids.first().unwrap().clone(), ids.last().unwrap().clone()].into();
    for id in &ids {
        assert_eq!(store.by_id(id).await.unwrap().is_some(), good.contains(id), "{id}");
    }
    let found: BTreeSet<_> = store.by_ids(&ids).await.unwrap().into_iter().map(|user| user.id).collect();
    assert_eq!(found, good);
    // A page of nothing but those is not the last one.
    for most in [1, 2, 3, 100] {
        let mut found: Vec<_> = Vec::new();
        loop {
            let page = store.page(found.last(), most).await.unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page.into_iter().map(|user| user.id));
        }
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), good, "{most}");
    }
}

pub(crate) async fn without_a_unique_index_it_says_so<M: Mapped>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    assert_eq!(store.advice().await.unwrap(), Vec::<String>::new());
    place.without_unique_logins().await;
    let advice = store.advice().await.unwrap();
    assert_eq!(advice.len(), 2, "one for each login field: {advice:?}");
    assert!(advice.iter().zip(["login", "name"]).all(|(said, field)| said.contains(field)), "{advice:?}");
}

/// Also where nothing but the question before keeps it from being there twice.
pub(crate) async fn a_login_that_is_there_is_not_added_again<M: Mapped>() {
    let place = M::new().await;
    place.without_unique_logins().await;
    let store = place.open(Mode::ReadWrite).await;
    place.write(vec![Record { name: json!("hopper"), ..Record::of("grace") }]).await;
    for login in ["grace", "hopper"] {
        assert!(matches!(store.create(named(login)).await, Err(CreateError::Exists)), "{login}");
    }
    store.create(named("ada")).await.unwrap();
    assert!(matches!(store.create(named("Ada")).await, Err(CreateError::Exists)));
    assert_eq!(all(&*store).await.unwrap().len(), 2);
}

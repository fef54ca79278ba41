//! What applications do with MongoDB that they do with no table: ids of any kind, documents in documents, bytes.

use gatepass::identity::{Scopes, UserId};
use gatepass::users::{CreateError, Fields, Mode, ScopeSource, all};
use mongodb::IndexModel;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Document, Uuid, doc};
use mongodb::options::{Collation, CollationStrength, IndexOptions};

use super::super::suite::{Mapped as _, Mount as _, asked, hash, named, whose};
use super::Place;

fn id(text: &str) -> UserId {
    UserId::parse(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_may_be_of_any_kind() {
    let place = Place::new().await;
    let store = place.open(Mode::ReadWrite).await;
    let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    // In the order the server has them.
    let ids = [
        (Bson::Int32(-7), "-7"),
        (Bson::Double(8.0), "8"),
        (Bson::Int64(9_007_199_254_740_993), "9007199254740993"),
        (Bson::String("7up".to_owned()), "7up"),
        (Bson::String("ada".to_owned()), "ada"),
        (Bson::from(Uuid::parse_str(uuid).unwrap()), uuid),
        (Bson::ObjectId(ObjectId::from_bytes([9; 12])), "090909090909090909090909"),
        (Bson::ObjectId(ObjectId::from_bytes([10; 12])), "0a0a0a0a0a0a0a0a0a0a0a0a"),
    ];
    let no_ids = [
        Bson::Double(1.5),
        Bson::String("a b".to_owned()),
        Bson::Document(doc! { "a": 1 }),
        Bson::Boolean(true),
        Bson::DateTime(DateTime::from_millis(0)),
        Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![1, 2] }),
    ];
    let record = |id: &Bson, n: usize| doc! { "_id": id, "login": format!("user{n}"), "password": "$2b$x" };
    let every = ids.iter().map(|(id, _)| id).chain(&no_ids);
    let records: Vec<Document> = every.enumerate().map(|(n, id)| record(id, n)).collect();
    place.people.insert_many(&records).await.unwrap();

    let texts: Vec<&str> = ids.iter().map(|(_, text)| *text).collect();
    for most in [1, 2, 3, 100] {
        let mut found: Vec<UserId> = Vec::new();
        loop {
            let page = store.page(found.last(), most).await.unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page.into_iter().map(|user| user.id));
        }
        assert_eq!(found.iter().map(UserId::as_str).collect::<Vec<_>>(), texts, "{most}");
    }
    for (n, text) in texts.iter().enumerate() {
        assert_eq!(
            store.by_id(&id(text)).await.unwrap().unwrap().login.as_str(),
            format!("user{n}"),
            "{text}"
        );
        assert!(store.set_password(&id(text), hash("$2b$y")).await.unwrap(), "{text}");
    }
    let asked: Vec<UserId> = texts.iter().map(|text| id(text)).collect();
    assert_eq!(store.by_ids(&asked).await.unwrap().len(), texts.len());
    // A page after somebody who is gone goes on where they were.
    assert!(store.delete(&id("ada")).await.unwrap());
    assert!(store.delete(&id(texts[6])).await.unwrap());
    assert_eq!(store.page(Some(&id("ada")), 1).await.unwrap()[0].id.as_str(), uuid);
    assert_eq!(store.page(Some(&id(texts[6])), 1).await.unwrap()[0].id.as_str(), texts[7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_text_for_two_ids_is_nobodys() {
    let place = Place::new().await;
    let store = place.open(Mode::ReadWrite).await;
    let records = [
        doc! { "_id": 42, "login": "number", "password": "old" },
        doc! { "_id": "42", "login": "text", "password": "old" },
    ];
    place.people.insert_many(&records).await.unwrap();
    assert!(store.by_id(&id("42")).await.unwrap().is_none());
    assert!(store.by_ids(&[id("42")]).await.unwrap().is_empty());
    assert!(!store.set_password(&id("42"), hash("new")).await.unwrap());
    assert!(!store.replace_password(&id("42"), &hash("old"), hash("new")).await.unwrap());
    assert!(!store.delete(&id("42")).await.unwrap());
    assert_eq!(place.people.count_documents(doc! { "password": "old" }).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_lie_in_documents() {
    let place = Place::new().await;
    let name = |text: &str| text.to_owned();
    let fields = Fields {
        login: vec![name("account.email"), name("account.name")],
        email: Some(name("account.email")),
        password: name("auth.local.hash"),
        disabled: None,
        scopes: ScopeSource::Field(name("auth.roles")),
        created: Some(name("meta.created")),
        claims: vec![(name("department"), name("profile.dept")), (name("teams"), name("profile.teams"))],
        ..Place::fields()
    };
    let store = place.open_as(fields, Mode::ReadWrite).await;
    let created = DateTime::from_millis(1_700_000_000_123);
    let record = doc! {
        "account": { "email": "Ada@Example.org", "name": "ada", "secret question": "not ours" },
        "auth": { "local": { "hash": "$2b$old" }, "roles": ["a", "b"], "other": 7 },
        "meta": { "created": created },
        "profile": { "dept": "Sales", "teams": ["x", "y"] },
    };
    place.people.insert_one(&record).await.unwrap();
    let ada = store.by_login(&asked("ada")).await.unwrap().unwrap();
    assert_eq!((ada.login.as_str(), ada.email.as_deref()), ("Ada@Example.org", Some("Ada@Example.org")));
    assert_eq!((ada.password.expose(), ada.scopes.as_str()), ("$2b$old", "a b"));
    assert_eq!(ada.created.unwrap().millis(), 1_700_000_000_123);
    assert_eq!(ada.claims.get("teams").unwrap(), &serde_json::json!(["x", "y"]));
    assert!(store.replace_password(&ada.id, &hash("$2b$old"), hash("$2b$new")).await.unwrap());
    assert!(store.set_scopes(&ada.id, Scopes::parse("c").unwrap()).await.unwrap());
    let mut expected = record;
    for (place, field, value) in
        [("local", "hash", Bson::from("$2b$new")), ("auth", "roles", Bson::from(vec!["c".to_owned()]))]
    {
        let auth = expected.get_document_mut("auth").unwrap();
        let within = if place == "auth" { auth } else { auth.get_document_mut(place).unwrap() };
        within.insert(field, value);
    }
    let mut now = place.people.find_one(doc! {}).await.unwrap().unwrap();
    now.remove("_id");
    assert_eq!(now, expected, "nothing else was touched");

    let new = store.create(named("grace@example.org")).await.unwrap();
    let grace =
        place.people.find_one(doc! { "account.email": "grace@example.org@example.org" }).await.unwrap();
    let grace = grace.expect("the address, and the name beside it");
    assert_eq!(grace.get_object_id("_id").unwrap().to_hex(), new.as_str());
    assert_eq!(grace.get_document("account").unwrap().get_str("name").unwrap(), "grace@example.org");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_may_be_bytes() {
    let place = Place::new().await;
    let store = place.open(Mode::ReadWrite).await;
    let bytes = |text: &str| Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: text.into() });
    place.people.insert_one(doc! { "login": "ada", "password": bytes("$2b$old") }).await.unwrap();
    let ada = store.by_login(&asked("ada")).await.unwrap().unwrap();
    assert_eq!(ada.password.expose(), "$2b$old");
    assert_eq!(store.sample().await.unwrap().len(), 1);
    assert!(store.replace_password(&ada.id, &ada.password, hash("$2b$new")).await.unwrap());
    assert!(!store.replace_password(&ada.id, &ada.password, hash("$2b$newer")).await.unwrap());
    let now = place.people.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(now.get("password"), Some(&bytes("$2b$new")), "as the application wrote it");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_other_kinds_are_not_logins() {
    let place = Place::new().await;
    let store = place.open(Mode::ReadOnly).await;
    let records = [
        doc! { "login": ["ada", "grace"], "password": "x" },
        doc! { "login": 7, "password": "x" },
        doc! { "login": { "$gt": "" }, "password": "x" },
        doc! { "login": "good", "password": { "$ne": 1 }, "scopes": { "$in": [] }, "dept": { "a": 1 } },
        doc! { "login": "nul\0inside", "password": "x" },
    ];
    place.people.insert_many(&records).await.unwrap();
    for login in ["ada", "grace", "7", "{}", "$gt", "nul"] {
        assert_eq!(whose(&store, login).await, None, "{login}");
    }
    let list = all(&*store).await.unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(
        (list[0].login.as_str(), list[0].password.expose(), list[0].claims.is_empty()),
        ("good", "", true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_case_the_index_has_a_collation() {
    let place = Place::new().await;
    let fields = Fields { ignore_case: true, login: vec!["login".to_owned()], ..Place::fields() };
    let store = place.open_as(fields, Mode::ReadWrite).await;
    let advice = store.advice().await.unwrap();
    assert_eq!(advice.len(), 1, "{advice:?}");
    let command =
        r#"db.people.createIndex({"login": 1}, {unique: true, collation: {locale: "en", strength: 2}})"#;
    assert!(advice[0].contains(command), "{advice:?}");
    place.without_unique_logins().await;
    let collation = Collation::builder().locale("en").strength(CollationStrength::Secondary).build();
    let options = IndexOptions::builder().unique(true).collation(collation).build();
    place
        .people
        .create_index(IndexModel::builder().keys(doc! { "login": 1 }).options(options).build())
        .await
        .unwrap();
    assert_eq!(store.advice().await.unwrap(), Vec::<String>::new());
    place.people.insert_one(doc! { "login": "Ada", "password": "x" }).await.unwrap();
    assert!(whose(&store, "aDA").await.is_some());
    assert!(matches!(store.create(named("ada")).await, Err(CreateError::Exists)));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_unique_index_is_no_taken_login() {
    let place = Place::new().await;
    let store = place.open(Mode::ReadWrite).await;
    let unique = IndexOptions::builder().unique(true).build();
    // Without `sparse`: whoever has none has the same one.
    place
        .people
        .create_index(IndexModel::builder().keys(doc! { "phone": 1 }).options(unique).build())
        .await
        .unwrap();
    store.create(named("ada")).await.unwrap();
    match store.create(named("grace")).await {
        Err(CreateError::Store(error)) => {
            assert!(
                error.to_string().contains("unique index") && !error.to_string().contains("grace"),
                "{error}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_place_is_not_dropped_in_silence() {
    let place = Place::new().await;
    let fields = Fields { scopes: ScopeSource::None, disabled: None, claims: Vec::new(), ..Place::fields() };
    let store = place.open_as(fields, Mode::ReadWrite).await;
    let said = |error: CreateError| error.to_string();
    assert!(said(store.create(named("ada")).await.unwrap_err()).contains("`scopes`"));
    let mut plain = named("ada");
    plain.scopes = Scopes::default();
    let mut claiming = plain.clone();
    claiming.claims.insert("department", serde_json::json!("Sales")).unwrap();
    assert!(said(store.create(claiming).await.unwrap_err()).contains("`claims`"));
    let id = store.create(plain).await.unwrap();
    assert!(store.set_disabled(&id, true).await.unwrap_err().to_string().contains("`disabled`"));
    assert!(store.set_scopes(&id, Scopes::default()).await.unwrap_err().to_string().contains("`scopes`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_is_not_there_is_told() {
    let place = Place::new().await;
    let fields = Fields { table: "users".to_owned(), ..Place::fields() };
    let store = place.open_as(fields, Mode::ReadOnly).await;
    let advice = store.advice().await.unwrap();
    assert!(advice.len() == 1 && advice[0].contains("no collection `users`"), "{advice:?}");
    let odd = |field: &str| Fields { password: field.to_owned(), ..Place::fields() };
    for field in ["", "a..b", "$where", "a.$b", "a\0"] {
        let settings = gatepass::users::Settings {
            store: place.store(),
            fields: Some(odd(field)),
            mode: Mode::ReadOnly,
        };
        assert!(gatepass::users::open(&settings).await.is_err(), "{field:?}");
    }
}

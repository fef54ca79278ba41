//! A gateway in front of the planner's own collection, as the planner made it.

use mongodb::IndexModel;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;

use crate::world::mongodb::Mongo;
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World, config_text};

const PASSWORD: &str = "correct horse battery";
/// Of passlib 1.7.4: `bcrypt.using(rounds=10).hash(…)`.
const HASH: &str = "$2b$10$ER0GoXEtASFsuVRaMmZCeO573c1AvkvgS5iVL6Tc3dzykdKf.8y/u";

#[tokio::test(flavor = "multi_thread")]
async fn the_planners_users_sign_in() {
    let mongo = Mongo::start().await;
    let users = mongo.database().await.collection::<Document>("users");
    let unique = IndexOptions::builder().unique(true).build();
    users
        .create_index(IndexModel::builder().keys(doc! { "email": 1 }).options(unique).build())
        .await
        .unwrap();
    let ada = doc! { "_id": ObjectId::new(), "email": "Ada@Example.org", "password": HASH, "events": [] };
    users.insert_one(&ada).await.unwrap();

    let recorder = Recorder::start().await;
    let collection = format!(
        "store = \"{}\"\nmode = \"read_write\"\n[users.fields]\nlogin = [\"email\"]\nemail = \"email\"\n\
         password = \"password\"\ndefault_scopes = [\"event:read\", \"event:write\"]\n",
        mongo.url()
    );
    let text =
        config_text(recorder.address(), ROUTES).replacen("store = \"sqlite:gatepass.db\"\n", &collection, 1);
    let text = text.replacen("audience = ", "subject = \"login\"\naudience = ", 1);
    let world = World::configured(recorder, &text).await;

    for typed in ["Ada@Example.org", " Ada@Example.org "] {
        let (answer, who) = world.stranger().sign_in(typed, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(who.unwrap().get("/event/1").await.status, 200);
        let seen = world.recorder.last();
        assert_eq!(seen.values("x-auth-user"), ["Ada@Example.org"], "as the planner spells it");
        assert_eq!(seen.values("x-auth-scopes"), ["event:read event:write"]);
    }
    for (login, password) in [("Ada@Example.org", "wrong horse battery"), ("bob@example.org", PASSWORD)] {
        assert_eq!(world.stranger().sign_in(login, password).await.0.status, 400, "{login}");
    }

    assert_eq!(world.stranger().sign_up("grace@example.org", PASSWORD).await.status, 200);
    assert_eq!(world.stranger().sign_up("Grace@example.org", PASSWORD).await.status, 409);
    assert!(world.stranger().sign_in("grace@example.org", PASSWORD).await.1.is_some());
    let grace = users.find_one(doc! { "email": "grace@example.org" }).await.unwrap().unwrap();
    assert_eq!(grace.keys().collect::<Vec<_>>(), ["_id", "email", "password"], "as the planner writes them");
    assert!(grace.get_object_id("_id").is_ok() && grace.get_str("password").unwrap().starts_with("$2b$"));
    assert_eq!(
        users.find_one(doc! { "email": "Ada@Example.org" }).await.unwrap(),
        Some(ada),
        "nothing was touched"
    );
}

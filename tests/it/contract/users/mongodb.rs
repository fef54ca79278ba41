//! Users in a collection of another application's MongoDB database.

mod faults;
mod gateway;
mod habits;

use std::sync::Arc;

use async_trait::async_trait;
use gatepass::identity::UserId;
use gatepass::secret::Secret;
use gatepass::users::{self, Fields, Mode, Settings, Store, UserStore};
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, IndexModel};
use serde_json::Value;

use super::suite::{self, Mapped, Mount, Record, promises};
use crate::world::mongodb::Mongo;

/// A database, and the collection in it as its application has it.
pub(super) struct Place {
    mongo: Mongo,
    people: Collection<Document>,
}

impl Place {
    pub(super) async fn at(mongo: Mongo) -> Self {
        let people = mongo.database().await.collection("people");
        let unique = |field: &str| {
            let options = IndexOptions::builder().unique(true).sparse(true).build();
            IndexModel::builder().keys(doc! { field: 1 }).options(options).build()
        };
        people.create_indexes([unique("login"), unique("name")]).await.unwrap();
        Self { mongo, people }
    }

    pub(super) fn store(&self) -> Store {
        Store::Mongodb(Secret::from(self.mongo.url()))
    }
}

pub(super) async fn open(store: Store, fields: Fields, mode: Mode) -> Arc<dyn UserStore> {
    users::open(&Settings { store, fields: Some(fields), mode }).await.unwrap()
}

#[async_trait]
impl Mount for Place {
    async fn new() -> Self {
        Self::at(Mongo::start().await).await
    }

    async fn open(&self, mode: Mode) -> Arc<dyn UserStore> {
        self.open_as(Self::fields(), mode).await
    }

    async fn write(&self, records: Vec<Record>) -> Vec<UserId> {
        let documents: Vec<Document> = records.into_iter().map(document).collect();
        let done = self.people.insert_many(&documents).await.unwrap();
        let id = |at: usize| done.inserted_ids[&at].as_object_id().unwrap().to_hex();
        (0..documents.len()).map(|at| UserId::parse(&id(at)).unwrap()).collect()
    }

    async fn everything(&self) -> String {
        let mut cursor = self.people.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
        let mut records = Vec::new();
        while cursor.advance().await.unwrap() {
            records.push(format!("{:?}", cursor.current()));
        }
        records.join("\n")
    }
}

#[async_trait]
impl Mapped for Place {
    fn fields() -> Fields {
        Fields { id: "_id".to_owned(), ..suite::fields() }
    }

    async fn open_as(&self, fields: Fields, mode: Mode) -> Arc<dyn UserStore> {
        open(self.store(), fields, mode).await
    }

    async fn without_unique_logins(&self) {
        self.people.drop_indexes().await.unwrap();
    }
}

fn document(record: Record) -> Document {
    let Record { login, name, email, password, disabled, scopes, dept } = record;
    let fields = [
        ("login", login),
        ("name", name),
        ("email", email),
        ("password", password),
        ("disabled", disabled),
        ("scopes", scopes),
        ("dept", dept),
    ];
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), bson(&value)))
        .collect()
}

fn bson(value: &Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(truth) => Bson::Boolean(*truth),
        Value::Number(number) => Bson::Int64(number.as_i64().unwrap()),
        Value::String(text) => Bson::String(text.clone()),
        Value::Array(list) => Bson::Array(list.iter().map(bson).collect()),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), bson(value))).collect::<Document>().into()
        }
    }
}

promises! { reading of Place }
promises! { writing of Place }
promises! { mapped of Place }

//! How are users kept in another application's MongoDB collection? As it keeps them: we ask for the fields that
//! `[users.fields]` names, and write nothing else.
//!
//! Everything is asked of the primary: what somebody changed is seen by the next sign-in. A write is answered when most
//! of the replica set have it on disk.

mod address;
mod advice;
mod complaint;
mod id;
mod link;
mod new;
mod query;
mod record;
mod value;

use std::collections::HashSet;
use std::fmt;

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, doc};

pub use self::address::{BadUrl, check as check_mongodb_url};
use self::complaint::Complaints;
use self::link::{Link, Trouble};
use super::kinds::one_of_each;
use super::{CreateError, Fields, ScopeSource, StoreError, User, UserStore};
use crate::identity::{AskedLogin, LoginName, Scopes, UserId};
use crate::password::PasswordHash;
use crate::secret::Secret;

/// How many hashes stand for all.
const SAMPLE: i64 = 2000;
const NO_SCOPES: &str = "`scopes` in [users.fields] names no field to write them to";
const NO_FLAG: &str = "`disabled` in [users.fields] names no field to write it to";

/// The users, in a collection of a MongoDB database.
pub struct MongoUsers {
    link: Link,
    fields: Fields,
    complaints: Complaints,
}

impl MongoUsers {
    /// A store that is connected to when it is first asked.
    pub fn new(url: &Secret, fields: Fields) -> Result<Self, StoreError> {
        query::check(&fields).map_err(StoreError::Failed)?;
        let link = Link::new(url, &fields.table)?;
        Ok(Self { link, fields, complaints: Complaints::default() })
    }

    /// What is not a user is left out, and complained of.
    fn user(&self, found: &Document) -> Option<User> {
        record::user(found, &self.fields, &self.complaints)
    }

    /// Everything but the ids of `ids` that two records have.
    async fn with_ids(&self, ids: &[UserId]) -> Result<Vec<User>, Trouble> {
        let any: Vec<Bson> = ids.iter().flat_map(id::candidates).collect();
        let filter = doc! { &self.fields.id: { "$in": any } };
        // Each id can be written in several ways, and two records with one id are nobody's.
        let most = i64::try_from(ids.len().saturating_mul(4)).unwrap_or(i64::MAX);
        let found = self.link.find(filter, query::projection(&self.fields), most).await?;
        let mut users: Vec<User> = found.iter().filter_map(|found| self.user(found)).collect();
        let asked: HashSet<&UserId> = ids.iter().collect();
        users.retain(|user| asked.contains(&user.id));
        users.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let mut single = Vec::with_capacity(users.len());
        for same in users.chunk_by(|one, other| one.id == other.id) {
            match same {
                [user] => single.push(user.clone()),
                _ => self.complaints.say(same[0].id.as_str(), "is the id of two records"),
            }
        }
        Ok(single)
    }

    /// The record with this id, if it is one: its `_id`, its id, its password and its scopes.
    async fn record(&self, id: &UserId) -> Result<Option<Document>, Trouble> {
        let scopes = match &self.fields.scopes {
            ScopeSource::Field(field) => Some(field.as_str()),
            ScopeSource::None | ScopeSource::Query(_) => None,
        };
        let wanted = ["_id", &self.fields.id, &self.fields.password].into_iter().chain(scopes);
        let filter = doc! { &self.fields.id: { "$in": id::candidates(id) } };
        let found = self.link.find(filter, query::projected(wanted), 4).await?;
        let mut same = found.into_iter().filter(|document| {
            let stored = query::at(document, &self.fields.id);
            stored.and_then(id::text).as_ref() == Some(id)
        });
        match (same.next(), same.next()) {
            (Some(record), None) => Ok(Some(record)),
            _ => Ok(None),
        }
    }

    /// Changes the record with this id as `change` says of it: what else must be so, and what is set.
    async fn change(
        &self,
        id: &UserId,
        change: impl FnOnce(&Document) -> (Document, Document) + Send,
    ) -> Result<bool, StoreError> {
        self.link
            .bounded(async {
                let Some(record) = self.record(id).await? else { return Ok(false) };
                let Some(own) = record.get("_id") else { return Ok(false) };
                let (mut filter, set) = change(&record);
                filter.insert("_id", own.clone());
                let updated = self.link.users().await?.update_one(filter, doc! { "$set": set }).await?;
                Ok(updated.matched_count == 1)
            })
            .await
    }
}

#[async_trait]
impl UserStore for MongoUsers {
    async fn by_login(&self, login: &AskedLogin) -> Result<Option<User>, StoreError> {
        let spellings: Vec<&str> = login.spellings().map(LoginName::as_str).collect();
        let found = self.link.bounded(query::having(&self.link, &self.fields, &spellings)).await?;
        match query::chosen(&found, &self.fields, login) {
            Ok(record) => Ok(record.and_then(|record| self.user(record))),
            Err(ids) => {
                self.complaints.say(&ids, "have one login: nobody can sign in by it");
                Ok(None)
            }
        }
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        Ok(self.link.bounded(self.with_ids(std::slice::from_ref(id))).await?.pop())
    }

    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        self.link.bounded(self.with_ids(ids)).await
    }

    async fn page(&self, after: Option<&UserId>, most: usize) -> Result<Vec<User>, StoreError> {
        self.link
            .bounded(async {
                let last = match after {
                    // A record that is gone leaves only the look of its id.
                    Some(id) => match self.record(id).await? {
                        Some(record) => query::at(&record, &self.fields.id).cloned(),
                        None => id::candidates(id).into_iter().next(),
                    },
                    None => None,
                };
                let filter = id::after(&self.fields.id, last.as_ref());
                let mut users = Vec::new();
                if most == 0 {
                    return Ok(users);
                }
                let mut cursor = self.link.by_id(&self.fields, filter, most).await?;
                while users.len() < most && cursor.advance().await? {
                    users.extend(link::read(cursor.current()).and_then(|found| self.user(&found)));
                }
                Ok(users)
            })
            .await
    }

    async fn create(&self, user: User) -> Result<UserId, CreateError> {
        let (new, id) = new::document(&self.fields, &user).map_err(StoreError::ReadOnly)?;
        let logins = query::logins(&new, &self.fields);
        // Asked first, for a collection whose logins no index keeps apart: there two may still have one login if both
        // are created at the same time.
        let created = self.link.bounded(async {
            if !query::having(&self.link, &self.fields, &logins).await?.is_empty() {
                return Ok(false);
            }
            let Err(error) = self.link.users().await?.insert_one(&new).await else { return Ok(true) };
            // Which index it was, older servers do not say; and one on the login may be looser than our question.
            let loose = Fields { ignore_case: true, ..self.fields.clone() };
            let taken = link::code(&error) == Some(link::DUPLICATE)
                && !query::having(&self.link, &loose, &logins).await?.is_empty();
            if taken { Ok(false) } else { Err(error.into()) }
        });
        if created.await? { Ok(id) } else { Err(CreateError::Exists) }
    }

    async fn set_password(&self, id: &UserId, hash: PasswordHash) -> Result<bool, StoreError> {
        let field = &self.fields.password;
        self.change(id, |record| (doc! {}, doc! { field: value::like(query::at(record, field), &hash) }))
            .await
    }

    async fn replace_password(
        &self,
        id: &UserId,
        from: &PasswordHash,
        to: PasswordHash,
    ) -> Result<bool, StoreError> {
        if from.expose().is_empty() {
            return Ok(false);
        }
        let field = &self.fields.password;
        self.change(id, |record| {
            let now = query::at(record, field);
            (doc! { field: value::like(now, from) }, doc! { field: value::like(now, &to) })
        })
        .await
    }

    async fn set_scopes(&self, id: &UserId, scopes: Scopes) -> Result<bool, StoreError> {
        let ScopeSource::Field(field) = &self.fields.scopes else {
            return Err(StoreError::ReadOnly(NO_SCOPES));
        };
        self.change(id, |record| {
            (doc! {}, doc! { field: value::scopes_like(query::at(record, field), &scopes) })
        })
        .await
    }

    async fn set_disabled(&self, id: &UserId, disabled: bool) -> Result<bool, StoreError> {
        let Some(flag) = &self.fields.disabled else { return Err(StoreError::ReadOnly(NO_FLAG)) };
        self.change(id, |_| (doc! {}, doc! { &flag.field: disabled != flag.inverted })).await
    }

    async fn delete(&self, id: &UserId) -> Result<bool, StoreError> {
        self.link
            .bounded(async {
                let Some(record) = self.record(id).await? else { return Ok(false) };
                let Some(own) = record.get("_id") else { return Ok(false) };
                let gone = self.link.users().await?.delete_one(doc! { "_id": own.clone() }).await?;
                Ok(gone.deleted_count == 1)
            })
            .await
    }

    async fn sample(&self) -> Result<Vec<PasswordHash>, StoreError> {
        let field = &self.fields.password;
        let filter = doc! { field: { "$type": ["string", "binData"] } };
        let found =
            self.link.bounded(self.link.find(filter, query::projected([field.as_str()]), SAMPLE)).await?;
        let hashes = found.iter().filter_map(|found| query::at(found, field).and_then(value::hash));
        Ok(one_of_each(hashes.filter(|hash| !hash.expose().is_empty())))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Of the collection, not of the server: it may answer and not let us read.
        let one = self.link.find(doc! {}, query::projected([self.fields.id.as_str()]), 1);
        self.link.bounded(one).await.map(drop)
    }

    async fn advice(&self) -> Result<Vec<String>, StoreError> {
        let mut advice = self.link.address().advice();
        advice.extend(self.link.bounded(advice::of(&self.link, &self.fields)).await?);
        Ok(advice)
    }

    fn read_only(&self) -> Option<&'static str> {
        None
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl fmt::Debug for MongoUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoUsers").field("fields", &self.fields).finish_non_exhaustive()
    }
}

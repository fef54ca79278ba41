//! The promises of a store of users, whatever it is made of, and what a store is mounted with.
//!
//! `reading` holds for every store, `writing` for those that can be changed, `mapped` for those that another
//! application fills, `faults` for those behind a socket. `promises!` makes a test of each.

#[cfg(feature = "postgres")]
pub(super) mod faults;
pub(super) mod mapped;
pub(super) mod reading;
pub(super) mod writing;

use std::sync::Arc;

use async_trait::async_trait;
use gatepass::clock::UnixTime;
use gatepass::identity::{AskedLogin, Claims, LoginName, Scopes, UserId};
use gatepass::password::PasswordHash;
use gatepass::users::{Fields, Flag, Mode, ScopeSource, User, UserStore};
use serde_json::{Value, json};

/// A test for each of the named promises of one part of the suite, kept by the store that `$mount` makes.
macro_rules! promises {
    ($part:ident of $mount:ty: $($promise:ident),+ $(,)?) => {
        mod $part {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    crate::contract::users::suite::$part::$promise::<$mount>().await;
                }
            )+
        }
    };
    (reading of $mount:ty) => {
        promises! { reading of $mount:
            it_answers, a_user_is_found_by_login_and_id, what_nobody_has_is_nobodys, many_are_found_at_once,
            pages_have_no_gaps, a_sample_has_every_kind_of_hash, a_store_that_is_only_read_stays_as_it_is,
        }
    };
    (writing of $mount:ty) => {
        promises! { writing of $mount:
            a_user_is_found_as_created, a_login_is_given_once, a_user_is_changed_and_removed, two_handles_share_the_users,
            of_many_at_once_one_replaces_a_password,
        }
    };
    (faults of $mount:ty) => {
        promises! { faults of $mount:
            a_server_that_is_gone_is_an_error_until_it_is_back, a_server_that_is_silent_is_an_error_in_time,
        }
    };
    (mapped of $mount:ty) => {
        promises! { mapped of $mount:
            logins_are_spelled_as_stored, letters_may_differ_in_case_where_the_file_says_so, a_login_of_two_users_is_nobodys,
            the_first_login_there_is_names_the_user, whoever_may_be_disabled_is, scopes_are_lists_or_text,
            further_fields_become_claims, a_user_without_a_password_is_one, what_cannot_be_a_user_is_left_out,
            without_a_unique_index_it_says_so, a_login_that_is_there_is_not_added_again,
        }
    };
}

/// A place where users are kept, empty at first.
#[async_trait]
pub(super) trait Mount: Send + Sync + Sized + 'static {
    /// An empty place.
    async fn new() -> Self;

    /// One more handle to it, as another gateway has one.
    async fn open(&self, mode: Mode) -> Arc<dyn UserStore>;

    /// Writes records as another application does, in this order; their ids. What a store has no field for is left out.
    async fn write(&self, records: Vec<Record>) -> Vec<UserId>;

    /// Everything that is kept there, as text: the same text means that nothing has changed.
    async fn everything(&self) -> String;
}

/// A place that another application made.
#[async_trait]
pub(super) trait Mapped: Mount {
    /// What is where; one field is called otherwise in some stores.
    fn fields() -> Fields {
        fields()
    }

    /// One more handle, described like this. [`Mount::open`] describes it by [`Mapped::fields`].
    async fn open_as(&self, fields: Fields, mode: Mode) -> Arc<dyn UserStore>;

    /// Removes what keeps the logins unique.
    async fn without_unique_logins(&self);
}

/// A place behind a server that a test can hurt.
#[cfg(feature = "postgres")]
pub(super) trait Server: Mapped {
    /// Ends it; connections are closed.
    fn kill(&mut self);
    /// Starts it again, with what it had.
    fn restart(&mut self);
    /// Has it answer nothing, while connections stay open.
    fn pause(&self);
    /// Lets it go on.
    fn resume(&self);
}

/// A record as another application writes it; `null` is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) login: Value,
    /// The second login, if there is one.
    pub(super) name: Value,
    pub(super) email: Value,
    pub(super) password: Value,
    pub(super) disabled: Value,
    pub(super) scopes: Value,
    /// Claim `department`.
    pub(super) dept: Value,
}

impl Record {
    /// Somebody who can sign in.
    pub(super) fn of(login: &str) -> Self {
        Self {
            login: json!(login),
            password: json!(format!("$2b$hash-of-{login}")),
            disabled: json!(false),
            scopes: json!("event:read"),
            ..Self::default()
        }
    }
}

/// What [`Record`]s are called in a table or collection `people`.
pub(super) fn fields() -> Fields {
    let name = |text: &str| text.to_owned();
    Fields {
        table: name("people"),
        id: name("id"),
        login: vec![name("login"), name("name")],
        ignore_case: false,
        email: Some(name("email")),
        password: name("password"),
        disabled: Some(Flag { field: name("disabled"), inverted: false }),
        scopes: ScopeSource::Field(name("scopes")),
        default_scopes: Scopes::default(),
        created: Some(name("created")),
        claims: vec![(name("department"), name("dept"))],
    }
}

/// A user to be created.
pub(super) fn named(login: &str) -> User {
    User {
        id: UserId::new(),
        login: LoginName::parse(login).unwrap(),
        email: Some(format!("{login}@example.org")),
        password: hash(&format!("$2b$hash-of-{login}")),
        scopes: Scopes::parse("event:read event:write").unwrap(),
        disabled: false,
        claims: Claims::default(),
        created: Some(UnixTime::from_millis(1_700_000_000_123)),
    }
}

pub(super) fn hash(text: &str) -> PasswordHash {
    PasswordHash::from_store(text.to_owned())
}

/// Everything of a user as text, to be compared.
pub(super) fn told(user: &User) -> String {
    format!("{user:?} {}", user.password.expose())
}

pub(super) fn asked(login: &str) -> AskedLogin {
    AskedLogin::parse(login).unwrap()
}

/// The id of whoever signs in as `login`.
pub(super) async fn whose(store: &Arc<dyn UserStore>, login: &str) -> Option<UserId> {
    store.by_login(&asked(login)).await.unwrap().map(|user| user.id)
}

pub(super) use promises;

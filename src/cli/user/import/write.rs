//! How do rows become users? A batch at a time: who is there already is found out first, then the others are written at
//! once.

use std::sync::Arc;

use futures_util::{StreamExt as _, future, stream};
use hashbrown::HashSet;
use tempfile::TempDir;

use super::super::super::{Failure, output, revoke};
use super::super::failed;
use super::OnConflict;
use super::report::{Fate, Report};
use super::row::{Candidate, Password, Refusal};
use crate::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::identity::{AskedLogin, UserId};
use crate::password::{Hasher, HasherSettings, PasswordHash};
use crate::users::{SqliteUsers, StoreError, User, UserStore};

/// Rows in a batch.
const BATCH: usize = 500;
/// Users that are looked for at once.
const ASKED: usize = 8;

/// Writes users.
pub(super) struct Writer<'a> {
    config: &'a Config,
    users: Arc<dyn UserStore>,
    /// Where the new ones go instead when nothing is to be written, so that two rows of one login are found.
    rehearsal: Option<(SqliteUsers, TempDir)>,
    hasher: Option<Hasher>,
    on_conflict: OnConflict,
    batch: Vec<Candidate>,
    most: usize,
    report: Report,
    now: UnixTime,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    added: u64,
    updated: u64,
    skipped: u64,
    refused: u64,
}

/// Whom a row meets.
struct Met {
    by_login: Option<User>,
    by_id: Option<User>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        config: &'a Config,
        users: Arc<dyn UserStore>,
        report: Report,
        on_conflict: OnConflict,
        dry_run: bool,
        hash_passwords: bool,
    ) -> Result<Self, Failure> {
        let rehearsal = if dry_run { Some(rehearsal()?) } else { None };
        let threads = config.passwords.threads;
        let hasher = if hash_passwords && !dry_run { Some(hasher(config, BATCH)?) } else { None };
        // Hashing takes long, and an interruption waits for it.
        let most = if hasher.is_some() { threads * 4 } else { BATCH };
        Ok(Self {
            config,
            users,
            rehearsal,
            hasher,
            on_conflict,
            batch: Vec::new(),
            most: most.min(BATCH),
            report,
            now: Clock::system().now(),
            counts: Counts::default(),
        })
    }

    /// Takes a row; written when there are enough.
    pub(super) async fn take(&mut self, candidate: Candidate) -> Result<(), Failure> {
        self.batch.push(candidate);
        if self.batch.len() >= self.most { self.flush().await } else { Ok(()) }
    }

    /// A row that nothing will come of.
    pub(super) fn refuse(&mut self, line: u64, refusal: &Refusal) -> Result<(), Failure> {
        self.counts.refused += 1;
        self.report.note(line, Fate::Refused, refusal)
    }

    fn skip(&mut self, line: u64) -> Result<(), Failure> {
        self.counts.skipped += 1;
        self.report.note(line, Fate::Skipped, &taken())
    }

    /// Writes what is there.
    pub(super) async fn flush(&mut self) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batch);
        let met: Vec<Result<Met, StoreError>> =
            stream::iter(&batch).map(|candidate| self.meet(candidate)).buffered(ASKED).collect().await;
        let (mut new, mut logins, mut ids) = (Vec::new(), HashSet::new(), HashSet::new());
        for (candidate, met) in batch.into_iter().zip(met) {
            let mut met = met.map_err(|error| failed(&error))?;
            let twice = logins.contains(&candidate.login)
                || candidate.id.as_ref().is_some_and(|id: &UserId| ids.contains(id));
            if twice {
                // What it meets is in this very batch.
                self.create(std::mem::take(&mut new)).await?;
                met = self.meet(&candidate).await.map_err(|error| failed(&error))?;
            }
            if let Some(user) = met.by_login {
                if self.on_conflict == OnConflict::Fail {
                    self.create(new).await?;
                    return self.end_at(candidate.line);
                }
                self.conflict(candidate, &user).await?;
            } else if met.by_id.is_some() {
                self.refuse(candidate.line, &Refusal::of("id", "is another user's"))?;
            } else if candidate.password.is_none() {
                self.refuse(candidate.line, &Refusal::of("password_hash", "is missing"))?;
            } else {
                logins.insert(candidate.login.clone());
                ids.extend(candidate.id.clone());
                new.push(candidate);
            }
        }
        self.create(new).await
    }

    fn end_at(&mut self, line: u64) -> Result<(), Failure> {
        self.refuse(line, &taken())?;
        let message = format!("line {line}: there is already a user with this login");
        Err(Failure::no(message).help(
            "what stands before it was done; `--on-conflict skip` goes on, and `update` changes such users",
        ))
    }

    async fn meet(&self, candidate: &Candidate) -> Result<Met, StoreError> {
        let asked = AskedLogin::from(candidate.login.clone());
        let stores = [Some(&*self.users), self.rehearsal.as_ref().map(|(users, _)| users as &dyn UserStore)];
        let mut met = Met { by_login: None, by_id: None };
        for store in stores.into_iter().flatten() {
            met.by_login = met.by_login.or(store.by_login(&asked).await?);
            if let Some(id) = &candidate.id {
                met.by_id = met.by_id.or(store.by_id(id).await?);
            }
        }
        Ok(met)
    }

    /// Somebody has the login already.
    async fn conflict(&mut self, candidate: Candidate, user: &User) -> Result<(), Failure> {
        if self.on_conflict == OnConflict::Skip {
            return self.skip(candidate.line);
        }
        if candidate.id.as_ref().is_some_and(|id| *id != user.id) {
            return self
                .refuse(candidate.line, &Refusal::of("id", "is not that of the user with this login"));
        }
        if self.rehearsal.is_none() {
            self.update(candidate, user).await?;
        }
        self.counts.updated += 1;
        Ok(())
    }

    /// Sets what the row says; who is disabled first, so that nothing is opened by half of it.
    async fn update(&self, candidate: Candidate, user: &User) -> Result<(), Failure> {
        let wrong = |error: StoreError| failed(&error);
        if let Some(disabled) = candidate.disabled.filter(|disabled| *disabled != user.disabled) {
            self.users.set_disabled(&user.id, disabled).await.map_err(wrong)?;
            if disabled {
                let revocation = revoke::of_user(&self.config.tokens, user, self.now)?;
                revoke::revoke(self.config, revocation).await?;
            }
        }
        if let Some(scopes) = candidate.scopes {
            self.users.set_scopes(&user.id, scopes).await.map_err(wrong)?;
        }
        if let Some(password) = candidate.password {
            let hash = self.hashed(Some(password)).await?;
            self.users.set_password(&user.id, hash).await.map_err(wrong)?;
        }
        Ok(())
    }

    /// Adds users.
    async fn create(&mut self, new: Vec<Candidate>) -> Result<(), Failure> {
        if new.is_empty() {
            return Ok(());
        }
        let lines: Vec<u64> = new.iter().map(|candidate| candidate.line).collect();
        let users = future::try_join_all(new.into_iter().map(|candidate| self.user(candidate))).await?;
        let store = self.rehearsal.as_ref().map_or(&*self.users, |(users, _)| users as &dyn UserStore);
        let created = store.create_many(users).await.map_err(|error| failed(&error))?;
        for (line, created) in lines.into_iter().zip(created) {
            if created {
                self.counts.added += 1;
            } else {
                // Somebody else has added them meanwhile.
                self.skip(line)?;
            }
        }
        Ok(())
    }

    async fn user(&self, candidate: Candidate) -> Result<User, Failure> {
        Ok(User {
            id: candidate.id.unwrap_or_default(),
            login: candidate.login,
            email: candidate.email,
            password: self.hashed(candidate.password).await?,
            scopes: candidate.scopes.unwrap_or(candidate.or_scopes),
            disabled: candidate.disabled.unwrap_or_default(),
            claims: candidate.claims,
            created: candidate.created,
        })
    }

    async fn hashed(&self, password: Option<Password>) -> Result<PasswordHash, Failure> {
        match (password, &self.hasher) {
            // A rehearsal keeps no hashes.
            _ if self.rehearsal.is_some() => Ok(PasswordHash::from_store(String::new())),
            (Some(Password::Hash(hash)), _) => Ok(hash),
            (Some(Password::Plain(plain)), Some(hasher)) => {
                hasher.hash(plain).await.map_err(|error| Failure::no(format!("cannot hash: {error}")))
            }
            (Some(Password::Plain(_)) | None, _) => Err(Failure::no("there is no password to store")),
        }
    }

    /// Says what was done; how many rows were refused.
    pub(super) fn finish(self) -> Result<u64, Failure> {
        let Counts { added, updated, skipped, refused } = self.counts;
        self.report.finish()?;
        let dry = if self.rehearsal.is_some() { "nothing was written; it would be: " } else { "" };
        output::say(&format!(
            "{dry}{added} added, {updated} updated, {skipped} skipped (there already), {refused} refused"
        ))?;
        Ok(refused)
    }
}

fn taken() -> Refusal {
    Refusal::of("login", "is somebody's already")
}

fn rehearsal() -> Result<(SqliteUsers, TempDir), Failure> {
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::no(format!("cannot make a temporary folder: {error}")))?;
    let users = SqliteUsers::open(&folder.path().join("rehearsal.db")).map_err(|error| failed(&error))?;
    Ok((users, folder))
}

fn hasher(config: &Config, queue: usize) -> Result<Hasher, Failure> {
    Hasher::start(HasherSettings { queue, ..config.passwords.hasher() })
        .map_err(|error| Failure::no(format!("cannot hash: {error}")))
}

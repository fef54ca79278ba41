//! How is the server asked, and what is said when it does not answer? Within seconds, and without a value of a record.

use std::time::Duration;

use mongodb::bson::{Document, RawDocument, doc};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::{
    Acknowledgment, Collation, CollationStrength, CollectionOptions, ReadPreference, SelectionCriteria,
    WriteConcern,
};
use mongodb::{Client, Collection, Cursor};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::address::Address;
use super::query;
use crate::secret::Secret;
use crate::users::{Fields, StoreError};

/// How long one question may take, with all that belongs to it.
const PATIENCE: Duration = Duration::from_secs(5);
/// When the server is to give up: before we do.
const SERVER_PATIENCE: Duration = Duration::from_secs(4);

/// The code for a record that a unique index refuses.
pub(super) const DUPLICATE: i32 = 11000;

/// Why a question was not answered.
pub(super) enum Trouble {
    /// The driver or the server says why.
    Refused(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The way to the collection. Connects when it is first asked.
pub(super) struct Link {
    address: Address,
    collection: String,
    client: OnceCell<Client>,
}

impl Link {
    pub(super) fn new(url: &Secret, collection: &str) -> Result<Self, StoreError> {
        let address = Address::read(url)?;
        Ok(Self { address, collection: collection.to_owned(), client: OnceCell::new() })
    }

    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn database(&self) -> &str {
        &self.address.database
    }

    /// The collection. What is written is on the disks of most servers when it is answered; what is read is from the
    /// primary, whatever the URL prefers: a secondary may not know yet that somebody was disabled.
    pub(super) async fn users(&self) -> Result<Collection<Document>, Trouble> {
        let client =
            self.client.get_or_try_init(async || Client::with_options(self.address.options().await?)).await?;
        let lasting = WriteConcern::builder()
            .w(Acknowledgment::Majority)
            .journal(true)
            .w_timeout(SERVER_PATIENCE)
            .build();
        let options = CollectionOptions::builder()
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .write_concern(lasting)
            .build();
        Ok(client.database(&self.address.database).collection_with_options(&self.collection, options))
    }

    /// At most `most` records, of each what `projection` names.
    pub(super) async fn find(
        &self,
        filter: Document,
        projection: Document,
        most: i64,
    ) -> Result<Vec<Document>, Trouble> {
        let users = self.users().await?;
        let find = users.find(filter).projection(projection).limit(most).max_time(SERVER_PATIENCE);
        collect(find.await?).await
    }

    /// The same, where letters that differ in case only, and some more, are the same.
    pub(super) async fn find_loosely(
        &self,
        filter: Document,
        projection: Document,
        most: i64,
    ) -> Result<Vec<Document>, Trouble> {
        let users = self.users().await?;
        let find = users.find(filter).projection(projection).limit(most).max_time(SERVER_PATIENCE);
        collect(find.collation(loosely()).await?).await
    }

    /// Records by id, `batch` at a time.
    pub(super) async fn by_id(
        &self,
        fields: &Fields,
        filter: Document,
        batch: usize,
    ) -> Result<Cursor<Document>, Trouble> {
        let users = self.users().await?;
        let find = users.find(filter).projection(query::projection(fields)).sort(doc! { &fields.id: 1 });
        let batch = u32::try_from(batch.min(1000)).unwrap_or(1000);
        Ok(find.batch_size(batch).max_time(SERVER_PATIENCE).await?)
    }

    /// The answer, or why there is none in time.
    pub(super) async fn bounded<T>(
        &self,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, StoreError> {
        let place = format!("MongoDB, `{}.{}`", self.address.database, self.collection);
        match timeout(PATIENCE, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(Trouble::Refused(error))) => Err(StoreError::Failed(format!("{place}: {}", told(&error)))),
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                Err(StoreError::Failed(format!("{place}: the server does not answer within {seconds} s")))
            }
        }
    }
}

/// Ignores case, in the way an index can serve.
pub(super) fn loosely() -> Collation {
    Collation::builder().locale("en").strength(CollationStrength::Secondary).build()
}

async fn collect(mut cursor: Cursor<Document>) -> Result<Vec<Document>, Trouble> {
    let mut found = Vec::new();
    while cursor.advance().await? {
        found.extend(read(cursor.current()));
    }
    Ok(found)
}

/// A record; none for one with text that is not UTF-8, which keeps nobody else's from being read.
pub(super) fn read(record: &RawDocument) -> Option<Document> {
    let read = Document::try_from(record);
    if read.is_err() {
        tracing::debug!("a record cannot be read");
    }
    read.ok()
}

/// The error's code, if the server gave one.
pub(super) fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(refusal) => Some(refusal.code),
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => Some(refusal.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(refusal)) => Some(refusal.code),
        _ => None,
    }
}

/// The error in words. A server's own text may quote the record, so its code has to do.
fn told(error: &Error) -> String {
    match &*error.kind {
        ErrorKind::Authentication { .. } => refused(18, ""),
        ErrorKind::Command(refusal) => refused(refusal.code, &refusal.code_name),
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => {
            refused(refusal.code, refusal.code_name.as_deref().unwrap_or_default())
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(refusal)) => {
            refused(refusal.code, &refusal.code_name)
        }
        ErrorKind::ServerSelection { message, .. } => format!("no server takes the question: {message}"),
        ErrorKind::DnsResolve { message, .. } => format!("the server's name is not found: {message}"),
        ErrorKind::InvalidTlsConfig { message, .. } => message.clone(),
        ErrorKind::IncompatibleServer { message, .. } => {
            format!("the server is too old or too new: {message}")
        }
        ErrorKind::Io(error) => error.to_string(),
        ErrorKind::ConnectionPoolCleared { .. } => "the connection was lost".to_owned(),
        ErrorKind::InvalidResponse { .. } => "what answers is not a MongoDB server".to_owned(),
        _ => "the driver gave up".to_owned(),
    }
}

fn refused(code: i32, name: &str) -> String {
    match code {
        13 => "the account may not do that; it needs the role `read` on the database, and `readWrite` for `mode = \
               \"read_write\"` (13)"
            .to_owned(),
        18 => "the server refuses the user or the password of the URL (18)".to_owned(),
        50 => "the server gave up: is there an index on the login? (50)".to_owned(),
        121 => "the collection's validator refuses the record (121)".to_owned(),
        DUPLICATE => "a unique index refuses the record (11000)".to_owned(),
        _ => format!("the server refuses: {name} ({code})"),
    }
}

//! How is the server asked? Over a few connections, each answer waited for a few seconds, and what is said of a failure
//! names no value.

use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType, Timeouts,
};
use tokio::time::timeout;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::{Kind, ToSql, Type};
use tokio_postgres::{Error, Row, Statement};

use super::address::{Address, Tls};
use super::parameter::{Parameter, fits};
use crate::secret::Secret;
use crate::users::StoreError;

/// Connections at once. A sign-in asks twice, for a few milliseconds together.
const CONNECTIONS: usize = 6;
/// How long a connection is waited for, or made.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(5);

pub(super) struct Link {
    pool: Pool,
    tls: Tls,
}

/// One connection, for as long as it takes to ask.
pub(super) struct Asked<'l> {
    connection: &'l Object,
}

/// Why a statement has no answer.
#[derive(Debug)]
pub(super) struct Problem(Error);

impl Link {
    /// Connects when something is asked.
    pub(super) fn new(url: &Secret) -> Result<Self, StoreError> {
        let failed = |why: String| StoreError::Failed(why);
        let address = Address::parse(url).map_err(|bad| failed(bad.to_string()))?;
        let (config, tls) = address.connect(CONNECT, ANSWER).map_err(failed)?;
        let recycle = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, tls.clone(), recycle);
        let timeouts = Timeouts { wait: Some(CONNECT), create: Some(CONNECT), recycle: Some(CONNECT) };
        let pool = Pool::builder(manager).max_size(CONNECTIONS).runtime(Runtime::Tokio1).timeouts(timeouts);
        let pool = pool.build().map_err(|error| failed(error.to_string()))?;
        Ok(Self { pool, tls })
    }

    /// Asks over one connection. One that failed is not used again: it may hold statements about a table of yesterday, or
    /// be on its way to a server that is gone. When whoever asks goes away it is: the answer is then nobody's.
    pub(super) async fn ask<T>(
        &self,
        questions: impl AsyncFnOnce(&Asked<'_>) -> Result<T, Problem>,
    ) -> Result<T, StoreError> {
        let connection = self.pool.get().await.map_err(|error| StoreError::Failed(no_connection(&error)))?;
        let asked = Asked { connection: &connection };
        match timeout(ANSWER, questions(&asked)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(problem)) => {
                drop(Object::take(connection));
                Err(StoreError::Failed(problem.told()))
            }
            Err(_) => {
                let (cancel, tls) = (connection.cancel_token(), self.tls.clone());
                drop(Object::take(connection));
                // The server would go on with what nobody waits for.
                tokio::spawn(async move { timeout(CONNECT, cancel.cancel_query(tls)).await });
                Err(StoreError::Failed(format!("PostgreSQL does not answer within {} s", ANSWER.as_secs())))
            }
        }
    }
}

impl Asked<'_> {
    /// The rows that are looked for. A value that cannot be one of its parameter's type is nowhere.
    pub(super) async fn rows(&self, text: &str, values: &[Option<&str>]) -> Result<Vec<Row>, Problem> {
        self.query(text, values, values.len()).await
    }

    /// What a new row gives back.
    pub(super) async fn insert(&self, text: &str, values: &[Option<&str>]) -> Result<Vec<Row>, Problem> {
        self.query(text, values, 0).await
    }

    /// How many rows a statement changed whose first parameter says which.
    pub(super) async fn execute(&self, text: &str, values: &[Option<&str>]) -> Result<u64, Problem> {
        let statement = self.prepare(text).await?;
        let parameters = parameters(&statement, values, 1);
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|value| value as _).collect();
        self.connection.execute(&statement, &parameters).await.map_err(Problem)
    }

    async fn query(&self, text: &str, values: &[Option<&str>], sought: usize) -> Result<Vec<Row>, Problem> {
        let statement = self.prepare(text).await?;
        let parameters = parameters(&statement, values, sought);
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|value| value as _).collect();
        self.connection.query(&statement, &parameters).await.map_err(Problem)
    }

    /// The type that the server takes a statement's first parameter for.
    pub(super) async fn kind(&self, text: &str) -> Result<Type, Problem> {
        let statement = self.prepare(text).await?;
        Ok(statement.params().first().cloned().unwrap_or(Type::TEXT))
    }

    async fn prepare(&self, text: &str) -> Result<Statement, Problem> {
        self.connection.prepare_cached(text).await.map_err(Problem)
    }
}

/// The parameters. Of those that are looked for, the first `sought`, one that cannot be what the server takes it for is
/// null, which nothing is equal to.
fn parameters<'v>(statement: &Statement, values: &[Option<&'v str>], sought: usize) -> Vec<Parameter<'v>> {
    let parameter = |(at, (value, kind)): (usize, (Option<&'v str>, &Type))| {
        // Lists are checked where they are made.
        let list = matches!(kind.kind(), Kind::Array(_));
        Parameter(value.filter(|text| at >= sought || list || fits(kind, text)))
    };
    values.iter().copied().zip(statement.params()).enumerate().map(parameter).collect()
}

impl Problem {
    /// Whether something is there already that may be there once only.
    pub(super) fn is_duplicate(&self) -> bool {
        self.0.code() == Some(&SqlState::UNIQUE_VIOLATION)
    }

    /// Whether a value that is looked for is none that the server could have.
    pub(super) fn is_about_a_value(&self) -> bool {
        let code = self.0.code().map(SqlState::code);
        matches!(code, Some("22003" | "22007" | "22008" | "22021" | "22P02" | "22P03" | "22P05"))
    }

    /// For people, without values.
    pub(super) fn told(&self) -> String {
        told(&self.0)
    }
}

fn no_connection(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => told(error),
        PoolError::Timeout(TimeoutType::Wait) => {
            format!("PostgreSQL: all {CONNECTIONS} connections are taken for {} s", CONNECT.as_secs())
        }
        PoolError::Timeout(_) => {
            format!("PostgreSQL lets nobody in within {} s", CONNECT.as_secs())
        }
        other => format!("PostgreSQL: {other}"),
    }
}

/// What went wrong. Messages about data quote them: of those only the code and the names are told.
fn told(error: &Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("PostgreSQL: {}", db(error));
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    let mut text = error.to_string();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    let help = if text.contains("server does not support TLS") {
        "; if nobody listens on the way to it, say so in the URL: ?sslmode=disable"
    } else if text.contains("UnknownIssuer") {
        "; the CA of its certificate is none of this machine's: name its file in the URL: ?sslrootcert=/path/ca.pem"
    } else {
        ""
    };
    format!("PostgreSQL: {text}{help}")
}

fn db(error: &DbError) -> String {
    let code = error.code().code();
    // Connections, rights, names that are not there, limits, and the server's own state; a missing value names a column.
    let speaks_of_names = ["08", "0A", "25", "28", "3D", "3F", "42", "53", "55", "57", "58"];
    if speaks_of_names.iter().any(|class| code.starts_with(class))
        || code == SqlState::NOT_NULL_VIOLATION.code()
    {
        return format!("{} ({code})", error.message());
    }
    let names = [error.table(), error.column(), error.constraint()];
    let names: Vec<_> = names.into_iter().flatten().collect();
    let at = if names.is_empty() { String::new() } else { format!(" at {}", names.join(", ")) };
    format!("it refuses with code {code}{at}")
}

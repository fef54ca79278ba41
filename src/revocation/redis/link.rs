//! How is one connection to Redis kept, so that no call waits longer than it may?
//!
//! A connection is made when it is needed and given up at the first error. Every call has a deadline that counts
//! connecting, waiting for others to connect, and the reply; shortly after a failure to connect, calls fail at once.
//! No error ever shows the address, which may hold a password.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, RedisResult, ScriptInvocation};
use tokio::sync::Mutex;

use crate::clock;
use crate::revocation::Unavailable;

/// After a failure to connect, for how long nobody tries again.
const PAUSE: Duration = Duration::from_millis(100);

/// One connection and the way to a new one.
pub(super) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    connection: Option<Arc<MultiplexedConnection>>,
    failed: Option<(Instant, Unavailable)>,
}

/// What to ask.
pub(super) enum Call<'a> {
    /// A script, loaded if the server does not know it.
    Script(&'a ScriptInvocation<'a>),
    /// A plain command.
    Command(&'a Cmd),
}

impl Call<'_> {
    async fn on<T: FromRedisValue>(&self, mut connection: MultiplexedConnection) -> RedisResult<T> {
        match self {
            Self::Script(script) => script.invoke_async(&mut connection).await,
            Self::Command(command) => command.query_async(&mut connection).await,
        }
    }
}

impl Link {
    /// A link that may take `connect` to connect.
    pub(super) fn new(client: Client, connect: Duration) -> Self {
        // The reply's deadline is each call's own.
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(connect)).set_response_timeout(None);
        Self { client, config, slot: Mutex::default() }
    }

    /// Asks, and has the answer or an error `within` that time.
    pub(super) async fn call<T: FromRedisValue>(
        &self,
        call: Call<'_>,
        within: Duration,
    ) -> Result<T, Unavailable> {
        if let Ok(result) = tokio::time::timeout(within, self.attempt(&call)).await {
            return result;
        }
        // A reply that comes after all must not be met by whoever asks next.
        self.slot.lock().await.connection = None;
        Err(Unavailable(format!("no reply within {} ms", within.as_millis())))
    }

    async fn attempt<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, Unavailable> {
        let (connection, is_new) = self.connection().await?;
        let error = match call.on(MultiplexedConnection::clone(&connection)).await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        self.give_up(&connection).await;
        // The server may have been restarted since the last call. Writing twice is no harm: registers are joined.
        if is_new || !(error.is_io_error() || error.is_connection_dropped()) {
            return Err(unavailable(&error));
        }
        let (connection, _) = self.connection().await?;
        match call.on(MultiplexedConnection::clone(&connection)).await {
            Ok(reply) => Ok(reply),
            Err(error) => {
                self.give_up(&connection).await;
                Err(unavailable(&error))
            }
        }
    }

    /// The connection, and whether it was made just now.
    async fn connection(&self) -> Result<(Arc<MultiplexedConnection>, bool), Unavailable> {
        let mut slot = self.slot.lock().await;
        if let Some(connection) = &slot.connection {
            return Ok((Arc::clone(connection), false));
        }
        if let Some((at, error)) = &slot.failed
            && clock::instant().duration_since(*at) < PAUSE
        {
            return Err(error.clone());
        }
        match self.client.get_multiplexed_async_connection_with_config(&self.config).await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                *slot = Slot { connection: Some(Arc::clone(&connection)), failed: None };
                Ok((connection, true))
            }
            Err(error) => {
                let error = unavailable(&error);
                slot.failed = Some((clock::instant(), error.clone()));
                Err(error)
            }
        }
    }

    async fn give_up(&self, connection: &Arc<MultiplexedConnection>) {
        let mut slot = self.slot.lock().await;
        if slot.connection.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection)) {
            slot.connection = None;
        }
    }
}

fn unavailable(error: &RedisError) -> Unavailable {
    Unavailable(format!("Redis: {error}"))
}

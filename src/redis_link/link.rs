//! How is one connection to Redis kept, so that no call waits longer than it may?
//!
//! A connection is made when it is needed and given up at the first error: the next call asks anew who the primary
//! is. Every call has a deadline that counts finding it, connecting, waiting for others to connect, and the reply;
//! shortly after a failure to connect, calls fail at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use redis::{Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, Script, Value};
use tokio::sync::Mutex;

use super::Failure;
use super::address::Node;
use super::advice::Survey;
use super::dial::Wire;
use super::locate::Place;
use crate::clock;

/// After a failure to connect, for how long nobody tries again.
const PAUSE: Duration = Duration::from_millis(100);

/// One connection and the way to a new one.
pub(crate) struct Link {
    place: Arc<Place>,
    /// How long connecting may take.
    connect: Duration,
    slot: Mutex<Slot>,
    /// Connections made so far.
    generation: AtomicU64,
}

#[derive(Default)]
struct Slot {
    connection: Option<Arc<Connection>>,
    failed: Option<(Instant, Failure)>,
}

/// The connection a call was made on.
type Used = std::sync::Mutex<Option<Arc<Connection>>>;

impl Slot {
    /// Gives `connection` up, unless another has taken its place.
    fn forget(&mut self, connection: &Arc<Connection>) {
        if self.connection.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection)) {
            self.connection = None;
        }
    }
}

struct Connection {
    node: Node,
    wire: Wire,
    survey: Survey,
}

/// What to ask, in one go.
pub(crate) struct Call<'a> {
    /// The commands, given what is known of the server.
    pub(crate) commands: &'a (dyn Fn(&Survey) -> Vec<Cmd> + Sync),
    /// The script some of them run, loaded if the server does not know it.
    pub(crate) script: Option<&'a Script>,
}

impl Call<'_> {
    async fn on(&self, connection: &Connection) -> RedisResult<Vec<RedisResult<Value>>> {
        let mut commands = Pipeline::new();
        for command in (self.commands)(&connection.survey) {
            commands.add_command(command);
        }
        let replies = connection.wire.send(&commands).await?;
        let unknown =
            |reply: &RedisResult<Value>| reply.as_ref().is_err_and(|error| error.code() == Some("NOSCRIPT"));
        match self.script {
            Some(script) if replies.iter().any(unknown) => {
                connection.wire.load(script).await?;
                connection.wire.send(&commands).await
            }
            _ => Ok(replies),
        }
    }
}

impl Link {
    /// A link that may take `connect` to connect.
    pub(crate) fn new(place: Arc<Place>, connect: Duration) -> Self {
        Self { place, connect, slot: Mutex::default(), generation: AtomicU64::new(0) }
    }

    /// Which connection this is on, by number: another number may be another server.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Asks one thing, and has the answer or an error `within` that time.
    pub(crate) async fn command<T: FromRedisValue>(
        &self,
        command: &Cmd,
        within: Duration,
    ) -> Result<T, Failure> {
        let commands = |_: &Survey| vec![command.clone()];
        self.last(Call { commands: &commands, script: None }, within).await
    }

    /// The answer to the last of several commands, none of which may be refused.
    pub(crate) async fn last<T: FromRedisValue>(
        &self,
        call: Call<'_>,
        within: Duration,
    ) -> Result<T, Failure> {
        let mut last = Value::Nil;
        for reply in self.call(call, within).await? {
            last = reply?;
        }
        T::from_redis_value(last).map_err(|error| Failure(format!("Redis: {error}")))
    }

    /// Asks, and has every answer or an error `within` that time.
    pub(crate) async fn call(
        &self,
        call: Call<'_>,
        within: Duration,
    ) -> Result<Vec<Result<Value, Failure>>, Failure> {
        let used = std::sync::Mutex::new(None);
        if let Ok(result) = tokio::time::timeout(within, self.attempt(&call, &used)).await {
            return result;
        }
        // A connection that is late is given up. Whoever holds the slot just now is connecting, and waiting for them
        // would be a second wait.
        let used = used.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let (Some(used), Ok(mut slot)) = (used, self.slot.try_lock()) {
            slot.forget(&used);
        }
        Err(Failure(format!("no reply within {} ms", within.as_millis())))
    }

    /// Asks on the connection there is or, if that turns out to be gone, on a new one; notes which in `used`.
    async fn attempt(&self, call: &Call<'_>, used: &Used) -> Result<Vec<Result<Value, Failure>>, Failure> {
        let note = |connection: &Arc<Connection>| {
            *used.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(connection));
        };
        let (connection, is_new) = self.connection().await?;
        note(&connection);
        let lost = match call.on(&connection).await {
            Ok(replies) => return Ok(self.sift(&connection, replies).await),
            Err(error) => error,
        };
        self.give_up(&connection).await;
        // The server may have been restarted since the last call. Writing twice is no harm: registers are joined.
        if is_new || !(lost.is_io_error() || lost.is_connection_dropped()) {
            return Err(Failure::from(&lost));
        }
        let (connection, _) = self.connection().await?;
        note(&connection);
        match call.on(&connection).await {
            Ok(replies) => Ok(self.sift(&connection, replies).await),
            Err(error) => {
                self.give_up(&connection).await;
                Err(Failure::from(&error))
            }
        }
    }

    /// A server that refuses may not be the primary any more: what it refused is told, and who is will be asked.
    async fn sift(
        &self,
        connection: &Arc<Connection>,
        replies: Vec<RedisResult<Value>>,
    ) -> Vec<Result<Value, Failure>> {
        if replies.iter().any(Result::is_err) {
            self.give_up(connection).await;
        }
        let told = |error: RedisError| Failure::from(&error);
        replies.into_iter().map(|reply| reply.map_err(told)).collect()
    }

    /// The connection, and whether it was made just now.
    async fn connection(&self) -> Result<(Arc<Connection>, bool), Failure> {
        let mut slot = self.slot.lock().await;
        if let Some(connection) = &slot.connection
            && !self.place.has_moved_from(&connection.node)
        {
            return Ok((Arc::clone(connection), false));
        }
        slot.connection = None;
        if let Some((at, failure)) = &slot.failed
            && clock::instant().duration_since(*at) < PAUSE
        {
            return Err(failure.clone());
        }
        let connected = tokio::time::timeout(self.connect, self.place.connect()).await;
        match connected.unwrap_or_else(|_| Err(Failure("Redis: no connection in time".into()))) {
            Ok((node, wire, survey)) => {
                let connection = Arc::new(Connection { node, wire, survey });
                *slot = Slot { connection: Some(Arc::clone(&connection)), failed: None };
                self.generation.fetch_add(1, Ordering::AcqRel);
                Ok((connection, true))
            }
            Err(failure) => {
                slot.failed = Some((clock::instant(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn give_up(&self, connection: &Arc<Connection>) {
        self.slot.lock().await.forget(connection);
    }
}

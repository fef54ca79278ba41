//! How is one connection made: to a server, a sentinel or a node, with TLS and a user where there are any?

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Pipeline, RedisConnectionInfo, RedisResult, Script, Value};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;

use super::Failure;
use super::address::Node;
use super::tls;
use crate::secret::Secret;

/// Who signs in, and to which database.
#[derive(Clone, Copy, Default)]
pub(super) struct Visitor<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) password: Option<&'a Secret>,
    pub(super) database: u16,
}

/// A connection, closed when dropped, whatever it still waits for.
pub(super) struct Wire {
    connection: MultiplexedConnection,
    _driver: Driver,
}

struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Wire {
    /// Connects and signs in. Whoever calls this sets the deadline.
    pub(super) async fn dial(
        node: &Node,
        tls: Option<&TlsConnector>,
        visitor: Visitor<'_>,
    ) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure(format!("Redis: {error}"));
        let stream = TcpStream::connect((node.host.as_str(), node.port)).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let Some(tls) = tls else { return Self::greet(stream, visitor).await };
        let name = ServerName::try_from(node.host.clone())
            .map_err(|_| Failure("Redis: the host's name cannot stand in a certificate".into()))?;
        let stream = tls.connect(name, stream).await.map_err(|error| tls::refused(&error))?;
        Self::greet(stream, visitor).await
    }

    async fn greet<S>(stream: S, visitor: Visitor<'_>) -> Result<Self, Failure>
    where
        S: Unpin + AsyncRead + AsyncWrite + Send + 'static,
    {
        let mut info =
            RedisConnectionInfo::default().set_db(i64::from(visitor.database)).set_skip_set_lib_name();
        if let Some(user) = visitor.user {
            info = info.set_username(user);
        }
        if let Some(password) = visitor.password {
            info = info.set_password(String::from_utf8_lossy(password.expose()));
        }
        // The reply's deadline is each call's own.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config)
            .await
            .map_err(|error| Failure::from(&error))?;
        let driver = Driver(tokio::spawn(driver).abort_handle());
        Ok(Self { connection, _driver: driver })
    }

    /// Sends all commands at once; each has its own reply, which may be the server's error.
    pub(super) async fn send(&self, commands: &Pipeline) -> RedisResult<Vec<RedisResult<Value>>> {
        let mut connection = self.connection.clone();
        let replies = connection.send_packed_commands(commands, 0, commands.len()).await?;
        Ok(replies.into_iter().map(Value::extract_error).collect())
    }

    /// Makes a script known to the server.
    pub(super) async fn load(&self, script: &Script) -> RedisResult<()> {
        script.load_async(&mut self.connection.clone()).await.map(drop)
    }
}

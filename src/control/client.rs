//! The command line's end of the socket: one question, one answer.

use std::io;
use std::path::Path;

use tokio::net::UnixStream;

use super::message::{Envelope, Listed, Problem, Reply, Request, Status, VERSION};
use super::{DEADLINE, line};
use crate::identity::Digest;
use crate::revocation::Revocation;

/// Why a running gateway did not do what was asked, or may not have done it.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The socket cannot be used.
    #[error("the running gateway cannot be reached: {0}")]
    Io(#[from] io::Error),
    /// It took longer than five seconds.
    #[error("the running gateway did not answer in time")]
    Late,
    /// The gateway's store did not take it.
    #[error("{0}")]
    Unavailable(String),
    /// The gateway does not understand us.
    #[error("{0}")]
    Refused(String),
    /// The gateway speaks another version of the protocol.
    #[error("{0}")]
    Version(String),
    /// The answer makes no sense.
    #[error("the running gateway's answer cannot be understood")]
    Garbled,
}

/// A connection to a running gateway, good for one question.
#[derive(Debug)]
pub struct Client(UnixStream);

impl Client {
    /// Connects to the gateway that listens on `path`; `None` when nobody does.
    pub async fn connect(path: &Path) -> Result<Option<Self>, ClientError> {
        use io::ErrorKind::{ConnectionRefused, NotFound};
        match tokio::time::timeout(DEADLINE, UnixStream::connect(path)).await {
            Ok(Ok(stream)) => Ok(Some(Self(stream))),
            Ok(Err(error)) if matches!(error.kind(), NotFound | ConnectionRefused) => Ok(None),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(ClientError::Late),
        }
    }

    /// Revokes; `Ok` means that the gateway's store took it.
    pub async fn revoke(self, revocation: Revocation) -> Result<(), ClientError> {
        self.order(Request::Revoke(revocation.into())).await
    }

    /// Takes a revocation back; `Ok` means that the gateway's store took it.
    pub async fn lift(self, revocation: Revocation) -> Result<(), ClientError> {
        self.order(Request::Lift(revocation.into())).await
    }

    /// The sessions of the user with this digest.
    pub async fn sessions(self, user: Digest) -> Result<Vec<Listed>, ClientError> {
        match self.ask(Request::Sessions { user: user.to_hex() }).await? {
            Reply::Sessions { sessions } => Ok(sessions),
            Reply::Status(_) | Reply::Done {} | Reply::Failed { .. } => Err(ClientError::Garbled),
        }
    }

    /// How the gateway is.
    pub async fn status(self) -> Result<Status, ClientError> {
        match self.ask(Request::Status {}).await? {
            Reply::Status(status) => Ok(status),
            Reply::Done {} | Reply::Sessions { .. } | Reply::Failed { .. } => Err(ClientError::Garbled),
        }
    }

    async fn order(self, request: Request) -> Result<(), ClientError> {
        match self.ask(request).await? {
            Reply::Done {} => Ok(()),
            Reply::Status(_) | Reply::Sessions { .. } | Reply::Failed { .. } => Err(ClientError::Garbled),
        }
    }

    async fn ask(mut self, request: Request) -> Result<Reply, ClientError> {
        let exchange = async {
            line::write(&mut self.0, &Envelope::of(request)).await?;
            line::read(&mut self.0).await
        };
        let answer = tokio::time::timeout(DEADLINE, exchange).await.map_err(|_| ClientError::Late)??;
        read_reply(&answer)
    }
}

fn read_reply(answer: &[u8]) -> Result<Reply, ClientError> {
    let Ok(Envelope { version, content }) = serde_json::from_slice::<Envelope<serde_json::Value>>(answer)
    else {
        return Err(ClientError::Garbled);
    };
    match serde_json::from_value(content) {
        Ok(Reply::Failed { problem: Problem::Unavailable(message) }) => {
            Err(ClientError::Unavailable(message))
        }
        Ok(Reply::Failed { problem: Problem::UnsupportedVersion(message) }) => {
            Err(ClientError::Version(message))
        }
        Ok(Reply::Failed { problem: problem @ Problem::BadRequest(_) }) => {
            Err(ClientError::Refused(problem.to_string()))
        }
        _ if version != VERSION => Err(ClientError::Version(format!(
            "the running gateway speaks version {version} of the control protocol, this command {VERSION}"
        ))),
        Ok(reply) => Ok(reply),
        Err(_) => Err(ClientError::Garbled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        let is = |text: &str| read_reply(text.as_bytes());
        assert!(matches!(is(r#"{"version":1,"reply":"done"}"#), Ok(Reply::Done {})));
        assert!(matches!(is(r#"{"version":2,"reply":"done"}"#), Err(ClientError::Version(_))));
        assert!(matches!(
            is(r#"{"version":2,"reply":"failed","error":"unsupported_version","message":"no"}"#),
            Err(ClientError::Version(_))
        ));
        assert!(matches!(
            is(r#"{"version":1,"reply":"failed","error":"unavailable","message":"no"}"#),
            Err(ClientError::Unavailable(_))
        ));
        for garbled in ["", "{}", "true", r#"{"version":1,"reply":"perhaps"}"#] {
            assert!(matches!(is(garbled), Err(ClientError::Garbled)), "{garbled}");
        }
    }
}

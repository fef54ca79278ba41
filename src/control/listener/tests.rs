//! The socket over the wire, with the store's part played by a closure.

use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;

use super::*;
use crate::clock::UnixTime;
use crate::control::{Client, ClientError};
use crate::identity::Digest;
use crate::revocation::Revocation;

fn an_order() -> Revocation {
    let digest = Digest::from_bytes([7; 16]);
    Revocation { scope: Scope::Login, digest, expires: UnixTime::from_secs(99) }
}

/// A served socket in a folder of its own.
struct Served {
    path: PathBuf,
    heard: Arc<Mutex<Vec<Request>>>,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

async fn served(reply: fn() -> Reply) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control");
    let listener = bind(&path).await.unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (stop, stopped) = oneshot::channel::<()>();
    let list = Arc::clone(&heard);
    let answer = move |request| {
        list.lock().unwrap().push(request);
        std::future::ready(reply())
    };
    let done = tokio::spawn(listener.answer_with(answer, async move {
        let _ = stopped.await;
    }));
    Served { path, heard, stop, done, _folder: folder }
}

async fn client(path: &Path) -> Client {
    Client::connect(path).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_order_arrives_as_given() {
    let served = served(|| Reply::Done {}).await;
    client(&served.path).await.revoke(an_order()).await.unwrap();
    client(&served.path).await.lift(an_order()).await.unwrap();
    let heard = served.heard.lock().unwrap().clone();
    assert_eq!(heard, [Request::Revoke(an_order().into()), Request::Lift(an_order().into())]);
    // An answer to another question is no answer.
    assert!(matches!(client(&served.path).await.status().await, Err(ClientError::Garbled)));
}

#[tokio::test]
async fn what_the_store_did_not_take_is_an_error() {
    let served = served(|| Reply::Failed { problem: Problem::Unavailable("the disk is full".into()) }).await;
    let error = client(&served.path).await.revoke(an_order()).await.unwrap_err();
    assert!(matches!(&error, ClientError::Unavailable(text) if text == "the disk is full"), "{error}");
}

#[tokio::test]
async fn the_socket_is_its_owners_and_goes_with_the_gateway() {
    let served = served(|| Reply::Done {}).await;
    let mode = fs::metadata(&served.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    served.stop.send(()).unwrap();
    served.done.await.unwrap();
    assert!(!served.path.exists());
    assert!(Client::connect(&served.path).await.unwrap().is_none());
}

#[tokio::test]
async fn a_live_socket_is_not_taken_and_a_dead_one_is_replaced() {
    let served = served(|| Reply::Done {}).await;
    assert_eq!(bind(&served.path).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    client(&served.path).await.revoke(an_order()).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let dead = folder.path().join("dead");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    assert!(dead.exists());
    assert!(Client::connect(&dead).await.unwrap().is_none());
    let listener = bind(&dead).await.unwrap();
    drop(listener);
    assert!(!dead.exists());
}

#[tokio::test]
async fn a_file_in_the_way_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "mine").unwrap();
    assert_eq!(bind(&path).await.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[tokio::test]
async fn a_successors_socket_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control");
    let first = bind(&path).await.unwrap();
    // Moved, not removed: its inode must not be given to the successor.
    fs::rename(&path, folder.path().join("moved")).unwrap();
    let second = bind(&path).await.unwrap();
    drop(first);
    assert!(path.exists());
    drop(second);
    assert!(!path.exists());
}

#[tokio::test]
async fn nonsense_is_answered_and_hurts_nobody() {
    let served = served(|| Reply::Done {}).await;
    let mut endless = vec![b'x'; usize::try_from(line::MOST).unwrap()];
    endless.push(b'\n');
    for sent in [&b"\n"[..], b"{\"op\":\"reboot\"}\n", b"\xff\xfe\n", &endless] {
        let mut stream = UnixStream::connect(&served.path).await.unwrap();
        // The listener may have heard enough and closed before all of it is written.
        let _ = stream.write_all(sent).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("bad_request"), "{answer}");
    }
    let mut newer = UnixStream::connect(&served.path).await.unwrap();
    newer.write_all(b"{\"version\":9,\"op\":\"status\"}\n").await.unwrap();
    let mut answer = String::new();
    newer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("unsupported_version") && answer.contains("not 9"), "{answer}");
    assert!(served.heard.lock().unwrap().is_empty());
    client(&served.path).await.revoke(an_order()).await.unwrap();
}

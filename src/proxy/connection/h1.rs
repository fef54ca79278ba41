//! HTTP/1.1 on one connection: read and vet a head ourselves, give it to Pingora whole, again until either side ends.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use pingora::apps::HttpServerApp as _;
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use tokio::io::AsyncWriteExt as _;

use super::head::{self, Reader, Refused};
use super::seat::seated;
use super::{Connection, House};

/// Serves the connection to its end.
pub(super) async fn serve(mut stream: Stream, connection: Arc<Connection>, house: Arc<House>) {
    let mut reader = Reader::new(&house.limits);
    let mut left = house.limits.requests_per_connection;
    loop {
        let (head, chunks) = match reader.read(&mut stream, &connection, &house.registry).await {
            Ok(found) => found,
            Err(head::End::Closed) => return,
            Err(head::End::Refused(refused)) => {
                return turn_away(stream, &refused, &connection, &house).await;
            }
        };
        connection.follow(chunks);
        left -= 1;
        let Some(next) = exchange(stream, head, left, &connection, &house).await else { return };
        stream = next;
    }
}

/// One exchange; the stream comes back if another may follow.
async fn exchange(
    stream: Stream,
    head: BytesMut,
    left: u32,
    connection: &Arc<Connection>,
    house: &House,
) -> Option<Stream> {
    let mut session = ServerSession::new_http1(stream);
    let reusable = left > 0 && !house.registry.is_draining();
    session.set_keepalive(reusable.then_some(house.limits.idle_time.as_secs().max(1)));
    session.set_keepalive_reuses_remaining(Some(left));
    if let ServerSession::H1(session) = &mut session {
        // The whole head is here already: Pingora parses it without reading.
        session.set_pipelined_prefix(head);
    }
    let served = house.proxy.process_new_http(session, &house.shutdown);
    connection.meter.reset();
    let meter = Arc::clone(&connection.meter);
    let (stream, _) = seated(&house.registry, connection, meter, served).await??.consume();
    Some(stream)
}

/// Answers a head that never became a request, and closes.
async fn turn_away(mut stream: Stream, refused: &Refused, connection: &Arc<Connection>, house: &House) {
    let answer: Bytes = (house.refuse)(refused, connection);
    let told = async {
        stream.write_all(&answer).await?;
        stream.flush().await
    };
    // Dropping the stream hears the client out; one that is gone, or takes nothing, cannot be told anything.
    let _ = tokio::time::timeout(house.limits.head_time, told).await;
}

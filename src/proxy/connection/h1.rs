//! HTTP/1.1 on one connection: read and vet a head ourselves, send it straight on or give it to Pingora whole, again
//! until either side ends.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use pingora::apps::HttpServerApp as _;
use pingora::protocols::http::ServerSession;
use tokio::io::AsyncWriteExt as _;

use super::super::direct::Went;
use super::head::{self, Reader, Refused};
use super::seat::seated;
use super::wire::Wire;
use super::{Connection, House};

/// Serves the connection to its end.
pub(super) async fn serve(mut wire: Box<Wire>, connection: Arc<Connection>, house: Arc<House>) {
    let mut reader = Reader::new(&house.limits);
    let mut left = house.limits.requests_per_connection;
    loop {
        let chunks = match reader.read(&mut wire, &connection, &house.registry).await {
            Ok(chunks) => chunks,
            Err(head::End::Closed) => return,
            Err(head::End::Refused(refused)) => {
                return Box::pin(turn_away(&mut wire, &refused, &connection, &house)).await;
            }
        };
        left -= 1;
        let reusable = left > 0 && !house.registry.is_draining();
        match house.direct.serve(&mut reader, &mut wire, &connection, &house.registry, reusable).await {
            Went::Through => {}
            Went::ToItsEnd => return,
            Went::Nowhere => {
                connection.follow(chunks);
                let head = std::mem::take(&mut reader.buffer);
                // Boxed: every idle connection would carry the room for it.
                let next = Box::pin(exchange(wire, head, left, &connection, &house)).await;
                connection.follow(None);
                let Some(next) = next else { return };
                wire = next;
            }
        }
    }
}

/// One exchange by way of the engine; the wire comes back if another may follow.
async fn exchange(
    wire: Box<Wire>,
    head: BytesMut,
    left: u32,
    connection: &Arc<Connection>,
    house: &House,
) -> Option<Box<Wire>> {
    let mut session = ServerSession::new_http1(wire);
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
    // It gives back what it was given.
    stream.into_any().downcast().ok()
}

/// Answers a head that never became a request, and closes.
async fn turn_away(wire: &mut Wire, refused: &Refused, connection: &Arc<Connection>, house: &House) {
    let answer: Bytes = (house.refuse)(refused, connection);
    let told = async {
        wire.write_all(&answer).await?;
        wire.flush().await
    };
    // Dropping the wire hears the client out; one that is gone, or takes nothing, cannot be told anything.
    let _ = tokio::time::timeout(house.limits.head_time, told).await;
}

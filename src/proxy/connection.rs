//! The connection is ours: accepted, counted, given deadlines and ended here. Pingora gets one whole request head
//! at a time, of those that do not go straight on.
//!
//! * outer: [`Door`] accepts, caps connections, and bounds the TLS handshake and the h2 preface;
//! * inner: each exchange runs in a [`Seat`], whose future can be cancelled and whose end is accounted for by the
//!   exchange's own `Drop`.
//!
//! Between the two, [`head`] reads and vets every HTTP/1.1 request head itself: Pingora has no total deadline for
//! one, repairs what it should refuse, and lets an idle connection live for ever.

mod alarm;
mod chunks;
mod door;
mod frames;
#[cfg(fuzzing)]
mod fuzz;
mod h1;
mod h2;
mod head;
mod open;
mod pace;
mod ration;
mod registry;
mod seat;
mod socket;
mod tls;
mod wire;

pub(super) use chunks::Chunks;
pub(crate) use door::{Bound, Door};
#[cfg(fuzzing)]
pub use fuzz::{VettedHead, follow_chunks, vet_head};
pub(super) use head::Reader;
pub(crate) use head::{MOST_FIELDS, Refused};
pub(crate) use open::{Connection, Moment};
pub(crate) use pace::piece_time;
pub(crate) use registry::Registry;
pub(super) use registry::Taken;
pub(crate) use seat::{Seat, current_seat};
pub(crate) use tls::{TlsError, tls_config};
pub(super) use wire::Wire;

use std::sync::Arc;

use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;

use super::Limits;
use super::direct::Direct;
use super::hooks::Hooks;

/// What every connection needs to know.
pub(crate) struct House {
    pub(crate) proxy: Arc<HttpProxy<Hooks>>,
    pub(crate) direct: Direct,
    pub(crate) registry: Arc<Registry>,
    pub(crate) limits: Limits,
    pub(crate) shutdown: ShutdownWatch,
    /// Writes the answer to a head that never became a request, and the log line about it.
    pub(crate) refuse: Refuse,
}

/// Makes the answer to a refused head: bytes for the wire.
pub(crate) type Refuse = Box<dyn Fn(&Refused, &Arc<Connection>) -> bytes::Bytes + Send + Sync>;

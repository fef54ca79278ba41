//! Gatepass: a reverse proxy that signs people in. This page is the tour; the README says how to use it.
//!
//! It runs the login endpoint, checks the bearer token of every other request, refuses tokens that were revoked, and
//! forwards what is left with the user's identity in a header. The backend knows nothing of passwords or tokens.
//! Everything it decides has one of a closed list of words, the same in the answer, the access log, the metrics and
//! `gatepass explain`.
//!
//! # Words
//!
//! | word | means |
//! |---|---|
//! | `Connection` | a client's connection, from accept to close, with its place among the counted ones (`proxy/connection/registry.rs`) |
//! | `Exchange` | one request and its answer; only moves forward, and its end is counted and logged once, however it ends (`proxy/exchange.rs`) |
//! | `Lasting` | an answer that may be silent for long: a WebSocket, an event stream (`proxy/lasting.rs`) |
//! | `Seat` | an exchange's place on its connection: who is at the other end, and the handle by which the exchange can be ended (`proxy/connection/seat.rs`) |
//! | `Meter` | what an exchange notes of its own pace, for the watchdog to look at (`proxy/connection/pace.rs`) |
//! | `Ration` | what an h2 client may send that asks for nothing (`proxy/connection/ration.rs`) |
//! | [`Target`](route::Target) | the canonical path: the bytes that are decided upon are the bytes the upstream gets |
//! | [`Route`](route::Route) | one rule of the file: which paths and methods, what they need, where they go |
//! | [`Verified`](token::Verified) | what a good token says; only [`token::Verifier::verify`] makes one |
//! | [`Trusted`](token::Trusted) | an issuer whose tokens are believed beside our own, and how far: an application that is being migrated |
//! | [`Permit`](access::Permit) | leave to go upstream; only [`access::Gate::admit`] makes one. No permit, no upstream |
//! | [`Reason`](access::Reason) | the word for an outcome; the first failing step names it |
//! | [`Denial`](access::Denial) | a no: its reason, and who asked if that much was established |
//! | [`Login`](login) | one sign-in and all tokens that come of it: `sid` in the token, [`LoginId`](identity::LoginId) in the code |
//! | [`Revocation`](revocation::Revocation) | an order to refuse a token, a login, a user or a key from now on |
//! | `Register` | what is known of one revoked thing: digest, version, revoked or lifted, until when; the later version counts (`revocation/register.rs`) |
//! | `Incarnation` | the random name a log of revocations gets when it comes into being: another name is another log (`revocation/log.rs`) |
//! | `Replica` | where a gateway stands towards the log: how far it has read, what that proves, and what to ask next (`revocation/replica.rs`) |
//! | `Journal` | what a gateway has read of a log it shares, on its own disk, for its next start (`revocation/journal.rs`) |
//! | [`UserStore`](users::UserStore) | where users are kept: a table of ours, or one of another application's that [`Fields`](users::Fields) describes |
//! | [`Scheme`](password::Scheme) | how a stored password was hashed, by whichever library |
//! | [`Accounts`](accounts::Accounts) | what is known of the users whose tokens are in use: still there, not disabled, the same password |
//! | [`Session`](sessions::Session) | a login as people look at it: since when, last seen, from where |
//! | [`Attempt`](throttle::Attempt) | somebody trying to sign in as an account from a source, all three as digests |
//! | [`Reservation`](throttle::Reservation) | an attempt counted as a failure until the password turns out to be right |
//! | [`Standing`](revocation::Standing) | how a token stands: clear, revoked, or the set is too old to say |
//! | [`Upstreams`](upstream::Upstreams) | the servers behind each name, which are alive, and whose turn it is |
//!
//! # One request
//!
//! 1. **Accept.** `proxy/connection/door.rs` takes the connection, counts it against the caps, and shakes hands (TLS,
//!    h2 by ALPN) before a deadline.
//! 2. **Head.** Over HTTP/1.1, `proxy/connection/head.rs` reads the whole head in time, and its `vet` refuses what two
//!    readers may read in two ways. What is refused here never reaches Pingora; a body of chunks is followed by
//!    `chunks.rs`, for the same reason.
//! 3. **Seat, and which way.** The exchange takes a `Seat`: it can be cancelled, and is waited for at the end. A request
//!    that is here whole and asks for nothing unusual goes the straight way, `proxy/direct.rs`; every other goes to
//!    Pingora, which calls back through `proxy/hooks.rs`. Both ask the same rooms in the same order.
//! 4. **Decide.** `proxy/decide.rs`, without waiting for anything: [`route::Target`] parses the path, [`route::Host`]
//!    the host; then preflight? an endpoint of ours? [`route::RouteTable::find`]; and [`access::Gate::admit`], which
//!    goes credential ([`access::Credential`]) → token ([`token::Verifier`], remembered while it is good) → revoked?
//!    ([`revocation::Revocations::standing`], a look into memory) → the user still as they signed in?
//!    ([`accounts::Accounts::standing`], another) → scopes. The outcome is a permit or a denial; or, of a user seen for the
//!    first time, a permit that is not settled: [`access::Gate::look_again`] waits for the store.
//! 5. **Refuse**, if denied: [`answer::refusal`] words it for the client; [`answer::status`] is the one table from
//!    reason to status.
//! 6. **Forward**, if permitted: [`upstream::Pool`] chooses a server; `proxy/forward.rs` takes the permit, removes
//!    every header a client must not set in all its spellings, and sets the identity. On the straight way `direct/ask.rs`
//!    sends it and waits for the head of the answer, and `direct/relay.rs` brings the body back.
//! 7. **Account.** When the exchange ends (also by being dropped), [`observe::Metrics`] counts it under its route's
//!    name and [`observe::AccessLog`] takes one line.
//!
//! # One stream
//!
//! A WebSocket, an event stream, a long download or upload is one request, and is decided once. So its `Seat` keeps the
//! token it was let in with, and `proxy/watchdog.rs` looks at all seats that are taken: when the set of revocations has
//! changed, when a token expires, and once a second. Those it objects to it ends: over HTTP/1.1 with the connection, over
//! h2 with the stream. A WebSocket is told so in a close frame if it stands between two frames
//! (`proxy/connection/frames.rs`).
//!
//! # One login
//!
//! 1. `POST /token` is decided like any request; its path is one of ours, so `proxy/ask.rs` reads the body, at most
//!    [`endpoint::Endpoints::BODY_LIMIT`] bytes, and calls [`endpoint::Endpoints::answer`].
//! 2. `endpoint/token.rs` reads the form in exactly one way (RFC 6749 §4.3) and calls
//!    [`login::Logins::sign_in`].
//! 3. It takes a place in the bounded queue of [`password::Hasher`], or is told so at once; then [`throttle::Throttle`]
//!    counts it as failed, before anything is known of it, or says how long to wait.
//! 4. The user is looked up in [`users::UserStore`] and the password is hashed, on a few threads of low priority. No such
//!    user, a wrong password and a disabled user take the same time and say the same thing. If it was right, the failure
//!    is taken back.
//! 5. [`revocation::Revocations::login_version`] draws the next number of the revocation log; then the user is read
//!    once more. So a change before the draw is seen, and a revocation after it has a greater number. If the hash is an
//!    outdated one, another is made and stored in its place once somebody has time for it (`login/rehash.rs`).
//! 6. [`token::Issuer`] signs; the token says which password it was given for ([`token::PasswordVersion`]). The answer is JSON
//!    that nobody may store.
//!
//! Signing out writes a register for the login to the log, and answers when the log has taken it. Every gateway follows
//! the log (`revocation/follower.rs`) and refuses the token from its next request on.
//!
//! # Floors
//!
//! A room is a module of this crate. It imports only from rooms below it; where rooms of a floor need each other, the
//! floor has steps. `tests/it/architecture.rs` reads this table and holds the code to it, and fences the large
//! libraries in: Pingora in `proxy`, `upstream` and `server`; `jsonwebtoken` in `token`; SQLite, PostgreSQL, MongoDB and
//! Redis in the vaults; axum in `endpoint`, `admin` and `demo`; Prometheus in `observe`.
//!
//! ```text
//! street     lib main
//! office     cli
//!            demo
//!            server
//!            control
//!            config
//! door       proxy
//!            endpoint admin
//!            answer observe upstream
//! rules      access
//!            route login
//! vaults     accounts sessions throttle
//!            users revocation
//!            sqlite redis_link
//! workshop   token password
//! ground     identity
//!            clock secret
//! ```
//!
//! Workshop, `route` and `access` never wait. Time is an argument ([`clock::Clock`]), and so are settings: each room has
//! its own `Settings`, `config` fills them, and only the office knows `config`. A trait exists where there are two
//! implementations. An `expect` names the invariant it rests on; nothing a client sends can reach one.
//!
//! # Decisions
//!
//! * **Our own accept loop and head reader, around Pingora's proxy.** Pingora's server has no deadline for a whole head,
//!   repairs what should be refused (a space in the target, a length beside chunks), lets idle connections live, and
//!   cannot say on which free port it listens. Here an address that is taken fails the start, connections are capped, and a
//!   shutdown ends as soon as nothing is in flight.
//! * **Ordinary requests go past the engine.** Pingora carries a request as two tasks with channels between them, copies
//!   heads into maps that keep two spellings of every name, and watches each idle connection with a task of its own: 80,000
//!   instructions before anything of ours. Most requests need none of it: HTTP/1.1 on both sides, the body in the same
//!   packet as the head or none, an answer to pass on. They are a fifth of the code and take a third of the work. No
//!   small patch of Pingora would have done; what is decided, counted, logged and refused is shared, and every test
//!   of the one way is one of the other. Bodies that stream in, HTTP/2, TLS to servers, `WebSocket`s, event streams and our
//!   endpoints still go through Pingora, which does them well.
//! * **The target is canonical or refused.** Paths that a backend could read differently (`//`, dot segments, `%2f`,
//!   `%65`, `;`) are 400. Normalising them would decide upon one path and forward another.
//! * **The most specific pattern decides, then the method.** A path that a route names with other methods is 405; it
//!   does not fall through to a wider route. Otherwise a forgotten method would slip past a scope.
//! * **A tree of segments, not `matchit`.** Its catch-all does not stand for zero segments, and it compares bytes,
//!   where `a@b` and `a%40b` have to be one literal. Look-up costs one hash per segment, whatever the number of routes.
//! * **A user's revocation has a version, not a time.** Comparing `iat` goes wrong within a second, between clocks, and
//!   for logins under way. Each login draws a number of the log's own sequence, and revoking a user draws a greater one.
//!   Only tokens without a number (minted by hand) are compared by `iat`.
//! * **Revocations are registers that are joined, never replaced.** Any order, repetition or loss of messages comes to
//!   the same set; a log that was emptied or cut short is noticed by its incarnation and marks, and given back what it
//!   lost by the gateways that remember.
//! * **The rules of following are a state machine without a socket.** The same code runs in the gateway and in the model
//!   checker, which tries every order of writes, crashes, losses and partitions within bounds.
//! * **A log that has just begun proves nothing.** Its incarnation, its server and whatever is given back to it have to be
//!   two seconds old before a set is called fresh: others may know what it lacks.
//! * **Streams are ended from outside.** One task looks at everything in flight when the set has changed or a token
//!   expires; no stream has a timer of its own, and a request pays one reference for it.
//! * **A client has a rate, not a time.** A body may be as long as its limit, so a total time would be too long for some or
//!   too short for others. While we wait for a client it falls behind by the clock and catches up by the byte; the
//!   task that looks at streams looks at that too.
//! * **A token says which password it was given for.** Somebody else's application changes passwords behind our back, also
//!   while no gateway runs. A keyed digest of the stored hash in the token lets any gateway tell, from the hash that is stored
//!   now; and where a hash is replaced and the password stays, gateways tell each other.
//! * **Users are asked about in batches.** Those in use twice within `account_check`, those who are new all with one
//!   question at a time: what the user store has to bear does not grow with the requests.
//! * **Users stay where they are.** A store of another application's is read as it is and by default never written; what
//!   another hand wrote is looked at before it is believed, and a record that is no user's keeps nobody else out.
//! * **A store that is down is 503, never 401.** Clients must not throw good tokens away.
//! * **A sign-in is a failure until it is none.** Counting afterwards would let as many guesses through as can be under way
//!   at once. Counters drain steadily: one that only forgot after a quiet hour would never forget a busy office.
//! * **The work of a password check is counted, not timed.** With several schemes in one store, every check does the work
//!   of the dearest hash of each (`password/work.rs`). Waiting until a time is over would show what else the machine does,
//!   and would have to be learnt from a moment that may have been a bad one.
//! * **`rusqlite`, not `sqlx`.** The log and the users need a file and a few prepared statements; `sqlx` adds minutes to
//!   a cold build on two cores, and two bindings to SQLite cannot share a build. Calls go to threads that may block.
//! * **A cookie counts only where nothing else speaks.** A browser adds it to every request, whoever had that sent. So
//!   an `Authorization` of any kind comes before it, good or bad, and what may change something, or opens a WebSocket,
//!   needs the browser's word that a page of this origin asks. Counting both as one credential too many would refuse every
//!   page that signs in by itself beside the sign-in page.
//! * **axum, called in process.** Our endpoints are one router that never sees a socket: the same doors, deadlines,
//!   log and metrics as for every request. Aliases are exact paths, resolved before the router.
//! * **The access log is written in batches.** A request appends to a buffer; one thread writes it. A reader that does
//!   not keep up costs lines, which are counted, never requests.
pub mod clock;
pub mod identity;
pub mod secret;

pub mod password;
pub mod token;

pub mod accounts;
mod redis_link;
pub mod revocation;
pub mod sessions;
mod sqlite;
pub mod throttle;
pub mod users;

pub mod access;
pub mod login;
pub mod route;

pub mod admin;
pub mod answer;
pub mod endpoint;
pub mod observe;
pub mod proxy;
pub mod upstream;

pub mod cli;
pub mod config;
pub mod control;
pub mod demo;
pub mod server;

/// What the fuzz targets reach (`fuzz/`), and no other build: rooms behind rooms.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz {
    pub use crate::config::load_text;
    pub use crate::endpoint::read_form;
    pub use crate::password::ReadHash;
    pub use crate::proxy::{VettedHead, follow_chunks, vet_head};
    pub use crate::redis_link::read_redis_address;
    pub use crate::revocation::read_journal;
}

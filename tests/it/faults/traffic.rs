//! Who comes to the gateways all the while?
//!
//! At each gateway three people: one who enters with good tokens and with ended ones and looks at the public route, one
//! who ends tokens, one who signs in. Each waits for an answer before asking again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::fleet::{Addresses, GATEWAYS, LOGIN, PASSWORD};
use super::history::{Act, Event, Gateway, History, Moment, Token};
use crate::world::raw::{Answer, Raw};
use crate::world::tokens::Mint;

/// Between an answer and the next question of one who enters.
const ENTERS: Duration = Duration::from_millis(15);
/// The same for one who ends tokens, and one who signs in (which costs a password's hash).
const ENDS: Duration = Duration::from_millis(120);
const SIGNS_IN: Duration = Duration::from_millis(900);
/// How long all gateways may take to tell what they remember.
const DEADLINE: Duration = Duration::from_secs(15);
/// How many good tokens go round.
const GOOD: usize = 12;
/// The tokens ended last are tried most.
const FRESH: usize = 6;

/// Everybody, and what they know.
pub(super) struct Traffic {
    shared: Arc<Shared>,
    people: JoinSet<()>,
}

pub(super) struct Shared {
    pub(super) history: History,
    addresses: Addresses,
    mint: Mint,
    tokens: Mutex<Tokens>,
    /// At which gateways nobody ends tokens just now.
    rests: [AtomicBool; GATEWAYS],
    goes_home: AtomicBool,
    dice: AtomicUsize,
}

#[derive(Default)]
struct Tokens {
    texts: Vec<Arc<str>>,
    /// In use, to be ended from the front.
    good: VecDeque<Token>,
    /// Whose end was acknowledged.
    ended: Vec<Token>,
}

impl Tokens {
    fn add(&mut self, text: &str) -> Token {
        self.texts.push(text.into());
        self.texts.len() - 1
    }
}

impl Traffic {
    pub(super) fn begin(addresses: Addresses, mint: Mint) -> Self {
        let mut tokens = Tokens::default();
        for _ in 0..GOOD {
            let token = tokens.add(&mint.token("somebody", "event:read"));
            tokens.good.push_back(token);
        }
        let shared = Arc::new(Shared {
            history: History::begin(),
            addresses,
            mint,
            tokens: Mutex::new(tokens),
            rests: Default::default(),
            goes_home: AtomicBool::new(false),
            dice: AtomicUsize::new(0),
        });
        let mut people = JoinSet::new();
        for gateway in 0..GATEWAYS {
            people.spawn(Arc::clone(&shared).enters(gateway));
            people.spawn(Arc::clone(&shared).ends(gateway));
            people.spawn(Arc::clone(&shared).signs_in(gateway));
        }
        Self { shared, people }
    }

    pub(super) fn history(&self) -> &History {
        &self.shared.history
    }

    /// Nobody ends tokens at this gateway from now on.
    pub(super) fn rests(&self, gateway: Gateway) {
        self.shared.rests[gateway].store(true, Ordering::SeqCst);
    }

    /// Everybody finishes what they are at, and goes. Then every ended token is tried at every gateway once more.
    pub(super) async fn end(mut self) -> Arc<Shared> {
        self.shared.goes_home.store(true, Ordering::SeqCst);
        while let Some(gone) = self.people.join_next().await {
            gone.unwrap();
        }
        let ended = self.shared.tokens.lock().unwrap().ended.clone();
        for gateway in 0..GATEWAYS {
            let (shared, ended) = (Arc::clone(&self.shared), ended.clone());
            self.people.spawn(async move {
                let deadline = shared.history.now() + DEADLINE;
                for token in ended {
                    shared.remembers(gateway, token, deadline).await;
                }
            });
        }
        while let Some(gone) = self.people.join_next().await {
            gone.unwrap();
        }
        Arc::clone(&self.shared)
    }
}

impl Shared {
    async fn enters(self: Arc<Self>, gateway: Gateway) {
        for turn in 0_usize.. {
            if self.goes_home.load(Ordering::SeqCst) {
                return;
            }
            match self.choose(turn) {
                Some(token) => self.enter(gateway, token, Act::Enter(token)).await,
                None => self.ask(gateway, Act::Look, "GET /public/x", "", "").await,
            };
            tokio::time::sleep(ENTERS).await;
        }
    }

    /// A good token, one of those ended last, any ended one, or none.
    fn choose(&self, turn: usize) -> Option<Token> {
        let dice = self.dice.fetch_add(7919, Ordering::Relaxed) >> 2;
        let tokens = self.tokens.lock().unwrap();
        let good = tokens.good.get(dice % tokens.good.len().max(1)).copied();
        let ended = tokens.ended.len();
        match turn % 4 {
            1 if ended > 0 => Some(tokens.ended[ended - 1 - dice % ended.min(FRESH)]),
            2 if ended > 0 => Some(tokens.ended[dice % ended]),
            3 => None,
            _ => good,
        }
    }

    async fn ends(self: Arc<Self>, gateway: Gateway) {
        while !self.goes_home.load(Ordering::SeqCst) {
            if !self.rests[gateway].load(Ordering::SeqCst) {
                self.end_one(gateway).await;
            }
            tokio::time::sleep(ENDS).await;
        }
    }

    async fn end_one(&self, gateway: Gateway) {
        let (token, text) = {
            let mut tokens = self.tokens.lock().unwrap();
            // Those who signed in came later than the first, and replace them.
            while tokens.good.len() < GOOD {
                let new = tokens.add(&self.mint.token("somebody", "event:read"));
                tokens.good.push_back(new);
            }
            let token = tokens.good.pop_front().expect("a dozen");
            (token, Arc::clone(&tokens.texts[token]))
        };
        let answer = if token % 2 == 0 {
            self.ask(gateway, Act::End(token), "POST /auth/revoke", "", &format!("token={text}")).await
        } else {
            self.ask(gateway, Act::End(token), "POST /auth/logout", &text, "").await
        };
        if answer.is_some_and(|answer| matches!(answer.status, 200 | 204)) {
            self.tokens.lock().unwrap().ended.push(token);
        }
    }

    async fn signs_in(self: Arc<Self>, gateway: Gateway) {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("username", LOGIN)
            .append_pair("password", PASSWORD)
            .finish();
        while !self.goes_home.load(Ordering::SeqCst) {
            let answer = self.ask(gateway, Act::SignIn, "POST /token", "", &form).await;
            let json = answer.map(|answer| answer.json()).unwrap_or_default();
            if let Some(text) = json["access_token"].as_str() {
                let mut tokens = self.tokens.lock().unwrap();
                let token = tokens.add(text);
                tokens.good.push_back(token);
            }
            tokio::time::sleep(SIGNS_IN).await;
        }
    }

    async fn enter(&self, gateway: Gateway, token: Token, act: Act) -> Option<Answer> {
        let text = Arc::clone(&self.tokens.lock().unwrap().texts[token]);
        self.ask(gateway, act, "GET /api/me", &text, "").await
    }

    /// Asks whether an ended token is known, again if a busy machine has just made the gateway unsure.
    async fn remembers(&self, gateway: Gateway, token: Token, deadline: Moment) {
        loop {
            let answer = self.enter(gateway, token, Act::Remember(token)).await;
            if answer.is_none_or(|answer| answer.status != 503) || self.history.now() > deadline {
                return;
            }
            tokio::time::sleep(ENTERS).await;
        }
    }

    /// Asks on a new connection, and notes what came of it.
    async fn ask(&self, gateway: Gateway, act: Act, line: &str, bearer: &str, form: &str) -> Option<Answer> {
        let bearer =
            if bearer.is_empty() { String::new() } else { format!("Authorization: Bearer {bearer}\r\n") };
        let body = if line.starts_with("POST") {
            let kind = "Content-Type: application/x-www-form-urlencoded";
            format!("{kind}\r\nContent-Length: {}\r\n\r\n{form}", form.len())
        } else {
            "\r\n".to_owned()
        };
        let request = format!("{line} HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n{bearer}{body}");
        let sent = self.history.now();
        let address = self.addresses.lock().unwrap()[gateway];
        let answer = match TcpStream::connect(address).await {
            Ok(stream) => Raw::over(stream).ask(request).await,
            Err(_) => None,
        };
        let status = answer.as_ref().map(|answer| answer.status);
        self.history.note(Event { gateway, act, sent, answered: self.history.now(), status });
        answer
    }
}

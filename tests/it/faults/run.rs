//! How does one fault run, from its calm to its row in the report?

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gatepass::clock::instant;

use super::fleet::{Fleet, GATEWAYS, Holding};
use super::history::{Act, Excuse, Felt, Gateway, Moment, Terms};
use super::traffic::Traffic;
use super::verdict::{Verdict, judge};
use super::yardstick::Yardstick;
use crate::world::chaos::Manner;
use crate::world::redis::Redis;

/// The gateway that is killed while the fault goes on.
pub(super) const VICTIM: Gateway = 3;
/// How old knowledge may be.
pub(super) const MAX_STALENESS: Duration = Duration::from_secs(1);
/// How long an answer may take: a write gives up after 0.9 s.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How long everything may take to be as before.
pub(super) const RECOVERY: Duration = Duration::from_secs(5);
/// How long a fault goes on: well past the bound.
const LASTS: Duration = Duration::from_millis(2500);
/// For how long all must be well at the end.
const CALM: Duration = Duration::from_millis(1200);
/// How long anything else is waited for.
const DEADLINE: Duration = Duration::from_secs(30);

/// A fault under way.
pub(super) struct Run {
    name: &'static str,
    recovery: Duration,
    pub(super) redis: Redis,
    pub(super) fleet: Fleet,
    pub(super) traffic: Traffic,
    before: Vec<Holding>,
    fault: Range<Moment>,
    dead: Vec<(Gateway, Range<Moment>)>,
    excuses: Vec<Excuse>,
    yardstick: Yardstick,
}

impl Run {
    /// Everything is up, and all is well.
    pub(super) async fn begin(name: &'static str) -> Self {
        Self::begin_with(name, 0).await
    }

    /// The same with so many revocations in the log.
    pub(super) async fn begin_with(name: &'static str, revocations: usize) -> Self {
        let redis = Redis::start();
        redis.preload(revocations);
        let (fleet, mint) = Fleet::start(redis.port(), MAX_STALENESS).await;
        let traffic = Traffic::begin(Arc::clone(&fleet.addresses), mint);
        let yardstick = Yardstick::start();
        // A build without optimisation reads many times as long, and here four of them do on a few cores.
        let slowness = if cfg!(debug_assertions) && revocations > 10_000 { 4 } else { 1 };
        let mut run = Self {
            name,
            recovery: RECOVERY * slowness,
            redis,
            fleet,
            traffic,
            before: Vec::new(),
            fault: Duration::MAX..Duration::MAX,
            dead: Vec::new(),
            excuses: Vec::new(),
            yardstick,
        };
        run.until_all_is_well(Duration::ZERO).await;
        run.before = run.holdings();
        run.fault.start = run.now();
        run
    }

    /// The time on the run's clock.
    pub(super) fn now(&self) -> Moment {
        self.traffic.history().now()
    }

    /// Every gateway's way to Redis.
    pub(super) fn all_links(&self, manner: Manner) {
        self.fleet.links.iter().for_each(|link| link.set(manner));
    }

    /// Every connection to Redis ends.
    pub(super) fn cut_all(&self) {
        self.fleet.links.iter().for_each(crate::world::chaos::Chaos::cut);
    }

    /// The fault goes on for its time, and in the middle of it a gateway is killed and started again.
    pub(super) async fn goes_on(&mut self) {
        self.until(self.fault.start + LASTS / 3).await;
        self.kills_one_while(|_| {});
        self.goes_on_unharmed().await;
    }

    /// The same, but for the gateway.
    pub(super) async fn goes_on_unharmed(&self) {
        self.until(self.fault.start + LASTS).await;
    }

    /// A gateway is killed, and started again after this.
    pub(super) fn kills_one_while(&mut self, does: impl FnOnce(&Self)) {
        let killed = self.now();
        self.fleet.kill(VICTIM);
        does(self);
        self.fleet.start_again(VICTIM);
        self.dead.push((VICTIM, killed..self.now()));
    }

    /// Nobody ends tokens at the gateway that is to be killed, and what was ended there is known elsewhere.
    pub(super) async fn spares_the_victim(&self) {
        self.traffic.rests(VICTIM);
        self.until(self.now() + MAX_STALENESS / 2).await;
    }

    /// Lets the people come and go until then.
    pub(super) async fn until(&self, moment: Moment) {
        tokio::time::sleep(moment.saturating_sub(self.now())).await;
    }

    /// What was acknowledged then, by these, need not be known to those yet.
    pub(super) fn excuse(&mut self, excuse: Excuse) {
        self.excuses.push(excuse);
    }

    /// What Redis took just before it lost it then, one gateway may have been told and no other read: the others know
    /// when that one has given it back.
    pub(super) fn excuse_last_words(&mut self, lost: Moment) {
        let acknowledged = lost.saturating_sub(MAX_STALENESS / 10)..lost + MAX_STALENESS / 10;
        let until = self.now() + RECOVERY;
        self.excuse(Excuse { acknowledged, by: &[0, 1, 2, 3], to: &[0, 1, 2, 3], until });
    }

    /// The fault is over: everything comes back by itself, and every promise was kept.
    pub(super) async fn ends(mut self, felt: Felt) {
        self.fault.end = self.now();
        self.until_all_is_well(self.fault.end).await;
        let Self { name, fleet, fault, dead, excuses, before, traffic, yardstick, recovery, .. } = self;
        let shared = traffic.end().await;
        let (held_up, hashing) = (yardstick.lateness(), yardstick.hashing() * 2);
        let terms = Terms {
            fault,
            dead,
            max_staleness: MAX_STALENESS,
            patience: PATIENCE + held_up,
            hashing,
            recovery: recovery + held_up,
            excuses,
            felt,
            gateways: GATEWAYS,
        };
        let events = shared.history.events().clone();
        let verdict = judge(&events, &terms);
        report(name, &verdict);
        let mut complaints = verdict.complaints(&terms);
        complaints.extend(growth(&fleet, &before).await);
        if !complaints.is_empty() {
            let logs: Vec<String> =
                (0..GATEWAYS).map(|gateway| format!("gateway {gateway}:\n{}", fleet.said(gateway))).collect();
            panic!("{name}: {terms:?}\n{}\n{}", complaints.join("\n"), logs.join("\n"));
        }
    }

    /// Waits until every gateway lets good tokens in, without a no for a while.
    async fn until_all_is_well(&self, since: Moment) {
        let deadline = instant() + DEADLINE;
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while instant() < deadline && !self.is_well(since) {
            looks.tick().await;
        }
    }

    fn is_well(&self, since: Moment) -> bool {
        let now = self.now();
        if now < since + CALM {
            return false;
        }
        let events = self.traffic.history().events();
        (0..GATEWAYS).all(|gateway| {
            let lately = events.iter().rev().take_while(|event| event.answered + CALM >= now);
            let mut entries =
                lately.filter(|event| event.gateway == gateway && matches!(event.act, Act::Enter(_)));
            entries.clone().any(|event| event.status == Some(200))
                && entries.all(|event| matches!(event.status, Some(200 | 401)))
        })
    }

    fn holdings(&self) -> Vec<Holding> {
        (0..GATEWAYS).map(|gateway| self.fleet.holding(gateway)).collect()
    }
}

/// What the gateways that lived hold more than before, when they have had time to let go of it.
async fn growth(fleet: &Fleet, before: &[Holding]) -> Vec<String> {
    let deadline = instant() + DEADLINE;
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    loop {
        looks.tick().await;
        let grown: Vec<String> = (0..GATEWAYS)
            .filter(|gateway| *gateway != VICTIM)
            .map(|gateway| (gateway, before[gateway], fleet.holding(gateway)))
            .filter(|(_, was, is)| {
                is.threads > was.threads + 4
                    || is.files > was.files + 6
                    || is.kilobytes > was.kilobytes * 2 + 16 * 1024
            })
            .map(|(gateway, was, is)| format!("gateway {gateway} held {was:?} and holds {is:?}"))
            .collect();
        if grown.is_empty() || instant() > deadline {
            return grown;
        }
    }
}

/// Writes the fault's row, where `tests/run` finds it.
fn report(name: &str, verdict: &Verdict) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("faults");
    fs::create_dir_all(&folder).unwrap();
    let row = |cells: [&str; 9]| {
        let [fault, requests, accepted, refused, lost, slowest, login, recovery, restarted] = cells;
        format!(
            "{fault:<52} | {requests:>8} | {accepted:>16} | {refused:>15} | {lost:>4} | {slowest:>14} | {login:>13} | {recovery:>8} | {restarted:>13}\n"
        )
    };
    let head = [
        "fault",
        "requests",
        "wrongly accepted",
        "wrongly refused",
        "lost",
        "slowest answer",
        "slowest login",
        "recovery",
        "started again",
    ];
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    let line = row([
        name,
        &verdict.requests.to_string(),
        &verdict.wrongly_accepted.len().to_string(),
        &verdict.wrongly_refused.len().to_string(),
        &verdict.lost.len().to_string(),
        &seconds(verdict.slowest),
        &seconds(verdict.slowest_login),
        &verdict.recovery.map_or_else(|| "never".to_owned(), seconds),
        &verdict.restarted.map_or_else(|| "never".to_owned(), seconds),
    ]);
    let file: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    fs::write(folder.join("head.txt"), row(head)).unwrap();
    fs::write(folder.join(format!("row-{file}.txt")), line).unwrap();
}

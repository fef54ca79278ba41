//! What must counters of failed sign-ins do, wherever they are kept?

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use gatepass::clock::{Clock, ManualClock, UnixTime};
use gatepass::revocation::{self, Store};
use gatepass::secret::Secret;
use gatepass::throttle::{Refused, Reservation, Settings, Throttle};

use crate::world::redis::Redis;

const START: UnixTime = UnixTime::from_secs(1_900_000_000);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Counters, and the gateways that share them.
struct Place {
    settings: revocation::Settings,
    clock: Clock,
    hand: ManualClock,
    _keeps: Box<dyn Any + Send + Sync>,
}

impl Place {
    fn at(store: Store, keeps: impl Any + Send + Sync) -> Self {
        let (clock, hand) = Clock::manual(START);
        Self { settings: revocation::Settings::of(store), clock, hand, _keeps: Box::new(keeps) }
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::at(Store::Sqlite(folder.path().join("gatepass.db")), folder)
    }

    fn redis() -> Self {
        let redis = Redis::start();
        Self::at(Store::Redis(Secret::from(redis.url())), redis)
    }

    async fn gateway(&self) -> Gateway {
        self.gateway_with(Settings { account_source: 3, account: 5, source: 8, ..Settings::default() }).await
    }

    async fn gateway_with(&self, limits: Settings) -> Gateway {
        let issuer = "https://issuer.example";
        let throttle = Throttle::open(&self.settings, limits, issuer, self.clock.clone()).await.unwrap();
        Gateway(Arc::new(throttle))
    }
}

#[derive(Clone)]
struct Gateway(Arc<Throttle>);

impl Gateway {
    /// Somebody tries a password; refused, how long they have to wait.
    async fn tries(&self, login: &str, from: &str) -> Result<Reservation, Duration> {
        let attempt = self.0.attempt(login, Some(from.parse().unwrap()));
        self.0.reserve(attempt).await.map_err(|refused| match refused {
            Refused::Wait(wait) => wait,
            Refused::Unavailable(error) => panic!("{error}"),
        })
    }

    /// The same, and it is the wrong one.
    async fn fails(&self, login: &str, from: &str) -> Option<Duration> {
        self.tries(login, from).await.err()
    }

    /// The same, and it is the right one.
    async fn succeeds(&self, login: &str, from: &str) -> bool {
        let Ok(reservation) = self.tries(login, from).await else { return false };
        self.0.proven(reservation).await;
        true
    }
}

macro_rules! on_both {
    ($($promise:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                super::$promise(super::Place::sqlite()).await;
            })*
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                super::$promise(super::Place::redis()).await;
            })*
        }
    };
}

on_both! {
    an_account_from_one_source_waits_ever_longer
    all_is_forgotten_in_the_end
    an_account_waits_wherever_it_is_tried_from
    a_known_source_is_exempt_from_the_accounts_counter
    a_source_waits_whatever_account_it_tries
    what_was_no_failure_is_given_back
    of_many_at_once_no_more_than_the_allowance_go_on
    sources_known_to_one_account_have_an_end
    without_limits_nothing_is_counted
    what_has_no_address_is_not_blamed_for_all
    sign_ups_are_counted_by_source_and_in_total
    of_many_sign_ups_at_once_no_more_than_the_allowance_go_on
}

async fn an_account_from_one_source_waits_ever_longer(place: Place) {
    let (here, there) = (place.gateway().await, place.gateway().await);
    for gateway in [&here, &there, &here] {
        assert_eq!(gateway.fails("ada", "192.0.2.1").await, None);
    }
    assert_eq!(there.fails(" ADA ", "::ffff:192.0.2.1").await, Some(SECOND), "in another spelling");
    for _ in 0..20 {
        assert_eq!(here.fails("ada", "192.0.2.1").await, Some(SECOND), "what is refused does not count");
    }
    assert_eq!(here.fails("bob", "192.0.2.1").await, None);
    assert_eq!(here.fails("ada", "192.0.2.2").await, None);
    place.hand.advance(Duration::from_millis(999));
    assert_eq!(here.fails("ada", "192.0.2.1").await, Some(Duration::from_millis(1)));
    let mut wait = Duration::from_millis(1);
    for next in [2, 4, 8, 16, 32] {
        place.hand.advance(wait);
        // Also the counters of all accounts and all sources, which are not what this is about.
        let gateway = place
            .gateway_with(Settings { account_source: 3, account: 500, source: 800, ..Settings::default() })
            .await;
        assert_eq!(gateway.fails("ada", "192.0.2.1").await, None);
        wait = gateway.fails("ada", "192.0.2.1").await.unwrap();
        assert_eq!(wait, SECOND * next);
    }
    let impatient = Settings { account_source: 3, longest_delay: MINUTE / 2, ..Settings::default() };
    place.hand.advance(wait);
    let impatient = place.gateway_with(impatient).await;
    assert_eq!(impatient.fails("ada", "192.0.2.1").await, None);
    assert_eq!(impatient.fails("ada", "192.0.2.1").await, Some(MINUTE / 2), "no longer than the longest");
}

async fn all_is_forgotten_in_the_end(place: Place) {
    let gateway = place.gateway().await;
    for _ in 0..3 {
        assert_eq!(gateway.fails("ada", "192.0.2.1").await, None);
    }
    // An allowance of three an hour: after twenty minutes there is one again.
    place.hand.advance(MINUTE * 20);
    assert_eq!(gateway.fails("ada", "192.0.2.1").await, None);
    assert_eq!(gateway.fails("ada", "192.0.2.1").await, Some(SECOND));
    place.hand.advance(MINUTE * 60);
    for _ in 0..3 {
        assert_eq!(gateway.fails("ada", "192.0.2.1").await, None);
    }
    assert_eq!(gateway.fails("ada", "192.0.2.1").await, Some(SECOND));
}

async fn an_account_waits_wherever_it_is_tried_from(place: Place) {
    let gateway = place.gateway().await;
    for source in 1..=5 {
        assert_eq!(gateway.fails("nobody", &format!("192.0.2.{source}")).await, None);
    }
    assert_eq!(gateway.fails("nobody", "192.0.2.6").await, Some(SECOND));
    assert_eq!(gateway.fails("somebody", "192.0.2.6").await, None);
}

async fn a_known_source_is_exempt_from_the_accounts_counter(place: Place) {
    let gateway = place.gateway().await;
    assert!(gateway.succeeds("ada", "2001:db8::1").await);
    for source in 1..=5 {
        assert_eq!(gateway.fails("ada", &format!("192.0.2.{source}")).await, None);
    }
    assert_eq!(gateway.fails("ada", "192.0.2.6").await, Some(SECOND));
    assert!(gateway.succeeds("ada", "2001:db8::2").await, "the same network");
    assert_eq!(gateway.fails("ada", "192.0.2.6").await, Some(SECOND), "that changes nothing for others");
    for _ in 0..3 {
        assert_eq!(gateway.fails("ada", "2001:db8::1").await, None);
    }
    assert_eq!(gateway.fails("ada", "2001:db8::1").await, Some(SECOND), "nor is it without limits");
    place.hand.advance(MINUTE * 60 * 24 * 30);
    for source in 1..=5 {
        assert_eq!(gateway.fails("ada", &format!("192.0.2.{source}")).await, None);
    }
    assert_eq!(gateway.fails("ada", "2001:db8::1").await, Some(SECOND), "not known any more");
}

async fn a_source_waits_whatever_account_it_tries(place: Place) {
    let gateway = place.gateway().await;
    assert!(gateway.succeeds("ada", "192.0.2.1").await);
    for account in 0..8 {
        assert_eq!(gateway.fails(&format!("user{account}"), "192.0.2.1").await, None);
    }
    assert_eq!(gateway.fails("one more", "192.0.2.1").await, Some(SECOND));
    assert_eq!(gateway.fails("ada", "192.0.2.1").await, Some(SECOND), "known or not");
    assert_eq!(gateway.fails("one more", "192.0.2.2").await, None);
}

async fn what_was_no_failure_is_given_back(place: Place) {
    let gateway = place.gateway().await;
    for _ in 0..30 {
        assert!(gateway.succeeds("ada", "192.0.2.1").await, "successes have no limit");
    }
    for _ in 0..2 {
        assert_eq!(gateway.fails("ada", "192.0.2.1").await, None);
    }
    assert!(gateway.succeeds("ada", "192.0.2.1").await);
    for _ in 0..3 {
        assert_eq!(gateway.fails("ada", "192.0.2.1").await, None, "counted anew");
    }
    assert_eq!(gateway.fails("ada", "192.0.2.1").await, Some(SECOND));
    // The source has five failures by now; none of ada's successes has taken one back.
    for account in ["bob", "carol"] {
        assert_eq!(gateway.fails(account, "192.0.2.1").await, None);
    }
    for _ in 0..30 {
        let reservation = gateway.tries("dora", "192.0.2.1").await.unwrap();
        gateway.0.unasked(reservation).await;
    }
    assert_eq!(gateway.fails("dora", "192.0.2.1").await, None, "the eighth");
    assert_eq!(gateway.fails("dora", "192.0.2.1").await, Some(SECOND));
    // Past the allowance a success ends the wait that it began itself.
    place.hand.advance(SECOND);
    assert!(gateway.succeeds("dora", "192.0.2.1").await);
    assert_eq!(gateway.fails("dora", "192.0.2.1").await, None);
    assert_eq!(gateway.fails("dora", "192.0.2.1").await, Some(SECOND * 2));
}

async fn of_many_at_once_no_more_than_the_allowance_go_on(place: Place) {
    let gateways = [place.gateway().await, place.gateway().await];
    let tries = (0..50).map(|n| {
        let gateway = gateways[n % 2].clone();
        tokio::spawn(async move { gateway.tries("ada", "192.0.2.1").await.is_ok() })
    });
    let mut evaluated = 0;
    for each in tries.collect::<Vec<_>>() {
        evaluated += usize::from(each.await.unwrap());
    }
    assert_eq!(evaluated, 3);
}

async fn sources_known_to_one_account_have_an_end(place: Place) {
    let gateway = place.gateway_with(Settings { account: 1, ..Settings::default() }).await;
    for source in 0..=50 {
        assert!(gateway.succeeds("ada", &format!("192.0.2.{source}")).await);
        place.hand.advance(SECOND);
    }
    assert_eq!(gateway.fails("ada", "198.51.100.1").await, None);
    assert_eq!(gateway.fails("ada", "192.0.2.0").await, Some(SECOND), "the oldest of 51");
    for source in 1..=50 {
        assert_eq!(gateway.fails("ada", &format!("192.0.2.{source}")).await, None, "{source}");
    }
}

async fn without_limits_nothing_is_counted(place: Place) {
    let gateway = place.gateway_with(Settings { logins: false, source: 1, ..Settings::default() }).await;
    for _ in 0..30 {
        assert_eq!(gateway.fails("ada", "192.0.2.1").await, None);
    }
    assert!(gateway.succeeds("ada", "192.0.2.1").await);
}

async fn what_has_no_address_is_not_blamed_for_all(place: Place) {
    let gateway = place.gateway().await;
    for n in 0..30 {
        assert!(gateway.0.reserve(gateway.0.attempt(&format!("user{n}"), None)).await.is_ok());
    }
    for _ in 0..3 {
        assert!(gateway.0.reserve(gateway.0.attempt("ada", None)).await.is_ok());
    }
    let refused = gateway.0.reserve(gateway.0.attempt("ada", None)).await;
    assert_eq!(refused.unwrap_err(), Refused::Wait(SECOND));
}

/// Both are asked the same, at random, and must say the same.
#[tokio::test(flavor = "multi_thread")]
async fn both_stores_count_alike() {
    let (file, redis) = (Place::sqlite(), Place::redis());
    let seed = gatepass::secret::random::<8>();
    let mut state = u64::from_le_bytes(seed) | 1;
    let mut random = |below: u64| {
        // Marsaglia's xorshift: what is asked is said when it fails, so that it can be asked again.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let limits = Settings { account_source: 3, account: 5, source: 8, ..Settings::default() };
    let gateways = [file.gateway_with(limits.clone()).await, redis.gateway_with(limits).await];
    let (mut told, mut refused) = (Vec::new(), 0);
    for _ in 0..1_000 {
        let (login, from) = (format!("user{}", random(3)), format!("192.0.2.{}", random(4)));
        let end = random(6);
        // Short of most delays, and now and then long enough for much to be forgiven, or all.
        let longest = if random(20) == 0 { 4_000_000 } else { 3_000 };
        let pause = Duration::from_millis(random(longest));
        told.push((login.clone(), from.clone(), end, pause));
        let mut waits = Vec::new();
        for gateway in &gateways {
            waits.push(match gateway.tries(&login, &from).await {
                Err(wait) => Some(wait),
                Ok(reservation) => {
                    match end {
                        0 => gateway.0.proven(reservation).await,
                        1 => gateway.0.unasked(reservation).await,
                        _ => drop(reservation),
                    }
                    None
                }
            });
        }
        refused += usize::from(waits[0].is_some());
        assert_eq!(waits[0], waits[1], "seed {seed:?}, after {told:?}");
        file.hand.advance(pause);
        redis.hand.advance(pause);
    }
    assert!((50..950).contains(&refused), "{refused} of 1000 refused: that shows little");
}

/// Without a clock of the test's, the server's own counts; and what is kept there goes away by itself.
#[tokio::test(flavor = "multi_thread")]
async fn redis_goes_by_its_own_clock_and_keeps_nothing_for_good() {
    let redis = Redis::start();
    let place = revocation::Settings::of(Store::Redis(Secret::from(redis.url())));
    let limits = Settings { account_source: 1, first_delay: MINUTE * 10, ..Settings::default() };
    let throttle = Throttle::open(&place, limits, "https://issuer.example", Clock::system()).await.unwrap();
    let gateway = Gateway(Arc::new(throttle));
    assert!(gateway.succeeds("ada", "192.0.2.1").await);
    assert_eq!(gateway.fails("ada", "192.0.2.1").await, None);
    let wait = gateway.fails("ada", "192.0.2.1").await.unwrap();
    assert!(wait > MINUTE * 5 && wait <= MINUTE * 10, "{wait:?}");
    let refused = gateway.0.recall(&gateway.0.attempt("ada", Some("192.0.2.1".parse().unwrap())));
    assert!(matches!(refused, Err(Refused::Wait(_))), "remembered");
    let keys = redis.ask("KEYS {gatepass}:*");
    let keys: Vec<&String> = keys.iter().filter(|line| line.starts_with('{')).collect();
    assert!(keys.len() >= 3, "{keys:?}");
    for key in keys {
        assert!(!key.contains("ada") && !key.contains("192"), "{key}");
        let left: i64 = redis.command(&format!("TTL {key}"))[1..].parse().unwrap();
        assert!((1..=30 * 24 * 3600).contains(&left), "{key} stays for {left} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_lets_nobody_try() {
    let place = Place::at(Store::Redis(Secret::from(Redis::absent().url())), ());
    let gateway = place.gateway().await;
    let refused = gateway.0.reserve(gateway.0.attempt("ada", None)).await;
    assert!(matches!(refused, Err(Refused::Unavailable(_))), "{refused:?}");
}

impl Gateway {
    /// Somebody signs up; refused, how long they have to wait.
    async fn sign_up(&self, from: Option<&str>) -> Option<Duration> {
        let client = from.map(|address| address.parse().unwrap());
        match self.0.sign_up(client).await {
            Ok(()) => None,
            Err(Refused::Wait(wait)) => Some(wait),
            Err(Refused::Unavailable(error)) => panic!("{error}"),
        }
    }
}

async fn sign_ups_are_counted_by_source_and_in_total(place: Place) {
    // Whether failed sign-ins are counted or not.
    let limits = Settings { logins: false, signups: Some(3), signups_total: Some(6), ..Settings::default() };
    let (here, there) = (place.gateway_with(limits.clone()).await, place.gateway_with(limits).await);
    for gateway in [&here, &there, &here] {
        assert_eq!(gateway.sign_up(Some("2001:db8::1")).await, None);
    }
    for gateway in [&there, &here] {
        assert_eq!(gateway.sign_up(Some("2001:db8::2")).await, Some(20 * MINUTE), "the same network");
    }
    assert_eq!(there.sign_up(Some("192.0.2.2")).await, None);
    // Behind a Unix socket there is no source.
    assert_eq!(here.sign_up(None).await, None);
    assert_eq!(here.sign_up(None).await, None);
    assert_eq!(there.sign_up(Some("192.0.2.3")).await, Some(10 * MINUTE), "six in all");
    for _ in 0..20 {
        assert_eq!(here.fails("ada", "2001:db8::1").await, None, "counted apart");
    }
    place.hand.advance(10 * MINUTE);
    assert_eq!(here.sign_up(Some("2001:db8::1")).await, Some(10 * MINUTE));
    assert_eq!(there.sign_up(Some("192.0.2.2")).await, None, "one is forgiven");
    assert_eq!(there.sign_up(Some("192.0.2.2")).await, Some(10 * MINUTE), "and one alone");
    let unlimited = Settings { signups: None, signups_total: None, ..Settings::default() };
    let unlimited = place.gateway_with(unlimited).await;
    assert_eq!(unlimited.sign_up(Some("2001:db8::1")).await, None);
}

async fn of_many_sign_ups_at_once_no_more_than_the_allowance_go_on(place: Place) {
    let limits = Settings { signups: Some(7), ..Settings::default() };
    let gateway = place.gateway_with(limits).await;
    let all = (0..40).map(|_| {
        let gateway = gateway.clone();
        tokio::spawn(async move { gateway.sign_up(Some("192.0.2.1")).await.is_none() })
    });
    let mut through = 0;
    for one in all.collect::<Vec<_>>() {
        through += usize::from(one.await.unwrap());
    }
    assert_eq!(through, 7);
}

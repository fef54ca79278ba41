//! The promises every log keeps.

use gatepass::clock::UnixTime;
use gatepass::revocation::{Scope, Standing};

use super::{Place, is_revoked, lift, login_version, now, open, order, revoke, standing, token, until};

macro_rules! mount {
    ($($backend:ident: $($promise:ident),+ $(,)?;)+) => {$(
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    super::$promise(super::Place::$backend()).await;
                }
            )+
        }
    )+};
}

mount! {
    sqlite: what_is_revoked_is_refused, what_is_lifted_stands_again, others_see_it, versions_rise_everywhere,
        a_user_is_revoked_up_to_now, it_survives, all_at_once, a_lift_outlives_what_it_lifts;
    cluster: what_is_revoked_is_refused, what_is_lifted_stands_again, others_see_it, versions_rise_everywhere,
        a_user_is_revoked_up_to_now, it_survives, all_at_once, a_lift_outlives_what_it_lifts;
    tls: what_is_revoked_is_refused, what_is_lifted_stands_again, others_see_it, versions_rise_everywhere,
        a_user_is_revoked_up_to_now, it_survives, all_at_once, a_lift_outlives_what_it_lifts;
    redis: what_is_revoked_is_refused, what_is_lifted_stands_again, others_see_it, versions_rise_everywhere,
        a_user_is_revoked_up_to_now, it_survives, all_at_once, a_lift_outlives_what_it_lifts;
}

/// The basics in a row, for a log that is special in another way.
pub(crate) async fn everything_once(place: Place) {
    what_is_lifted_stands_again(place).await;
}

async fn what_is_revoked_is_refused(place: Place) {
    let revocations = place.open().await;
    let mine = token("ada", "login-1", "token-1");
    assert_eq!(standing(&revocations, &mine), Standing::Clear);
    for scope in [Scope::Key, Scope::User, Scope::Login, Scope::Token] {
        revoke(&revocations, order(scope, &mine)).await;
        assert_eq!(standing(&revocations, &mine), Standing::Revoked(scope));
    }
    assert_eq!(revocations.entries(), 4);
    assert!(revocations.store_up());

    let others = place.open().await;
    assert_eq!(standing(&others, &token("bob", "login-2", "token-2")), Standing::Revoked(Scope::Key));
    lift(&others, order(Scope::Key, &mine)).await;
    assert_eq!(standing(&others, &token("bob", "login-2", "token-2")), Standing::Clear);
    assert_eq!(standing(&others, &token("ada", "login-2", "token-2")), Standing::Revoked(Scope::User));
    assert_eq!(standing(&others, &token("bob", "login-1", "token-2")), Standing::Revoked(Scope::Login));
}

async fn what_is_lifted_stands_again(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let mine = token("ada", "login-1", "token-1");
    revoke(&here, order(Scope::Token, &mine)).await;
    until("the other knows", || is_revoked(&there, &mine)).await;
    lift(&there, order(Scope::Token, &mine)).await;
    assert_eq!(standing(&there, &mine), Standing::Clear);
    until("the lift is known", || standing(&here, &mine) == Standing::Clear).await;
    revoke(&here, order(Scope::Token, &mine)).await;
    until("it is revoked anew", || is_revoked(&there, &mine)).await;
    assert_eq!(place.open().await.entries(), 1);
}

async fn others_see_it(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    for n in 0..20 {
        let (from, to) = if n % 2 == 0 { (&here, &there) } else { (&there, &here) };
        let mine = token("ada", &format!("login-{n}"), &format!("token-{n}"));
        revoke(from, order(Scope::Login, &mine)).await;
        until("the other knows", || is_revoked(to, &mine)).await;
    }
    assert_eq!((here.entries(), there.entries()), (20, 20));
}

async fn versions_rise_everywhere(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let mut last = 0;
    for n in 0..50 {
        let from = if n % 2 == 0 { &here } else { &there };
        let version = login_version(from).await;
        assert!(version > last, "{version} after {last}");
        last = version;
    }
    assert!(last >= now().millis() * 1000 - 60_000_000, "versions are microseconds since the epoch");
}

async fn a_user_is_revoked_up_to_now(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let mine = token("ada", "login-1", "token-1");
    let before = login_version(&there).await;
    revoke(&here, order(Scope::User, &mine)).await;
    let after = login_version(&there).await;
    until("the other knows", || is_revoked(&there, &mine)).await;
    for revocations in [&here, &there] {
        let second = UnixTime::from_secs(now().secs());
        assert_eq!(revocations.standing(&mine, Some(before), second, None), Standing::Revoked(Scope::User));
        assert_eq!(revocations.standing(&mine, Some(after), second, None), Standing::Clear);
        let earlier = UnixTime::from_secs(second.secs() - 120);
        assert_eq!(
            revocations.standing(&mine, Some(after), earlier, None),
            Standing::Clear,
            "the version decides"
        );
        assert_eq!(revocations.standing(&mine, None, earlier, None), Standing::Revoked(Scope::User));
        let later = UnixTime::from_secs(second.secs() + 120);
        assert_eq!(revocations.standing(&mine, None, later, None), Standing::Clear);
    }
}

async fn it_survives(place: Place) {
    let mine = token("ada", "login-1", "token-1");
    let first = place.open().await;
    revoke(&first, order(Scope::Login, &mine)).await;
    let version = login_version(&first).await;
    drop(first);
    let second = place.open().await;
    assert_eq!(standing(&second, &mine), Standing::Revoked(Scope::Login));
    assert!(login_version(&second).await > version);
}

async fn all_at_once(place: Place) {
    let handles = [place.open().await, place.open().await, place.open().await];
    let writers = (0..60).map(|n| {
        let handle = handles[n % 3].clone();
        tokio::spawn(async move {
            let mine = token("ada", &format!("login-{}", n / 2), &format!("token-{n}"));
            revoke(&handle, order(Scope::Token, &mine)).await;
            revoke(&handle, order(Scope::Login, &mine)).await;
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    for handle in &handles {
        until("all know all", || handle.entries() == 90).await;
        for n in 0..60 {
            let mine = token("ada", &format!("login-{}", n / 2), &format!("token-{n}"));
            assert_eq!(standing(handle, &mine), Standing::Revoked(Scope::Token));
        }
    }
    assert_eq!(open(&place.settings).await.entries(), 90);
}

async fn a_lift_outlives_what_it_lifts(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let mine = token("ada", "login-1", "token-1");
    let long = order(Scope::Token, &mine);
    revoke(&here, long).await;
    // As from a command that knows less of the token than who revoked it. Long past, it would be forgotten at once.
    let short = gatepass::revocation::Revocation { expires: UnixTime::from_secs(1), ..long };
    lift(&there, short).await;
    until("the lift is known", || standing(&here, &mine) == Standing::Clear).await;
    let third = place.open().await;
    assert_eq!((standing(&third, &mine), third.entries()), (Standing::Clear, 1));
}

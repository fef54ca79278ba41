//! Does everybody who is out lose access in time, and nobody else; and what does it cost the store?

mod down;
mod house;
mod replaced;

use futures_util::future::join_all;

use super::*;
use crate::identity::LoginId;
use crate::token::SubjectForm;
use house::{House, OFTEN, Person, SELDOM, hash, until, verdict};

#[tokio::test]
async fn who_has_just_signed_in_is_not_asked_about() {
    let house = House::new();
    let gateway = house.gateway(SELDOM).await;
    let ada = house.person("ada").await;
    let token = house.sign_in(&gateway, &ada);
    for _ in 0..1000 {
        assert_eq!(gateway.standing(&token), Standing::Clear);
    }
    assert!(house.counting.asked().is_empty());
}

#[tokio::test]
async fn all_who_wait_for_one_user_share_a_question() {
    let house = House::new();
    let ada = house.person("ada").await;
    let token = house.sign_in(&*house.gateway(SELDOM).await, &ada);
    let gateway = house.gateway(SELDOM).await;
    assert_eq!(gateway.standing(&token), Standing::Unsettled);
    for settled in join_all((0..200).map(|_| gateway.settle(&token))).await {
        assert_eq!(settled, Ok(()));
    }
    assert_eq!(gateway.standing(&token), Standing::Clear);
    assert_eq!(house.counting.asked(), [1]);
}

#[tokio::test]
async fn a_crowd_of_strangers_is_a_few_questions() {
    let house = House::new();
    let (first, gateway) = (house.gateway(SELDOM).await, house.gateway(SELDOM).await);
    let mut tokens = Vec::new();
    for person in crowd(&house, 2500).await {
        tokens.push(house.sign_in(&first, &person));
    }
    for settled in join_all(tokens.iter().map(|token| gateway.settle(token))).await {
        assert_eq!(settled, Ok(()));
    }
    assert_eq!(house.counting.asked(), [1000, 1000, 500]);
}

/// So many people, added at once.
async fn crowd(house: &House, count: usize) -> Vec<Person> {
    let ada = house.person("ada").await;
    let copy = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
         INSERT INTO users (id, login, password, scopes, disabled, created)
         SELECT 'id-' || n, 'login-' || n, 'hash-' || n, '', 0, 0 FROM n;
         DELETE FROM users WHERE login = 'ada';"
    );
    house.behind(&copy);
    drop(ada);
    let users = crate::users::all(&house.counting.users).await.unwrap();
    users.into_iter().map(|user| Person { user }).collect()
}

#[tokio::test]
async fn a_thousand_in_use_are_one_question_a_round() {
    let house = House::new();
    let gateway = house.gateway(OFTEN).await;
    let mut tokens = Vec::new();
    for person in crowd(&house, 1000).await {
        tokens.push(house.sign_in(&gateway, &person));
    }
    house.later();
    house.counting.asked();
    house.behind("UPDATE users SET disabled = 1");
    let all_out =
        || tokens.iter().all(|token| gateway.standing(token) == Standing::Refused(Objection::Disabled));
    until("everybody is out", all_out).await;
    let asked = house.counting.asked();
    assert!(asked.iter().all(|&about| about == 1000), "{asked:?}");
    let rounds = asked.len();
    // One more than that in use: two questions from now on.
    let eve = house.sign_in(&gateway, &house.person("eve").await);
    house.later();
    house.behind("UPDATE users SET disabled = 0");
    until("everybody is in", || {
        tokens.iter().chain([&eve]).all(|token| gateway.standing(token) == Standing::Clear)
    })
    .await;
    let asked = house.counting.asked();
    assert!(asked.contains(&1) && asked.iter().all(|about| [1000, 1].contains(about)), "{rounds} {asked:?}");
}

#[tokio::test]
async fn who_is_disabled_is_out_until_enabled_again() {
    let house = House::new();
    let gateway = house.gateway(OFTEN).await;
    let (ada, bob) = (house.person("ada").await, house.person("bob").await);
    let (token, other) = (house.sign_in(&gateway, &ada), house.sign_in(&gateway, &bob));
    house.later();
    let mut changed = gateway.changed();
    house.behind("UPDATE users SET disabled = 1 WHERE login = 'ada'");
    changed.changed().await.unwrap();
    assert_eq!(gateway.standing(&token), Standing::Refused(Objection::Disabled));
    assert_eq!(gateway.objection(&token), Some(Objection::Disabled));
    assert_eq!((gateway.standing(&other), gateway.objection(&other)), (Standing::Clear, None));
    house.behind("UPDATE users SET disabled = 0");
    until("ada is in again", || gateway.standing(&token) == Standing::Clear).await;
}

#[tokio::test]
async fn who_is_deleted_is_out() {
    let house = House::new();
    let gateway = house.gateway(OFTEN).await;
    let ada = house.person("ada").await;
    let token = house.sign_in(&gateway, &ada);
    house.later();
    house.behind("DELETE FROM users");
    until("ada is out", || gateway.standing(&token) == Standing::Refused(Objection::Deleted)).await;
    assert_eq!(verdict(&*house.gateway(SELDOM).await, &token).await, Err(Objection::Deleted));
    // Put back from a backup, say.
    house.counting.users.create(ada.user.clone()).await.unwrap();
    until("ada is in again", || gateway.standing(&token) == Standing::Clear).await;
}

#[tokio::test]
async fn a_new_password_ends_the_sign_ins_before_it() {
    let house = House::new();
    let gateway = house.gateway(OFTEN).await;
    let ada = house.person("ada").await;
    let before = house.sign_in(&gateway, &ada);
    house.later();
    house.behind("UPDATE users SET password = '$2b$12$another'");
    let out = Standing::Refused(Objection::PasswordChanged);
    until("the sign-in has ended", || gateway.standing(&before) == out).await;
    assert_eq!(gateway.objection(&before), Some(Objection::PasswordChanged));
    // A gateway that never saw the former hash knows as well.
    let started = house.gateway(SELDOM).await;
    assert_eq!(verdict(&started, &before).await, Err(Objection::PasswordChanged));
    let changed =
        Person { user: User { password: PasswordHash::from_store("$2b$12$another".into()), ..ada.user } };
    let after = house.sign_in(&started, &changed);
    assert_eq!(verdict(&started, &after).await, Ok(()));
    assert_eq!(verdict(&gateway, &after).await, Ok(()));
    assert_eq!(verdict(&gateway, &before).await, Err(Objection::PasswordChanged));
}

#[tokio::test]
async fn who_comes_from_another_gateway_with_news_is_not_judged_by_what_was() {
    let house = House::new();
    // Neither asks again by itself.
    let (here, there) = (house.gateway(SELDOM).await, house.gateway(SELDOM).await);
    let ada = house.person("ada").await;
    let old = house.sign_in(&here, &ada);
    assert_eq!(verdict(&there, &old).await, Ok(()));
    house.later();
    house.behind("UPDATE users SET password = '$2b$12$another', disabled = 1");
    let changed =
        Person { user: User { password: PasswordHash::from_store("$2b$12$another".into()), ..ada.user } };
    let new = house.sign_in(&here, &changed);
    assert_eq!(verdict(&there, &new).await, Err(Objection::Disabled), "asked, because it is news");
    house.later();
    house.behind("UPDATE users SET disabled = 0");
    let newer = house.sign_in(&here, &changed);
    assert_eq!(verdict(&there, &newer).await, Ok(()), "and again");
    assert_eq!(
        (verdict(&there, &old).await, verdict(&there, &new).await),
        (Err(Objection::PasswordChanged), Ok(()))
    );
    house.counting.asked();
    for _ in 0..10 {
        assert_eq!(verdict(&there, &old).await, Err(Objection::PasswordChanged));
    }
    assert!(house.counting.asked().is_empty(), "what is old news costs nothing");
}

#[tokio::test]
async fn tokens_of_no_sign_in_here_are_nobodys_affair() {
    let house = House::new();
    let gateway = house.gateway(SELDOM).await;
    let car = Subject::parse("car:42").unwrap();
    assert_eq!(gateway.standing(&house.token(&car, None, None)), Standing::Clear);
    let theirs = House {
        tokens: token::Settings { issuer: "https://other.example".into(), ..house.tokens.clone() },
        ..house
    };
    assert_eq!(gateway.standing(&theirs.token(&car, Some(LoginId::new()), None)), Standing::Clear);
    let house = House {
        tokens: token::Settings { issuer: "https://gate.example".into(), ..theirs.tokens.clone() },
        ..theirs
    };
    let ours = house.token(&car, Some(LoginId::new()), None);
    assert_eq!(verdict(&gateway, &ours).await, Err(Objection::Deleted));
    // Of an earlier version, which said nothing of passwords.
    let ada = house.person("ada").await;
    let earlier = house.token(&house.subject(&ada), Some(LoginId::new()), None);
    assert_eq!(verdict(&gateway, &earlier).await, Ok(()));
    house.later();
    let off = house.gateway(Settings { check: None, on_down: OnDown::Serve }).await;
    house.behind("UPDATE users SET disabled = 1");
    assert_eq!((off.standing(&earlier), off.objection(&earlier)), (Standing::Clear, None));
    assert_eq!((off.staleness(), off.store_up(), off.entries()), (None, None, 0));
    assert_eq!(off.settle(&earlier).await, Ok(()));
}

#[tokio::test]
async fn a_login_names_whoever_had_it_at_the_sign_in() {
    let mut house = House::new();
    house.tokens.subject = SubjectForm::Login { prefix: "username:".into() };
    let gateway = house.gateway(OFTEN).await;
    let ada = house.person("ada").await;
    let token = house.sign_in(&gateway, &ada);
    assert_eq!(verdict(&*house.gateway(SELDOM).await, &token).await, Ok(()));
    house.later();
    house.behind("UPDATE users SET login = 'ada.lovelace'");
    until("nobody is ada", || gateway.standing(&token) == Standing::Refused(Objection::Deleted)).await;
    assert_eq!(verdict(&*house.gateway(SELDOM).await, &token).await, Err(Objection::Deleted));
    // Another gets the login, and by chance the very hash.
    let another = house.person("ada").await;
    assert_eq!(another.user.password.expose(), hash("ada").expose());
    let started = house.gateway(SELDOM).await;
    assert_eq!(verdict(&started, &token).await, Err(Objection::PasswordChanged));
    assert_eq!(gateway.standing(&token), Standing::Refused(Objection::Deleted));
    house.behind("DELETE FROM users WHERE login = 'ada'; UPDATE users SET login = 'ada'");
    until("ada is ada again", || gateway.standing(&token) == Standing::Clear).await;
}

#[tokio::test]
async fn a_stream_whose_user_was_forgotten_is_looked_at_again() {
    let house = House::new();
    let ada = house.person("ada").await;
    let token = house.sign_in(&*house.gateway(SELDOM).await, &ada);
    house.behind("UPDATE users SET disabled = 1");
    let gateway = house.gateway(SELDOM).await;
    let mut changed = gateway.changed();
    assert_eq!(gateway.objection(&token), None, "nobody waits here");
    changed.changed().await.unwrap();
    assert_eq!(gateway.objection(&token), Some(Objection::Disabled));
}

#[tokio::test]
async fn who_is_idle_is_forgotten() {
    let house = House::new();
    let gateway = house.gateway(OFTEN).await;
    let (ada, bob) = (house.person("ada").await, house.person("bob").await);
    let (idle, busy) = (house.sign_in(&gateway, &ada), house.sign_in(&gateway, &bob));
    assert_eq!(gateway.entries(), 2);
    for _ in 0..4 {
        // A round ends after its question, before the next one.
        house.questions(3).await;
        house.hand.advance(Duration::from_secs(201));
        assert_eq!(gateway.standing(&busy), Standing::Clear);
    }
    until("ada is forgotten", || gateway.entries() == 1).await;
    assert_eq!(gateway.standing(&busy), Standing::Clear);
    assert_eq!(verdict(&gateway, &idle).await, Ok(()));
    assert_eq!(gateway.entries(), 2);
}

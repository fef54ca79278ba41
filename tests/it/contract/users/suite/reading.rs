//! What every store promises, also one that is only read.

use std::collections::BTreeSet;

use gatepass::identity::{Scopes, UserId};
use gatepass::users::{CreateError, Mode, StoreError, all};
use serde_json::json;

use super::{Mount, Record, asked, hash, named, told, whose};

pub(crate) async fn it_answers<M: Mount>() {
    let place = M::new().await;
    for mode in [Mode::ReadOnly, Mode::ReadWrite] {
        let store = place.open(mode).await;
        store.ping().await.unwrap();
        assert!(all(&*store).await.unwrap().is_empty());
        assert!(store.sample().await.unwrap().is_empty());
        assert_eq!(store.advice().await.unwrap(), Vec::<String>::new());
    }
}

pub(crate) async fn a_user_is_found_by_login_and_id<M: Mount>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    let ids = place.write(vec![Record::of("ada"), Record::of("grace"), Record::of("j\u{fc}rgen")]).await;
    let ada = store.by_login(&asked("ada")).await.unwrap().unwrap();
    assert_eq!((ada.id.as_str(), ada.login.as_str()), (ids[0].as_str(), "ada"));
    assert_eq!((ada.password.expose(), ada.disabled), ("$2b$hash-of-ada", false));
    assert_eq!(told(&store.by_id(&ids[0]).await.unwrap().unwrap()), told(&ada));
    // Not as it is spelled, but the same login.
    assert_eq!(whose(&store, " ADA ").await.as_ref(), Some(&ids[0]));
    assert_eq!(whose(&store, "Ju\u{308}rgen").await.as_ref(), Some(&ids[2]));
}

pub(crate) async fn what_nobody_has_is_nobodys<M: Mount>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    let ids = place.write(vec![Record::of("ada")]).await;
    for login in ["nobody", "ad", "ada2", "%", "_da", "' OR ''='", "$ne", "{}", "\u{e4}da", "7"] {
        assert_eq!(whose(&store, login).await, None, "{login}");
    }
    let no_ids = ["nobody", "0", "-1", "1e0", "99999999999999999999", "00000000-0000-0000-0000-000000000000"];
    // Other spellings of the id that is there.
    let other = [format!("0{}", ids[0]), format!("+{}", ids[0]), format!("{}.0", ids[0])];
    let upper = Some(ids[0].as_str().to_uppercase()).filter(|upper| upper != ids[0].as_str());
    for id in no_ids.into_iter().map(str::to_owned).chain(other).chain(upper) {
        let id = UserId::parse(&id).unwrap();
        assert!(store.by_id(&id).await.unwrap().is_none(), "{id}");
        assert!(store.by_ids(std::slice::from_ref(&id)).await.unwrap().is_empty(), "{id}");
        let found = store.by_ids(&[id.clone(), ids[0].clone()]).await.unwrap();
        assert_eq!(found.iter().map(|user| &user.id).collect::<Vec<_>>(), [&ids[0]], "beside {id}");
    }
    assert!(store.by_ids(&[]).await.unwrap().is_empty());
}

pub(crate) async fn many_are_found_at_once<M: Mount>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    let ids = place.write((0..1200).map(|n| Record::of(&format!("user{n:04}"))).collect()).await;
    let (mut wanted, rest) = (ids[..700].to_vec(), &ids[700..]);
    wanted.extend((0..300).map(|_| UserId::new()));
    let found = store.by_ids(&wanted).await.unwrap();
    assert_eq!(found.len(), 700);
    let found: BTreeSet<_> = found.into_iter().map(|user| user.id).collect();
    assert_eq!(found, wanted[..700].iter().cloned().collect());
    assert!(rest.iter().all(|id| !found.contains(id)));
}

pub(crate) async fn pages_have_no_gaps<M: Mount>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    let written: BTreeSet<_> = place
        .write((0..2500).map(|n| Record::of(&format!("user{n:04}"))).collect())
        .await
        .into_iter()
        .collect();
    assert_eq!(written.len(), 2500);
    for most in [999, 2500, 3000] {
        let mut found: Vec<UserId> = Vec::new();
        loop {
            let page = store.page(found.last(), most).await.unwrap();
            assert!(page.len() <= most);
            if page.is_empty() {
                break;
            }
            found.extend(page.into_iter().map(|user| user.id));
        }
        assert_eq!(found.len(), 2500, "each once");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), written);
    }
    assert_eq!(all(&*store).await.unwrap().len(), 2500);
}

pub(crate) async fn a_sample_has_every_kind_of_hash<M: Mount>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadOnly).await;
    let (cheap, dear) = ("$2b$04$".to_owned() + &"x".repeat(53), "$2b$05$".to_owned() + &"x".repeat(53));
    let record = |login: &str, hash: &str| Record { password: json!(hash), ..Record::of(login) };
    place.write(vec![record("cheap", &cheap), record("as-cheap", &cheap), record("dear", &dear)]).await;
    let mut sample: Vec<_> =
        store.sample().await.unwrap().iter().map(|hash| hash.expose().to_owned()).collect();
    sample.sort();
    assert_eq!(sample, [cheap, dear]);
}

pub(crate) async fn a_store_that_is_only_read_stays_as_it_is<M: Mount>() {
    let place = M::new().await;
    let id = place.write(vec![Record::of("ada")]).await.remove(0);
    let before = place.everything().await;
    let store = place.open(Mode::ReadOnly).await;
    assert!(store.read_only().is_some());
    let old = hash("$2b$hash-of-ada");
    let refused = [
        store.create(named("grace")).await.map(drop).map_err(|error| match error {
            CreateError::Store(error) => error,
            CreateError::Exists => panic!("grace is not there"),
        }),
        store.set_password(&id, hash("new")).await.map(drop),
        store.replace_password(&id, &old, hash("new")).await.map(drop),
        store.set_scopes(&id, Scopes::default()).await.map(drop),
        store.set_disabled(&id, true).await.map(drop),
        store.delete(&id).await.map(drop),
    ];
    for (n, refused) in refused.into_iter().enumerate() {
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{n}: {refused:?}");
    }
    // Reading is no change either.
    store.ping().await.unwrap();
    store.advice().await.unwrap();
    assert_eq!(all(&*store).await.unwrap().len(), 1);
    assert_eq!(place.everything().await, before);
}

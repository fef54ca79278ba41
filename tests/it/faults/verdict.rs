//! Was every promise kept? A function of what happened, and of nothing else.

use std::collections::HashMap;
use std::time::Duration;

use super::history::{Act, Event, Felt, Gateway, Moment, Terms, Token};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) requests: usize,
    /// A revoked token was let in when it should have been known.
    pub(super) wrongly_accepted: Vec<String>,
    /// A good token, a right password or a stranger at the public route was turned away other than by 503.
    pub(super) wrongly_refused: Vec<String>,
    /// Revoked tokens that a gateway lets in at the end, or cannot speak of.
    pub(super) lost: Vec<String>,
    /// Of all answers but those to logins.
    pub(super) slowest: Duration,
    pub(super) slowest_login: Duration,
    /// Answers that came too late.
    pub(super) late: Vec<String>,
    /// From the end of the fault until the last gateway that lived let good tokens in, and went on to. `None`: not in this
    /// run.
    pub(super) recovery: Option<Duration>,
    /// The same of the gateway that was started again: it may have to wait until nobody gives anything back any more.
    pub(super) restarted: Option<Duration>,
    /// Times an ended token was tried where it had to be known.
    pub(super) tried: usize,
    /// Requests with a good token that the fault put off by 503.
    pub(super) entries_put_off: usize,
    /// Ends of tokens and logins that it put off.
    pub(super) writes_put_off: usize,
}

/// What was done about one token.
#[derive(Default)]
struct Fate {
    /// When somebody first asked that it be refused.
    asked: Option<Moment>,
    /// Who said that it is, and when.
    acknowledged: Vec<(Gateway, Moment)>,
}

/// Looks through all events.
pub(super) fn judge(events: &[Event], terms: &Terms) -> Verdict {
    let fates = fates(events);
    let nothing = Fate::default();
    let mut verdict = Verdict { requests: events.len(), ..Verdict::default() };
    for event in events {
        if terms.was_dead(event) {
            continue;
        }
        let taken = event.answered.saturating_sub(event.sent);
        let (worst, patience) = match event.act {
            Act::SignIn => (&mut verdict.slowest_login, terms.patience + terms.hashing),
            _ => (&mut verdict.slowest, terms.patience),
        };
        *worst = taken.max(*worst);
        if taken > patience {
            verdict.late.push(told(event, "late"));
        }
        let fate = match event.act {
            Act::Enter(known) | Act::Remember(known) | Act::End(known) => {
                fates.get(&known).unwrap_or(&nothing)
            }
            Act::Look | Act::SignIn => &nothing,
        };
        verdict.weigh(event, fate, terms);
    }
    verdict.lost = lost(events, &fates, terms);
    let (restarted, lived): (Vec<Gateway>, Vec<Gateway>) =
        (0..terms.gateways).partition(|gateway| terms.dead.iter().any(|dead| dead.0 == *gateway));
    verdict.recovery = recovery(&lived, events, &fates, terms);
    verdict.restarted = recovery(&restarted, events, &fates, terms);
    verdict
}

impl Fate {
    /// Whether somebody had asked for its end before the answer.
    fn in_question(&self, event: &Event) -> bool {
        self.asked.is_some_and(|asked| asked <= event.answered)
    }
}

fn fates(events: &[Event]) -> HashMap<Token, Fate> {
    let mut fates = HashMap::<Token, Fate>::new();
    for event in events {
        if let Act::End(token) = event.act {
            let fate = fates.entry(token).or_default();
            fate.asked = Some(fate.asked.map_or(event.sent, |earlier| earlier.min(event.sent)));
            if matches!(event.status, Some(200 | 204)) {
                fate.acknowledged.push((event.gateway, event.answered));
            }
        }
    }
    fates
}

impl Verdict {
    fn weigh(&mut self, event: &Event, fate: &Fate, terms: &Terms) {
        let in_question = fate.in_question(event);
        let in_fault = terms.fault.contains(&event.sent);
        let known = fate.acknowledged.iter().find(|by| terms.must_know(event, **by));
        self.tried += usize::from(known.is_some() && matches!(event.act, Act::Enter(_)));
        match (event.act, event.status) {
            (Act::Enter(_), Some(200)) => {
                if let Some((by, at)) = known {
                    let why = format!("ended at {at:?} by {by}");
                    self.wrongly_accepted.push(told(event, &why));
                }
            }
            (Act::Enter(_), Some(503)) => {
                self.entries_put_off += usize::from(!in_question && in_fault);
            }
            (Act::End(_) | Act::SignIn, Some(503)) => self.writes_put_off += usize::from(in_fault),
            // Without an answer: cut, because its token ended while it was under way.
            (Act::Enter(_) | Act::Remember(_) | Act::End(_), Some(401)) | (Act::Enter(_), None)
                if in_question => {}
            // What a token is remembered as is looked at as a whole.
            (Act::Remember(_), Some(200 | 503))
            | (Act::Look | Act::SignIn, Some(200))
            | (Act::End(_), Some(200 | 204)) => {}
            _ => self.wrongly_refused.push(told(event, "nobody wished it")),
        }
    }

    /// Everything that is not as promised.
    pub(super) fn complaints(&self, terms: &Terms) -> Vec<String> {
        let mut found = Vec::new();
        for (what, those) in [
            ("wrongly accepted", &self.wrongly_accepted),
            ("wrongly refused", &self.wrongly_refused),
            ("lost", &self.lost),
            ("late", &self.late),
        ] {
            if let Some(first) = those.first() {
                found.push(format!("{what}: {}; the first: {first}", those.len()));
            }
        }
        let nothing_felt = match terms.felt {
            Felt::Nowhere => false,
            Felt::InWrites => self.writes_put_off == 0,
            Felt::InEverything => self.writes_put_off == 0 || self.entries_put_off == 0,
        };
        if nothing_felt {
            found.push("the fault was not felt".to_owned());
        }
        if self.tried == 0 {
            found.push("no ended token was tried".to_owned());
        }
        match self.recovery {
            None => found.push("a gateway did not recover at all".to_owned()),
            Some(taken) if taken > terms.recovery => found.push(format!("recovery took {taken:?}")),
            Some(_) => {}
        }
        match self.restarted {
            None => found.push("a gateway that was started again did not recover at all".to_owned()),
            Some(taken) if taken > terms.recovery * 2 => {
                found.push(format!("the gateway started again took {taken:?}"));
            }
            Some(_) => {}
        }
        found
    }
}

impl Terms {
    /// Whether the gateway was dead at some time between question and answer.
    fn was_dead(&self, event: &Event) -> bool {
        let overlaps = |dead: &(Gateway, std::ops::Range<Moment>)| {
            event.sent <= dead.1.end && event.answered >= dead.1.start
        };
        self.dead.iter().any(|dead| dead.0 == event.gateway && overlaps(dead))
    }

    /// Whether who was asked had to know of this acknowledgement: at once if it was their own, soon if another's.
    fn must_know(&self, event: &Event, (by, at): (Gateway, Moment)) -> bool {
        let others = if by == event.gateway { Duration::ZERO } else { self.max_staleness };
        let excused = self.excuses.iter().any(|excuse| {
            let about = excuse.acknowledged.contains(&at) && excuse.by.contains(&by);
            about && excuse.to.contains(&event.gateway) && event.sent < excuse.until
        });
        event.sent > at + others && !excused
    }
}

/// Every ended token that some gateway, asked at the end and for the last time, does not refuse as one.
fn lost(events: &[Event], fates: &HashMap<Token, Fate>, terms: &Terms) -> Vec<String> {
    let mut last = HashMap::new();
    for event in events {
        if let Act::Remember(token) = event.act {
            last.insert((token, event.gateway), event.status);
        }
    }
    let ended = fates.iter().filter(|(_, fate)| !fate.acknowledged.is_empty());
    let everywhere = ended.flat_map(|(token, fate)| (0..terms.gateways).map(move |at| (*token, fate, at)));
    everywhere
        .filter(|(token, _, at)| last.get(&(*token, *at)) != Some(&Some(401)))
        .map(|(token, fate, at)| {
            let answer = last.get(&(token, at));
            format!("token {token} at gateway {at}: {answer:?}, ended (by, at) {:?}", fate.acknowledged)
        })
        .collect()
}

/// When the last of these let good tokens in again and turned none away after that, counted from the fault's end.
fn recovery(
    gateways: &[Gateway],
    events: &[Event],
    fates: &HashMap<Token, Fate>,
    terms: &Terms,
) -> Option<Duration> {
    let is_good = |event: &Event| match event.act {
        Act::Enter(token) => fates.get(&token).is_none_or(|fate| !fate.in_question(event)),
        _ => false,
    };
    let mut longest = Duration::ZERO;
    for &gateway in gateways {
        let mut after: Vec<&Event> = events
            .iter()
            .filter(|event| event.gateway == gateway && event.sent >= terms.fault.end && is_good(event))
            .collect();
        after.sort_by_key(|event| event.sent);
        let failed = after.iter().rposition(|event| event.status != Some(200));
        let first = after.get(failed.map_or(0, |at| at + 1))?;
        longest = longest.max(first.answered.saturating_sub(terms.fault.end));
    }
    Some(longest)
}

fn told(event: &Event, why: &str) -> String {
    format!(
        "gateway {}: {:?} sent at {:?}, answered {:?} at {:?}: {why}",
        event.gateway, event.act, event.sent, event.status, event.answered
    )
}

//! What must hold whatever happens, and what must at least be possible?

use std::cell::RefCell;

use stateright::Property;

use super::orders::{Deed, Order};
use super::world::World;
use super::{Rules, TOKEN, USER};
use crate::revocation::register::State;

pub(super) const BOUND: &str = "revoked is refused within the bound";
pub(super) const LIFTED: &str = "lifted is accepted within the bound";
pub(super) const VERSIONS: &str = "later has the greater version";
pub(super) const VALID: &str = "nothing valid is refused";
pub(super) const KEPT: &str = "in peace, everything acknowledged is everywhere";
pub(super) const EQUAL: &str = "in peace, all sets and the log are equal";
pub(super) const FRESH: &str = "in peace, every gateway serves";

pub(super) const READ: &str = "another gateway has read it";
pub(super) const BEHIND: &str = "a gateway judges that has not read it";
pub(super) const GIVEN_BACK: &str = "the log lost it and has it again";
pub(super) const LOST: &str = "nobody has it any more";
pub(super) const STALE: &str = "a gateway no longer judges";

pub(super) fn all() -> Vec<Property<Rules>> {
    vec![
        Property::always(BOUND, |rules, world| bound(rules, world, State::Revoked)),
        Property::always(LIFTED, |rules, world| bound(rules, world, State::Lifted)),
        Property::always(VERSIONS, |_, world| versions(world)),
        Property::always(VALID, |_, world| valid(world)),
        Property::always(KEPT, |rules, world| at_the_end(rules, world, kept)),
        Property::always(EQUAL, |rules, world| at_the_end(rules, world, equal)),
        Property::always(FRESH, |rules, world| at_the_end(rules, world, fresh)),
    ]
}

/// What shows that the interesting things do happen.
pub(super) fn sights() -> Vec<Property<Rules>> {
    fn any(world: &World, seen: impl Fn(&Order, usize) -> bool) -> bool {
        world.orders.iter().any(|order| {
            order.is_acknowledged() && order.register.is_some() && seen(order, order.deed.subject())
        })
    }
    vec![
        Property::sometimes(READ, |_, world| {
            any(world, |order, subject| {
                world
                    .gateways
                    .iter()
                    .enumerate()
                    .any(|(g, it)| g != order.by && order.is_in(it.set.get(subject)))
            })
        }),
        Property::sometimes(BEHIND, |rules, world| {
            any(world, |order, subject| {
                world
                    .gateways
                    .iter()
                    .any(|it| it.judges(world.now, rules) && !order.is_in(it.set.get(subject)))
            })
        }),
        Property::sometimes(GIVEN_BACK, |_, world| {
            any(world, |order, subject| {
                order.register == world.log.holds(subject) && Some(order.mark) != world.log.mark_of(subject)
            })
        }),
        Property::sometimes(LOST, |_, world| any(world, |order, _| !world.is_left(order))),
        Property::sometimes(STALE, |rules: &Rules, world: &World| {
            world.gateways.iter().any(|it| it.replica.is_ready() && !it.judges(world.now, rules))
        }),
    ]
}

/// The last word on its subject: no order to the contrary is under way with it or comes later.
fn is_last_word(world: &World, number: usize) -> bool {
    let order = &world.orders[number];
    world.orders.iter().enumerate().all(|(i, other)| {
        i == number
            || other.deed == Deed::Login
            || other.deed.subject() != order.deed.subject()
            || other.deed == order.deed
            || order.comes_after(i)
    })
}

/// What was acknowledged longer ago than the bound, and since then was held by somebody who could tell the log, is
/// what every gateway that judges goes by.
fn bound(rules: &Rules, world: &World, state: State) -> bool {
    let due = |order: &Order| {
        let since = order.acknowledged.max(order.held_since);
        order.is_acknowledged() && super::at(world.now) - super::at(since) > rules.max_staleness
    };
    let mut judges = world.gateways.iter().filter(|g| g.judges(world.now, rules)).peekable();
    if judges.peek().is_none() || !rules.matters(world.now) {
        return true;
    }
    let due: Vec<usize> = (0..world.orders.len())
        .filter(|i| {
            matches!(world.orders[*i].deed, Deed::Write(_, s) if s == state) && due(&world.orders[*i])
        })
        .filter(|i| is_last_word(world, *i))
        .collect();
    judges.all(|gateway| {
        due.iter().all(|i| {
            let order = &world.orders[*i];
            let subject = order.deed.subject();
            let logins = world.orders.iter().enumerate();
            let mut earlier = logins
                .filter(|(l, login)| subject == USER && login.deed == Deed::Login && order.comes_after(*l))
                .map(|(_, login)| login.version)
                .chain([1]);
            earlier.all(|version| gateway.refuses(subject, version) == (state == State::Revoked))
        })
    })
}

/// A version drawn after another was acknowledged is greater.
fn versions(world: &World) -> bool {
    world.orders.iter().filter(|later| later.is_acknowledged()).all(|later| {
        world
            .orders
            .iter()
            .enumerate()
            .all(|(i, earlier)| !later.comes_after(i) || earlier.version < later.version)
    })
}

/// Who signed in after all revocations is not refused for them, nor is what nobody revoked.
fn valid(world: &World) -> bool {
    let is_revocation = |order: &Order, subject| order.deed == Deed::Write(subject, State::Revoked);
    let revoked = |subject| world.orders.iter().any(|order| is_revocation(order, subject));
    world.gateways.iter().all(|gateway| {
        let logins = world.orders.iter().filter(|order| order.deed == Deed::Login && order.is_acknowledged());
        (revoked(TOKEN) || !gateway.refuses(TOKEN, 0))
            && logins.clone().all(|login| {
                let named = |(i, order): (usize, &Order)| is_revocation(order, USER) && !login.comes_after(i);
                !gateway.refuses(USER, login.version) || world.orders.iter().enumerate().any(named)
            })
    })
}

thread_local! {
    /// The last course of events looked at, and how it stood when left in peace: three promises ask.
    static LAST: RefCell<Option<(World, World)>> = const { RefCell::new(None) };
}

/// Judged once per course of events, when its time is over.
fn at_the_end(rules: &Rules, world: &World, holds: fn(&Rules, &World, &World) -> bool) -> bool {
    world.now < rules.last
        || LAST.with_borrow_mut(|last| match last {
            Some((before, after)) if before == world => holds(rules, world, after),
            _ => {
                let (_, after) = last.insert((world.clone(), world.left_in_peace(rules)));
                holds(rules, world, after)
            }
        })
}

fn kept(rules: &Rules, world: &World, after: &World) -> bool {
    !rules.matters(after.now)
        || (0..world.orders.len()).filter(|i| world.orders[*i].is_acknowledged()).all(|i| {
            let order = &world.orders[i];
            let Deed::Write(subject, state) = order.deed else { return true };
            let known = after
                .gateways
                .iter()
                .map(|gateway| gateway.set.get(subject))
                .chain([after.log.holds(subject)]);
            !world.is_left(order)
                || known.clone().all(|known| order.is_in(known))
                    && (!is_last_word(world, i) || known.flatten().all(|known| known.state() == state))
        })
}

fn equal(_: &Rules, _: &World, after: &World) -> bool {
    let log = [USER, TOKEN].map(|subject| after.log.holds(subject));
    after.gateways.iter().all(|gateway| gateway.set.registers() == log)
}

fn fresh(rules: &Rules, _: &World, after: &World) -> bool {
    after.gateways.iter().all(|gateway| {
        gateway.judges(after.now, rules) && gateway.replica.position() == Some(after.log.end())
    })
}

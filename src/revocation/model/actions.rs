//! What may happen next?

use stateright::{Model, Property};

use super::gateway::{Gateway, Journal, Phase};
use super::log::Log;
use super::orders::{Deed, Order, Stage};
use super::world::World;
use super::{Rules, TOKEN, USER};
use crate::revocation::register::State;

/// How often things may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    /// Revocations and lifts.
    pub(super) writes: u8,
    pub(super) logins: u8,
    /// Exchanges and writes during which other things happen.
    pub(super) slow: u8,
    /// Writes that get no answer.
    pub(super) unanswered: u8,
    /// Servers of the log started again or replaced, with everything or without the last writes.
    pub(super) restarts: u8,
    pub(super) flushes: u8,
    /// Servers whose clock lags behind.
    pub(super) clocks: u8,
    pub(super) trims: u8,
    /// Gateways killed.
    pub(super) crashes: u8,
    /// Gateways cut off from the log.
    pub(super) cuts: u8,
}

impl Budget {
    /// What may happen, and how often.
    pub(super) fn in_words(&self) -> String {
        let Self { writes, logins, slow, unanswered, restarts, flushes, clocks, trims, crashes, cuts } =
            *self;
        let all = [
            (writes, "write"),
            (logins, "sign-in"),
            (slow, "slow"),
            (unanswered, "unanswered"),
            (restarts, "restart"),
            (flushes, "flush"),
            (clocks, "clock back"),
            (trims, "trim"),
            (crashes, "kill"),
            (cuts, "cut"),
        ];
        let named = all.into_iter().filter(|(count, _)| *count > 0);
        named.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// The next second; at its beginning, every gateway that waits for nothing asks the log.
    Tick,
    /// A gateway asks, and takes in the answer, until it has nothing more to ask.
    Exchange(usize),
    /// The same, but with time between its steps.
    Begin(usize),
    Step(usize),
    /// What it waited for does not come.
    NoAnswer(usize),
    /// A client's wish, done at once.
    Do(usize, Deed),
    /// The same, but with time between its steps.
    Send(usize, Deed),
    Taken(usize),
    Acknowledged(usize),
    GivenUp(usize),
    /// Sent again, because the server broke the connection.
    Again(usize),
    Restart,
    /// To what was there before the write of this number.
    FallBack(usize),
    Flush,
    ClockBack,
    Trim,
    Crash(usize, Kept),
    Start(usize),
    Cut(usize),
    Mend(usize),
}

/// What is left of a gateway's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kept {
    All,
    NotTheLast,
    Nothing,
}

const DEEDS: [Deed; 5] = [
    Deed::Write(TOKEN, State::Revoked),
    Deed::Write(TOKEN, State::Lifted),
    Deed::Write(USER, State::Revoked),
    Deed::Write(USER, State::Lifted),
    Deed::Login,
];

impl Model for Rules {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let mut log = Log::new();
        let mut gateways = vec![Gateway::start(Journal::default()); self.gateways];
        for gateway in &mut gateways {
            gateway.exchange(&mut log, 0, self, &mut 0);
        }
        vec![World { now: 0, log, gateways, orders: Vec::new(), left: self.budget, marks: 0 }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let left = world.left;
        if world.now < self.last {
            actions.push(Action::Tick);
        }
        for (g, gateway) in world.gateways.iter().enumerate() {
            gateway_actions(gateway, g, left, actions);
            if gateway.up && gateway.connected {
                for deed in DEEDS.into_iter().filter(|deed| self.deeds.contains(deed) && world.affords(*deed))
                {
                    actions.push(Action::Do(g, deed));
                    if left.slow > 0 && deed != Deed::Login {
                        actions.push(Action::Send(g, deed));
                    }
                }
            }
        }
        for (i, order) in world.orders.iter().enumerate() {
            order_actions(order, i, world, actions);
        }
        if left.restarts > 0 {
            actions.push(Action::Restart);
            actions.extend((0..world.log.copies()).map(Action::FallBack));
        }
        for (affordable, action) in
            [(left.flushes, Action::Flush), (left.clocks, Action::ClockBack), (left.trims, Action::Trim)]
        {
            if affordable > 0 {
                actions.push(action);
            }
        }
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        world.act(action, self);
        world.look_who_holds_what();
        let idle = matches!(action, Action::Exchange(g) if world.brought_nothing(before, g));
        (!idle && world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = super::promises::all();
        all.extend(super::promises::sights().into_iter().filter(|sight| self.sights.contains(&sight.name)));
        all
    }
}

fn gateway_actions(gateway: &Gateway, g: usize, left: Budget, actions: &mut Vec<Action>) {
    if !gateway.up {
        actions.push(Action::Start(g));
        return;
    }
    if !gateway.connected {
        actions.push(Action::Mend(g));
    } else if gateway.is_busy() {
        actions.extend([Action::Step(g), Action::NoAnswer(g)]);
    }
    if gateway.connected && gateway.phase == Phase::Between {
        actions.push(Action::Exchange(g));
        if left.slow > 0 && gateway.giving.is_none() {
            actions.push(Action::Begin(g));
        }
    }
    if left.cuts > 0 && gateway.connected {
        actions.push(Action::Cut(g));
    }
    if left.crashes > 0 {
        actions.extend([Kept::All, Kept::NotTheLast, Kept::Nothing].map(|kept| Action::Crash(g, kept)));
    }
}

fn order_actions(order: &Order, i: usize, world: &World, actions: &mut Vec<Action>) {
    let reached = world.gateways[order.by].connected;
    match order.stage {
        Stage::Sent if reached => actions.push(Action::Taken(i)),
        Stage::Taken if order.epoch != world.log.epoch => {
            actions.extend([Action::Acknowledged(i), Action::Again(i)]);
        }
        Stage::Taken => actions.push(Action::Acknowledged(i)),
        Stage::GivenUp if order.register.is_none() => actions.push(Action::Taken(i)),
        _ => {}
    }
    if world.left.unanswered > 0 && matches!(order.stage, Stage::Sent | Stage::Taken) {
        actions.push(Action::GivenUp(i));
    }
}

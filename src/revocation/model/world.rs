//! What comes of what happens?
//!
//! Everything beyond the plain course of things is paid for from a [`Budget`], so that there is an end to it.

use super::actions::{Action, Budget, Kept};
use super::gateway::{Gateway, Journal, Phase};
use super::log::Log;
use super::orders::{Deed, Order, Stage};
use super::{Plant, Rules, Tick, mark};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) now: Tick,
    pub(super) log: Log,
    pub(super) gateways: Vec<Gateway>,
    pub(super) orders: Vec<Order>,
    pub(super) left: Budget,
    pub(super) marks: u64,
}

impl World {
    /// What brings nothing is asked once a second, by [`Action::Tick`].
    pub(super) fn brought_nothing(&self, before: &Self, g: usize) -> bool {
        let (now, then) = (&self.gateways[g], &before.gateways[g]);
        let stands = |gateway: &Gateway| (gateway.replica.position(), gateway.replica.is_ready());
        self.log == before.log && now.set == then.set && stands(now) == stands(then)
    }

    pub(super) fn affords(&self, deed: Deed) -> bool {
        match deed {
            Deed::Login => self.left.logins > 0,
            Deed::Write(..) => self.left.writes > 0,
        }
    }

    pub(super) fn act(&mut self, action: Action, rules: &Rules) {
        match action {
            Action::Tick => self.tick(rules),
            Action::Exchange(g) => self.gateways[g].exchange(&mut self.log, self.now, rules, &mut self.marks),
            Action::Begin(g) => {
                self.left.slow -= 1;
                self.gateways[g].go_on(&mut self.log, self.now, rules, &mut self.marks);
            }
            Action::Step(g) => self.gateways[g].go_on(&mut self.log, self.now, rules, &mut self.marks),
            Action::NoAnswer(g) => self.gateways[g].stop_waiting(),
            Action::Do(g, deed) => self.at_once(g, deed, rules),
            Action::Send(g, deed) => {
                self.left.slow -= 1;
                self.send(g, deed, rules);
            }
            Action::Taken(i) => self.taken(i, rules),
            Action::Acknowledged(i) => self.acknowledged(i),
            Action::GivenUp(i) => {
                self.left.unanswered -= 1;
                self.give_up(i);
            }
            Action::Again(i) => self.again(i, rules),
            Action::Crash(g, kept) => self.crash(g, kept),
            Action::Start(g) => {
                let journal = std::mem::take(&mut self.gateways[g].journal);
                self.gateways[g] = Gateway::start(journal);
            }
            Action::Cut(g) => {
                self.left.cuts -= 1;
                self.gateways[g].connected = false;
                self.gateways[g].stop_waiting();
            }
            Action::Mend(g) => {
                self.gateways[g].connected = true;
                self.gateways[g].late = true;
            }
            Action::Restart | Action::FallBack(_) | Action::Flush | Action::ClockBack | Action::Trim => {
                self.server_fails(action, rules);
            }
        }
        if self.left.restarts == 0 {
            self.log.forget_copies();
        }
    }

    fn tick(&mut self, rules: &Rules) {
        self.now += 1;
        self.log.tick();
        let wall = rules.wall(self.now);
        self.log.expire(|register| register.is_over(rules.wall(self.now.saturating_sub(1))));
        for gateway in &mut self.gateways {
            gateway.late |= gateway.is_busy();
            if gateway.set.registers().iter().flatten().any(|register| register.is_over(wall)) {
                gateway.set.with(|index| (0..super::SUBJECTS).for_each(|shard| index.sweep(shard, wall)));
            }
        }
        // Whoever is met again below was missing until now.
        self.look_who_holds_what();
        for g in 0..self.gateways.len() {
            let gateway = &mut self.gateways[g];
            if gateway.up && gateway.connected && gateway.phase == Phase::Between {
                gateway.exchange(&mut self.log, self.now, rules, &mut self.marks);
            }
        }
    }

    fn server_fails(&mut self, action: Action, rules: &Rules) {
        let left = &mut self.left;
        match action {
            Action::FallBack(copy) => {
                left.restarts -= 1;
                self.log.restart(Some(copy));
            }
            Action::Flush => {
                left.flushes -= 1;
                self.log.flush();
            }
            Action::ClockBack => {
                left.clocks -= 1;
                self.log.clock_back();
            }
            Action::Trim => {
                left.trims -= 1;
                self.log.trim(|register| register.is_over(rules.wall(self.now)));
            }
            _ => {
                left.restarts -= 1;
                self.log.restart(None);
            }
        }
    }

    fn crash(&mut self, g: usize, kept: Kept) {
        self.left.crashes -= 1;
        for i in 0..self.orders.len() {
            if self.orders[i].by == g {
                self.orders[i].give_up();
            }
        }
        let mut journal = std::mem::take(&mut self.gateways[g].journal);
        match kept {
            Kept::All => journal.stop(true),
            Kept::NotTheLast => journal.stop(false),
            Kept::Nothing => journal = Journal::default(),
        }
        // Down, it is nothing but its journal.
        self.gateways[g] = Gateway { up: false, ..Gateway::start(journal) };
    }

    fn send(&mut self, g: usize, deed: Deed, rules: &Rules) {
        self.marks += 1;
        let mark = mark(self.marks);
        let gateway = &mut self.gateways[g];
        match deed {
            Deed::Login => self.left.logins -= 1,
            Deed::Write(..) => {
                self.left.writes -= 1;
                if !rules.planted(Plant::OwnMarksForgotten) {
                    gateway.replica.write_begins(mark);
                }
            }
        }
        let known = gateway.set.get(deed.subject()).map(|known| known.expires());
        let expires = known.map_or(rules.expires, |known| known.max(rules.expires));
        let before = self.orders.iter().map(|order| order.stage == Stage::Acknowledged).collect();
        let (floor, epoch) = (gateway.set.highest(), self.log.epoch);
        self.orders.push(Order::new((g, deed), (floor, expires, mark), before, epoch));
    }

    fn taken(&mut self, i: usize, rules: &Rules) {
        let order = &mut self.orders[i];
        let floor = if rules.planted(Plant::NoFloor) { 0 } else { order.floor };
        match order.deed {
            Deed::Login => order.version = self.log.draw(floor),
            Deed::Write(subject, state) => {
                let register = self.log.append((subject, state), order.expires, floor, order.mark);
                order.register = Some(register);
                order.version = register.version();
            }
        }
        if order.stage == Stage::Sent {
            (order.stage, order.epoch) = (Stage::Taken, self.log.epoch);
        }
    }

    fn acknowledged(&mut self, i: usize) {
        let order = &mut self.orders[i];
        let gateway = &mut self.gateways[order.by];
        match order.register {
            Some(register) => gateway.acknowledged(register, order.mark, self.now),
            None => gateway.set.has_seen(order.version),
        }
        order.stage = Stage::Acknowledged;
        (order.acknowledged, order.held_since) = (self.now, self.now);
    }

    fn at_once(&mut self, g: usize, deed: Deed, rules: &Rules) {
        self.send(g, deed, rules);
        let last = self.orders.len() - 1;
        self.taken(last, rules);
        self.acknowledged(last);
    }

    fn give_up(&mut self, i: usize) {
        let order = &mut self.orders[i];
        order.give_up();
        self.gateways[order.by].replica.write_failed(order.mark);
    }

    /// The connection's own second attempt.
    fn again(&mut self, i: usize, rules: &Rules) {
        if !rules.planted(Plant::SameMark) {
            self.marks += 1;
            let order = &mut self.orders[i];
            let replica = &mut self.gateways[order.by].replica;
            replica.write_failed(order.mark);
            order.mark = mark(self.marks);
            replica.write_begins(order.mark);
        }
        self.orders[i].stage = Stage::Sent;
        if self.gateways[self.orders[i].by].connected {
            self.taken(i, rules);
        }
    }

    /// Notes of every order when it was last held by nobody who could tell the log.
    pub(super) fn look_who_holds_what(&mut self) {
        for i in 0..self.orders.len() {
            if self.orders[i].stage == Stage::Acknowledged && !self.is_held(&self.orders[i]) {
                self.orders[i].held_since = self.now;
            }
        }
    }

    fn is_held(&self, order: &Order) -> bool {
        let subject = order.deed.subject();
        order.is_in(self.log.holds(subject))
            || self.gateways.iter().any(|g| g.reaches_the_log() && order.is_in(g.set.get(subject)))
    }

    /// Whether anybody or anything still has it.
    pub(super) fn is_left(&self, order: &Order) -> bool {
        let subject = order.deed.subject();
        let held = |g: &Gateway| order.is_in(if g.up { g.set.get(subject) } else { g.journal.get(subject) });
        order.is_in(self.log.holds(subject)) || self.gateways.iter().any(held)
    }

    /// How it goes on when nothing more goes wrong.
    pub(super) fn left_in_peace(&self, rules: &Rules) -> Self {
        let mut world = self.clone();
        for i in 0..world.orders.len() {
            if matches!(world.orders[i].stage, Stage::Sent | Stage::Taken) {
                world.give_up(i);
            }
        }
        for gateway in &mut world.gateways {
            if !gateway.up {
                *gateway = Gateway::start(std::mem::take(&mut gateway.journal));
            }
            gateway.connected = true;
            gateway.stop_waiting();
        }
        for _ in 0..PEACE {
            world.tick(rules);
        }
        world
    }
}

/// How many seconds of peace must be enough: to notice, to give back, to read, and to be sure of it.
const PEACE: u8 = 4;

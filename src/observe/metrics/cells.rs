//! How is a request counted without looking a label up? Each route keeps the handles it has used.
//!
//! A route of which no request came takes one pointer: ten thousand routes cost no more than the ten that are used.

use std::sync::OnceLock;

use prometheus::{Histogram, IntCounter};

use super::families::Families;
use super::{Finished, MethodLabel};
use crate::access::Reason;

/// How many different statuses of one route and method have a cell; a route that answers more of them looks the rest
/// up by label.
const STATUSES: usize = 16;

/// One route's handles.
pub(super) struct RouteCells {
    name: String,
    used: OnceLock<Box<Used>>,
}

struct Used {
    duration: Histogram,
    decisions: [OnceLock<IntCounter>; Reason::ALL.len()],
    methods: [OnceLock<Box<Statuses>>; MethodLabel::COUNT],
}

type Statuses = [OnceLock<(u16, IntCounter)>; STATUSES];

impl RouteCells {
    pub(super) const fn new(name: String) -> Self {
        Self { name, used: OnceLock::new() }
    }

    pub(super) fn count(&self, families: &Families, request: &Finished) {
        let used = self.used.get_or_init(|| {
            Box::new(Used {
                duration: families.durations.with_label_values(&[&self.name]),
                decisions: [const { OnceLock::new() }; Reason::ALL.len()],
                methods: [const { OnceLock::new() }; MethodLabel::COUNT],
            })
        });
        used.duration.observe(request.seconds);
        let decision = used.decisions[request.reason as usize].get_or_init(|| {
            let decision = if request.reason.allows() { "allow" } else { "deny" };
            families.decisions.with_label_values(&[&self.name, decision, request.reason.as_str()])
        });
        decision.inc();
        let method = used.methods[request.method as usize]
            .get_or_init(|| Box::new([const { OnceLock::new() }; STATUSES]));
        self.count_status(families, method, request);
    }

    fn count_status(&self, families: &Families, cells: &Statuses, request: &Finished) {
        let resolve = || {
            let code = request.status.to_string();
            families.requests.with_label_values(&[self.name.as_str(), request.method.as_str(), &code])
        };
        for cell in cells {
            // Two threads may want the same free cell; the one that loses finds the winner's status in it, and goes on
            // to the next if that is not its own.
            let (status, counter) = cell.get_or_init(|| (request.status, resolve()));
            if *status == request.status {
                return counter.inc();
            }
        }
        resolve().inc();
    }
}

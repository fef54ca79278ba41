//! Who is the primary now?
//!
//! All sentinels, or all nodes of the cluster that the address names, are asked at once: one that is silent costs a
//! fraction of a second, whoever else answers. Of sentinels that differ, the one that saw the latest election is
//! believed; of nodes, the most.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use redis::{FromRedisValue, Value};
use tokio_rustls::TlsConnector;

use super::address::{Address, Guide, Node};
use super::advice::{Advice, Survey};
use super::dial::{Visitor, Wire};
use super::{Failure, tls};
use crate::clock;

/// How long one of those asked may take, connecting included.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long the others are waited for, once one has answered.
const OTHERS: Duration = Duration::from_millis(100);
/// How old an answer may be while a connection stands.
const GOOD_FOR: Duration = Duration::from_millis(800);

/// The slot of `{gatepass}`, the tag of all keys: CRC-16/XMODEM of `gatepass`, modulo 16384.
const SLOT: u64 = 1469;

/// Where a Redis is, and what is known of it now: shared by all links that go there.
pub(crate) struct Place {
    address: Address,
    tls: Option<TlsConnector>,
    /// Against which its replicas' lag is judged; none where another looks at its settings.
    max_staleness: Option<Duration>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    primary: Option<Node>,
    asked: Option<Instant>,
    advice: Vec<Advice>,
    unknown: Vec<&'static str>,
}

impl Place {
    /// Reads the CAs; connects to nothing yet. Without `max_staleness` nothing is said of the server's settings: for
    /// links that go where another looks at them.
    pub(crate) fn new(
        address: Address,
        ca: Option<&Path>,
        max_staleness: Option<Duration>,
    ) -> Result<Arc<Self>, Failure> {
        let tls = address.tls.then(|| tls::connector(ca)).transpose()?;
        Ok(Arc::new(Self { address, tls, max_staleness, known: Mutex::default() }))
    }

    /// Whether the primary may become another.
    pub(crate) fn roves(&self) -> bool {
        self.address.roves()
    }

    /// What was found amiss at the last connection.
    pub(crate) fn advice(&self) -> Vec<Advice> {
        self.known().advice.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects to the primary and looks at it. Whoever calls this sets the deadline.
    pub(super) async fn connect(&self) -> Result<(Node, Wire, Survey), Failure> {
        let node = self.locate().await?;
        let address = &self.address;
        let visitor = Visitor {
            user: address.user.as_deref(),
            password: address.password.as_ref(),
            database: address.database,
        };
        let wire = Wire::dial(&node, self.tls.as_ref(), visitor).await?;
        let answers = wire.send(&Survey::questions()).await.map_err(|error| Failure::from(&error))?;
        let survey = Survey::of(answers);
        survey.check_version()?;
        if self.roves() && survey.is_primary() != Some(true) {
            return Err(Failure("Redis: what was said to be the primary is none".into()));
        }
        self.note(&survey);
        Ok((node, wire, survey))
    }

    /// Says what is to be changed at the server, once as long as nothing else is.
    fn note(&self, survey: &Survey) {
        let Some(max_staleness) = self.max_staleness else { return };
        let advice = survey.advice(self.roves(), max_staleness);
        let unknown = survey.unknown();
        let mut known = self.known();
        for new in advice.iter().filter(|advice| !known.advice.contains(advice)) {
            tracing::warn!(warning = new.warning, "Redis: {}", new.text);
        }
        if known.unknown != unknown && !unknown.is_empty() {
            tracing::info!("Redis: could not check {}: the server does not show it", unknown.join(", "));
        }
        known.advice = advice;
        known.unknown = unknown;
    }

    /// Whether the primary is another than `node`, as far as is known. Has it asked again, in the background, if the
    /// last answer is old.
    pub(super) fn has_moved_from(self: &Arc<Self>, node: &Node) -> bool {
        if !self.roves() {
            return false;
        }
        let mut known = self.known();
        if known.asked.is_none_or(|at| clock::instant().duration_since(at) >= GOOD_FOR) {
            // Taken at once, so that only one asks.
            known.asked = Some(clock::instant());
            let place = Arc::clone(self);
            tokio::spawn(async move {
                // Nobody answers: then the connection goes on while it does.
                let _ = place.locate().await;
            });
        }
        known.primary.as_ref().is_some_and(|primary| primary != node)
    }

    async fn locate(&self) -> Result<Node, Failure> {
        let mut asking: FuturesUnordered<_> = match &self.address.guide {
            Guide::Fixed => return Ok(self.address.hosts[0].clone()),
            Guide::Sentinel(_) | Guide::Cluster => {
                self.address.hosts.iter().map(|host| tokio::time::timeout(PATIENCE, self.ask(host))).collect()
            }
        };
        let mut answers = Vec::new();
        let mut refusal = None;
        let hear = async |asking: &mut FuturesUnordered<_>, answers: &mut Vec<_>, refusal: &mut Option<_>| {
            while let Some(answer) = asking.next().await {
                match answer {
                    Ok(Ok(found)) => return answers.push(found),
                    Ok(Err(failure)) => *refusal = Some(failure),
                    Err(tokio::time::error::Elapsed { .. }) => {}
                }
            }
        };
        hear(&mut asking, &mut answers, &mut refusal).await;
        let others = async {
            while !asking.is_empty() {
                hear(&mut asking, &mut answers, &mut refusal).await;
            }
        };
        let _ = tokio::time::timeout(OTHERS, others).await;
        let found = choose(&answers).ok_or_else(|| {
            refusal.unwrap_or_else(|| Failure("Redis: nobody who was asked says where the primary is".into()))
        })?;
        let mut known = self.known();
        known.primary = Some(found.clone());
        known.asked = Some(clock::instant());
        Ok(found)
    }

    /// One sentinel's or node's answer, and of which election it is.
    async fn ask(&self, host: &Node) -> Result<(Node, u64), Failure> {
        let address = &self.address;
        let visitor = match address.guide {
            Guide::Sentinel(_) => {
                Visitor { password: address.sentinel_password.as_ref(), ..Visitor::default() }
            }
            Guide::Fixed | Guide::Cluster => {
                Visitor { user: address.user.as_deref(), password: address.password.as_ref(), database: 0 }
            }
        };
        let wire = Wire::dial(host, self.tls.as_ref(), visitor).await?;
        let mut question = redis::pipe();
        match &address.guide {
            Guide::Sentinel(master) => question.cmd("SENTINEL").arg("MASTER").arg(master),
            Guide::Fixed | Guide::Cluster => question.cmd("CLUSTER").arg("SLOTS"),
        };
        let answer =
            wire.send(&question).await.and_then(|mut answers| answers.pop().unwrap_or(Ok(Value::Nil)));
        let answer = answer.map_err(|error| Failure::from(&error))?;
        let found = match &address.guide {
            Guide::Sentinel(_) => sentinel_says(answer),
            Guide::Fixed | Guide::Cluster => node_says(answer, host),
        };
        found.ok_or_else(|| Failure("Redis: nobody who was asked knows a primary".into()))
    }
}

/// Of those with the latest election, the one most name.
fn choose(answers: &[(Node, u64)]) -> Option<Node> {
    let latest = answers.iter().map(|(_, election)| *election).max()?;
    let mut votes: HashMap<&Node, usize> = HashMap::new();
    for (node, _) in answers.iter().filter(|(_, election)| *election == latest) {
        *votes.entry(node).or_default() += 1;
    }
    votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(node, _)| node.clone())
}

/// `SENTINEL MASTER`: names and values in turn.
fn sentinel_says(reply: Value) -> Option<(Node, u64)> {
    let fields = HashMap::<String, String>::from_redis_value(reply).ok()?;
    let node = Node { host: fields.get("ip")?.clone(), port: fields.get("port")?.parse().ok()? };
    Some((node, fields.get("config-epoch")?.parse().ok()?))
}

/// `CLUSTER SLOTS`: first and last slot, then the nodes that have them, the primary first. A node that does not know
/// its own name leaves it out.
fn node_says(reply: Value, asked: &Node) -> Option<(Node, u64)> {
    let ranges = Vec::<Vec<Value>>::from_redis_value(reply).ok()?;
    for range in ranges {
        let mut parts = range.into_iter();
        let mut number = || u64::from_redis_value(parts.next()?).ok();
        let (first, last) = (number()?, number()?);
        if !(first..=last).contains(&SLOT) {
            continue;
        }
        let mut primary = Vec::<Value>::from_redis_value(parts.next()?).ok()?.into_iter();
        let host = Option::<String>::from_redis_value(primary.next()?).ok()?;
        let host = host.filter(|host| !host.is_empty() && host != "?").unwrap_or_else(|| asked.host.clone());
        let port = u16::from_redis_value(primary.next()?).ok()?;
        return Some((Node { host, port }, 0));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: &str) -> Node {
        Node { host: host.into(), port: 1 }
    }

    #[test]
    fn the_latest_election_counts_then_the_most() {
        assert_eq!(choose(&[]), None);
        let late = [(node("old"), 3), (node("new"), 4), (node("old"), 3)];
        assert_eq!(choose(&late), Some(node("new")));
        let most = [(node("a"), 0), (node("b"), 0), (node("b"), 0)];
        assert_eq!(choose(&most), Some(node("b")));
    }

    #[test]
    fn the_node_of_our_slot() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let range = |first, last, host: Value| {
            let primary = Value::Array(vec![host, Value::Int(7), text("id")]);
            Value::Array(vec![Value::Int(first), Value::Int(last), primary])
        };
        let reply = Value::Array(vec![range(0, 1468, text("a")), range(1469, 16383, text("b"))]);
        assert_eq!(node_says(reply, &node("seed")).unwrap().0, Node { host: "b".into(), port: 7 });
        let unnamed = Value::Array(vec![range(0, 16383, Value::Nil)]);
        assert_eq!(node_says(unnamed, &node("seed")).unwrap().0.host, "seed");
        assert!(node_says(Value::Array(vec![range(0, 1468, text("a"))]), &node("seed")).is_none());
    }
}

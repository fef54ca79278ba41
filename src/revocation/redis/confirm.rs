//! How is a write confirmed by replicas before it is called done?
//!
//! The scripts of all who write at the same time go down one connection, which nobody else uses, and one `WAIT` (or
//! `WAITAOF`) behind them: it covers whatever was written before it on its connection. So a replica that is slow costs
//! each writer at most two waits, however many they are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{Cmd, FromRedisValue, Script, Value};
use tokio::sync::oneshot;

use crate::redis_link::{Call, Failure, Link, Survey};
use crate::revocation::Confirm;

/// Scripts in one go.
const MOST: usize = 64;

/// What the server answered to a script, and whether enough replicas have it: if not, how it stands, in words.
pub(super) type Written = Result<(Value, Result<(), String>), Failure>;

/// The queue of writers and the connection.
#[derive(Clone)]
pub(super) struct Confirmer(Arc<Inner>);

struct Inner {
    link: Link,
    script: Script,
    confirm: Confirm,
    /// How long the scripts may take.
    write: Duration,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Writer>,
    /// Whether a task is sending.
    busy: bool,
}

/// Makes the command, anew for every attempt.
pub(super) type Making = Box<dyn Fn() -> Cmd + Send + Sync>;

struct Writer {
    command: Making,
    answer: oneshot::Sender<Written>,
}

impl Confirmer {
    pub(super) fn new(link: Link, script: Script, confirm: Confirm, write: Duration) -> Self {
        Self(Arc::new(Inner { link, script, confirm, write, queue: Mutex::default() }))
    }

    /// Runs the script by what `command` makes, and waits for its replicas.
    pub(super) async fn write(&self, command: Making) -> Written {
        let (answer, answered) = oneshot::channel();
        let idle = {
            let mut queue = self.0.queue();
            queue.waiting.push(Writer { command, answer });
            !std::mem::replace(&mut queue.busy, true)
        };
        if idle {
            // A task of its own: a writer that goes away must not take the others with it.
            tokio::spawn(Arc::clone(&self.0).send_all());
        }
        let most = self.0.write + self.0.confirm.within * 2;
        match tokio::time::timeout(most, answered).await {
            Ok(Ok(written)) => written,
            Ok(Err(_)) | Err(_) => Err(Failure(format!("no reply within {} ms", most.as_millis()))),
        }
    }
}

impl Inner {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends until nobody waits.
    async fn send_all(self: Arc<Self>) {
        loop {
            let writers: Vec<Writer> = {
                let mut queue = self.queue();
                // Those who have given up are not written for.
                queue.waiting.retain(|writer| !writer.answer.is_closed());
                if queue.waiting.is_empty() {
                    queue.busy = false;
                    return;
                }
                let count = queue.waiting.len().min(MOST);
                queue.waiting.drain(..count).collect()
            };
            self.send(writers).await;
        }
    }

    async fn send(&self, writers: Vec<Writer>) {
        let commands = |survey: &Survey| {
            let scripts = writers.iter().map(|writer| (writer.command)());
            scripts.chain([wait(&self.confirm, survey)]).collect()
        };
        let call = Call { commands: &commands, script: Some(&self.script) };
        let mut replies = match self.link.call(call, self.write + self.confirm.within).await {
            Ok(replies) => replies,
            Err(failure) => {
                for writer in writers {
                    let _ = writer.answer.send(Err(failure.clone()));
                }
                return;
            }
        };
        let confirmed = match replies.pop() {
            Some(Ok(reply)) => judge(&self.confirm, reply),
            Some(Err(failure)) => Err(format!("not known to be on any replica: {failure}")),
            None => Err("not known to be on any replica".to_owned()),
        };
        for (writer, reply) in writers.into_iter().zip(replies) {
            let _ = writer.answer.send(reply.map(|value| (value, confirmed.clone())));
        }
    }
}

/// `WAITAOF`, which waits for disks, where there is one; else `WAIT`.
fn wait(confirm: &Confirm, survey: &Survey) -> Cmd {
    let millis = u64::try_from(confirm.within.as_millis()).unwrap_or(u64::MAX);
    let mut command = Cmd::new();
    if survey.can_wait_for_files() {
        command.arg("WAITAOF").arg(1);
    } else {
        command.arg("WAIT");
    }
    command.arg(confirm.replicas).arg(millis);
    command
}

/// `WAIT` says how many replicas, `WAITAOF` how many disks: its own (0 or 1), and those of replicas.
fn judge(confirm: &Confirm, reply: Value) -> Result<(), String> {
    let within = confirm.within.as_millis();
    let (own, replicas) = match reply {
        Value::Array(_) => <(u32, u32)>::from_redis_value(reply).unwrap_or_default(),
        reply => (1, u32::from_redis_value(reply).unwrap_or_default()),
    };
    if replicas < confirm.replicas {
        let plural = if confirm.replicas == 1 { "replica" } else { "replicas" };
        return Err(format!("confirmed by {replicas} of {} {plural} within {within} ms", confirm.replicas));
    }
    if own == 0 {
        return Err(format!("not on the primary's disk within {within} ms"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Confirm = Confirm { replicas: 2, within: Duration::from_millis(150) };

    #[test]
    fn too_few_are_counted() {
        assert_eq!(judge(&TWO, Value::Int(2)), Ok(()));
        assert_eq!(judge(&TWO, Value::Int(1)), Err("confirmed by 1 of 2 replicas within 150 ms".into()));
        let disks = |own, others| Value::Array(vec![Value::Int(own), Value::Int(others)]);
        assert_eq!(judge(&TWO, disks(1, 2)), Ok(()));
        assert_eq!(judge(&TWO, disks(1, 0)), Err("confirmed by 0 of 2 replicas within 150 ms".into()));
        assert_eq!(judge(&TWO, disks(0, 2)), Err("not on the primary's disk within 150 ms".into()));
        assert!(judge(&TWO, Value::Nil).is_err());
    }

    #[test]
    fn without_a_file_there_is_wait() {
        let packed = wait(&TWO, &Survey::default()).get_packed_command();
        assert_eq!(packed, b"*3\r\n$4\r\nWAIT\r\n$1\r\n2\r\n$3\r\n150\r\n");
    }
}

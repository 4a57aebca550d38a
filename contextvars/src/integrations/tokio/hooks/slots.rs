//! [`Slots`]: the contexts of the tasks of a runtime that are not being polled.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::mem;
use std::sync::PoisonError;

use super::sync::{Condvar, Mutex, MutexGuard};
use super::{Context, Id};

/// A power of two.
const SHARDS: usize = 32;

/// The contexts of a runtime's tasks, by the tasks' ids.
pub(super) struct Slots {
    /// A task is in the shard given by the hash of its id.
    shards: [Shard; SHARDS],
}

#[derive(Default)]
struct Shard {
    slots: Mutex<HashMap<Id, Slot, ById>>,
    /// Notified when a context is put back for which a thread waits.
    came_back: Condvar,
}

/// A task's context, or the fact that a thread has it.
enum Slot {
    Here(Context),
    /// A thread that polls the task has the context.
    Away {
        is_awaited: bool,
    },
}

impl Slots {
    pub(super) fn new() -> Self {
        Self { shards: Default::default() }
    }

    /// Keeps a new task's context.
    pub(super) fn insert(&self, id: Id, context: Context) {
        let former = self.shard(id).lock().insert(id, Slot::Here(context));
        drop(former);
    }

    /// Takes a task's context out, to poll the task. Returns `None` if the task has ended.
    ///
    /// A task that was woken during a poll can be polled on another thread before the first thread has called the hook
    /// that follows the poll; then this waits for that thread, which only runs tokio's own bookkeeping meanwhile.
    pub(super) fn take(&self, id: Id) -> Option<Context> {
        let shard = self.shard(id);
        let mut slots = shard.lock();
        loop {
            match slots.get_mut(&id)? {
                Slot::Away { is_awaited } => *is_awaited = true,
                slot @ Slot::Here(_) => match mem::replace(slot, Slot::Away { is_awaited: false }) {
                    Slot::Here(context) => return Some(context),
                    Slot::Away { .. } => {}
                },
            }
            slots = shard.came_back.wait(slots).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts a task's context back after a poll, or returns it if the task has ended.
    pub(super) fn put_back(&self, id: Id, context: Context) -> Option<Context> {
        let shard = self.shard(id);
        let mut slots = shard.lock();
        let Some(slot) = slots.get_mut(&id) else { return Some(context) };
        if let Slot::Away { is_awaited: true } = mem::replace(slot, Slot::Here(context)) {
            shard.came_back.notify_all();
        }
        None
    }

    /// Removes a task that has ended, and returns its context, unless a thread that is polling the task has it. Returns
    /// `None` if the task was not in the table.
    pub(super) fn remove(&self, id: Id) -> Option<Removed> {
        let shard = self.shard(id);
        let removed = shard.lock().remove(&id)?;
        Some(match removed {
            Slot::Here(context) => Removed::Context(context),
            Slot::Away { is_awaited } => {
                if is_awaited {
                    shard.came_back.notify_all();
                }
                Removed::Away
            }
        })
    }

    fn shard(&self, id: Id) -> &Shard {
        // The hash table uses the lowest and the highest bits of the hash.
        let hash = ById::default().hash_one(id) >> 32;
        &self.shards[usize::try_from(hash).unwrap_or_default() % SHARDS]
    }
}

/// The context of a task that has ended.
pub(super) enum Removed {
    /// The context, which no thread had.
    Context(Context),
    /// The thread that polls the task will return it.
    Away,
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Slot, ById>> {
        // No code that could panic runs under the lock.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type ById = BuildHasherDefault<IdHasher>;

/// Spreads the ids, which are consecutive numbers.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // The golden ratio of 2^64: multiples of it are far apart.
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

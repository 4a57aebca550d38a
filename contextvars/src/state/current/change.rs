//! Changes: a variable is set, or put back to what it was, in the current context.

use super::super::declared::ContextVar;
use super::super::mark::Identity;
use super::super::value::Value;
use super::super::vars::Vars;
use super::{CURRENT, Current, scope};
use crate::bleeding;

impl Current {
    /// Changes the values for good: what a scope has lent is kept for it first.
    #[inline]
    pub(super) fn change_for_good<R>(&self, change: impl FnOnce(&mut Vars<Value>) -> R) -> R {
        if self.mark.get().is_lent() {
            // The mark first: after a change, destructors of what an allocator has set meanwhile may run, and set more.
            self.mark.set(self.mark.get().with_kept());
            self.change(scope::keep);
        }
        self.change(change)
    }
}

/// What a set did: the value it replaced, and where.
pub(crate) struct Replaced {
    pub(crate) old: Option<Value>,
    pub(crate) identity: Identity,
}

/// Sets the variable in the current context. Refused, with the value, where other tasks would see it.
#[inline]
pub(crate) fn set<T: Send + Sync + 'static>(var: &'static ContextVar<T>, value: T) -> Result<Replaced, T> {
    CURRENT.with(|current| {
        if current.mark.get().is_base() && bleeding::would_bleed() {
            return Err(value);
        }
        let identity = current.identity();
        if current.is_gone() {
            // Nobody would free it after this: the thread is as good as over.
            drop(value);
            return Ok(Replaced { old: None, identity });
        }
        if !var.variable().inherits() {
            current.mark.set(current.mark.get().with_private());
        }
        let value = Value::new(var, value);
        let id = var.assigned_id();
        let old = current.change_for_good(|vars| vars.insert(id, value));
        Ok(Replaced { old, identity })
    })
}

/// Puts the variable back to `old` in the current context, if that context is the one `identity` belongs to.
///
/// # Errors
/// Another context is current; nothing was changed.
#[inline]
pub(crate) fn restore<T>(var: &ContextVar<T>, old: &mut Option<Value>, identity: Identity) -> Result<(), ()> {
    let replaced = CURRENT.with(|current| {
        if !current.has_identity(identity) {
            return Err(());
        }
        let id = var.id();
        if old.is_some() && !var.variable().inherits() {
            current.mark.set(current.mark.get().with_private());
        }
        Ok(match old.take() {
            // What is put into a context that nobody will free would be lost.
            Some(old) if current.is_gone() => Some(old),
            Some(old) => current.change_for_good(|vars| vars.insert(id, old)),
            None => current.change_for_good(|vars| vars.remove(id)),
        })
    })?;
    // Only now: its destructor may do anything.
    drop(replaced);
    Ok(())
}

//! [`Saved`]: the values that a scope was lent, saved when its context changes or leaves the thread-local.

use std::mem::{self, ManuallyDrop};

use super::super::contents::State;
use super::super::mark::{Identity, Mark};
use super::super::shared::Shared;
use super::super::trie::Trie;
use super::super::value::Value;
use super::{Current, Saved, base, with_current};

impl State {
    /// Saves the values if they are lent to a scope, for a context that leaves the thread-local while the scope is
    /// suspended: from then on it can be changed by any code and on any thread, but the scope ends on this one.
    #[inline]
    pub(super) fn save_lent(&mut self) {
        if self.mark.is_lent() {
            save(self.mark, Trie::clone(&self.values));
            self.mark = self.mark.not_lent();
        }
    }
}

impl Current {
    /// Saves the current context's lent values, which are about to change.
    #[cold]
    pub(super) fn save_lent(&self) {
        // The mark is set first: a set by an allocator below must find an ordinary context, or it would save the values
        // again.
        let mark = self.mark.get();
        self.set_mark(mark.not_lent());
        save(mark, self.values.get().clone());
    }

    /// Removes and returns the values that were saved for a scope, if there are any.
    #[cold]
    pub(super) fn take_saved(&self, identity: Identity) -> Option<Trie<Value>> {
        let mut first = ManuallyDrop::into_inner(self.saved.take());
        let mut at = &mut first;
        // Usually the first, unless a scope is suspended by mistake.
        while at.as_ref().is_some_and(|saved| saved.identity != identity) {
            let Some(other) = at.as_mut().and_then(Shared::get_mut) else { unreachable!("each has one owner") };
            at = &mut other.before;
        }
        let mut found = at.take();
        let values = found.as_mut().and_then(Shared::get_mut).map(|saved| {
            *at = saved.before.take();
            mem::take(&mut saved.values)
        });
        self.saved.set(ManuallyDrop::new(first));
        values
    }

    /// Removes what was saved last, for the end of the thread.
    pub(super) fn take_last_saved(&self) -> Option<Shared<Saved>> {
        let mut last = ManuallyDrop::into_inner(self.saved.take())?;
        self.saved.set(ManuallyDrop::new(last.get_mut()?.before.take()));
        Some(last)
    }
}

/// Saves the values of a context with this mark, which is on this thread, for the scope to which they were lent.
#[cold]
fn save(mark: Mark, values: Trie<Value>) {
    let Some(identity) = mark.identity() else { return };
    let _: bool = base::will_be_cleaned_up();
    with_current(|current| {
        // The list is read only when the memory is at hand: an allocator that uses variables may add to it, too.
        let saved = Shared::new(|| Saved { identity, values, before: ManuallyDrop::into_inner(current.saved.take()) });
        current.saved.set(ManuallyDrop::new(Some(saved)));
    });
}

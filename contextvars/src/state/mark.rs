//! [`Mark`]: the facts about a context besides its values, in one word that moves with them.

use std::num::NonZero;

/// A context's identity and some facts about it.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Mark(u64);

impl Mark {
    /// The mark of a new context.
    pub(super) const NEW: Self = Self(0);
    /// The mark of a thread's base context.
    pub(super) const BASE: Self = Self(Self::IS_BASE);

    /// The mark of a new context in which no variable can be set.
    pub(super) const REFUSING: Self = Self(Self::REFUSES_SETS);

    const IS_BASE: u64 = 1;
    const HAS_PRIVATE: u64 = 2;
    const IS_LENT: u64 = 4;
    const STANDS_FOR_BASE: u64 = 8;
    const REFUSES_SETS: u64 = 16;
    const IS_CARRYING: u64 = 32;
    /// The bits above the flags are the identity, or 0.
    const IDENTITY: u32 = 6;

    /// Whether it is a thread's base context.
    #[inline]
    pub(super) fn is_base(self) -> bool {
        self.0 & Self::IS_BASE != 0
    }

    /// Whether it is or was current on a thread with only scopes between it and the base context.
    #[inline]
    pub(super) fn is_outermost(self) -> bool {
        self.0 & (Self::IS_BASE | Self::STANDS_FOR_BASE) != 0
    }

    /// Whether it was given a value that must not be inherited.
    #[inline]
    pub(super) fn has_private(self) -> bool {
        self.0 & Self::HAS_PRIVATE != 0
    }

    /// Whether a `set` must be checked first: in a base context, and in one that refuses sets.
    #[inline]
    pub(super) fn may_refuse_sets(self) -> bool {
        self.0 & (Self::IS_BASE | Self::REFUSES_SETS) != 0
    }

    /// Whether values can be set in it directly: it is not a base context, and lent to no scope.
    #[inline]
    pub(super) fn is_plain(self) -> bool {
        self.0 & (Self::IS_BASE | Self::IS_LENT) == 0
    }

    /// Whether variables cannot be set in it.
    #[inline]
    pub(super) fn refuses_sets(self) -> bool {
        self.0 & Self::REFUSES_SETS != 0
    }

    /// Whether the outer context has lent these values to a scope, whose end makes them the outer context's again; see
    /// [`scope`](super::current::scope).
    #[inline]
    pub(super) fn is_lent(self) -> bool {
        self.0 & Self::IS_LENT != 0
    }

    /// Whether entering it makes [carried state](super::carried) current.
    #[inline]
    pub(super) fn is_carrying(self) -> bool {
        self.0 & Self::IS_CARRYING != 0
    }

    /// The identity, or `None` until it is first requested.
    #[inline]
    pub(super) fn identity(self) -> Option<Identity> {
        NonZero::new(self.0 >> Self::IDENTITY).map(Identity)
    }

    #[must_use]
    pub(super) fn with_private(self) -> Self {
        Self(self.0 | Self::HAS_PRIVATE)
    }

    #[cfg(all(feature = "tokio-hooks", tokio_unstable))]
    #[must_use]
    pub(super) fn refusing_sets(self) -> Self {
        Self(self.0 | Self::REFUSES_SETS)
    }

    #[must_use]
    pub(super) fn carrying(self) -> Self {
        Self(self.0 | Self::IS_CARRYING)
    }

    #[must_use]
    pub(super) fn carrying_nothing(self) -> Self {
        Self(self.0 & !Self::IS_CARRYING)
    }

    /// The same for the context of a scope in a context of this mark.
    #[inline]
    #[must_use]
    pub(super) fn of_scope_in(self, outer: Self) -> Self {
        if outer.is_outermost() { Self(self.0 | Self::STANDS_FOR_BASE) } else { self }
    }

    #[inline]
    #[must_use]
    pub(super) fn lent(self) -> Self {
        Self(self.0 | Self::IS_LENT)
    }

    /// The same for a context whose lent values have been saved for their scope.
    #[must_use]
    pub(super) fn not_lent(self) -> Self {
        Self(self.0 & !Self::IS_LENT)
    }

    /// The same with an identity, for a mark without one.
    #[inline]
    #[must_use]
    pub(super) fn with_identity(self, identity: Identity) -> Self {
        Self(self.0 | identity.0.get() << Self::IDENTITY)
    }

    /// The mark of the same context on another thread, where it is not the base context.
    #[must_use]
    pub(super) fn outbound(self, refuses_sets: bool) -> Self {
        let here = Self::IS_BASE | Self::STANDS_FOR_BASE | Self::IS_LENT;
        Self(self.0 & !here | if refuses_sets { Self::REFUSES_SETS } else { 0 })
    }

    /// The mark of a copy of the current context, which leaves carried state alone.
    #[inline]
    #[must_use]
    pub(super) fn of_copy(self) -> Self {
        Self(self.0 & Self::HAS_PRIVATE)
    }

    /// The mark of another context like this one.
    #[inline]
    #[must_use]
    pub(super) fn of_clone(self) -> Self {
        Self(self.0 & (Self::HAS_PRIVATE | Self::IS_CARRYING))
    }
}

/// Tells contexts apart, for as long as the process runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity(NonZero<u64>);

impl Identity {
    /// The identity of this number, which is above 0 and below two to the power of 58.
    #[inline]
    pub(super) fn new(number: u64) -> Self {
        Self(NonZero::new(number).unwrap_or(NonZero::<u64>::MIN))
    }

    /// The number, truncated to the width of the type.
    #[expect(clippy::cast_possible_truncation, reason = "the lower bits tell those apart that are in use")]
    pub(super) fn number_as_usize(self) -> usize {
        self.0.get() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_context_is_told_from_one_with_a_value_that_stays_and_from_one_that_was_lent() {
        assert!(Mark::NEW.is_plain() && !Mark::NEW.has_private() && !Mark::NEW.is_lent());
        let private = Mark::NEW.with_private();
        assert!(private.is_plain() && private.has_private() && !private.is_lent());
        let lent = Mark::NEW.lent();
        assert!(!lent.is_plain() && !lent.has_private() && lent.is_lent());
        assert!(lent.not_lent() == Mark::NEW);
        assert!(Mark::REFUSING.is_plain() && !Mark::BASE.is_plain());
    }

    #[test]
    fn of_a_base_context_on_another_thread_nothing_is_left_but_what_it_holds() {
        let identity = Identity::new(7);
        let here = Mark::BASE.of_scope_in(Mark::BASE).lent();
        let there = here.with_private().with_identity(identity).outbound(false);
        assert!(there == Mark::NEW.with_private().with_identity(identity));
        assert!(there.outbound(true).outbound(true).refuses_sets());
    }
}

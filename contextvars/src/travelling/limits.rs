//! The specification's limits: how much baggage is read or written, and what is left out.

use super::member::Member;
use super::skipped::{Reason, Skipped};

/// The most members that are read or written.
pub(super) const MOST_MEMBERS: usize = 64;
/// The most bytes that are read or written, encoded, with the commas.
const MOST_BYTES: usize = 8192;

/// Leaves out what is too much: first of what passes through, and only then of ours, which is what the `bool` says.
pub(super) fn within_limits(list: &[(Member, bool)]) -> (Vec<Member>, Vec<Skipped>) {
    let mut budget = Budget::default();
    let mut skipped = Vec::new();
    let mut kept: Vec<Option<Member>> = list.iter().map(|_| None).collect();
    for of_ours in [true, false] {
        for ((member, is_ours), place) in list.iter().zip(&mut kept) {
            if *is_ours != of_ours {
                continue;
            }
            match budget.take(member) {
                Ok(()) => *place = Some(member.clone()),
                Err(reason) => skipped.push(Skipped::new(member.key(), reason)),
            }
        }
    }
    (kept.into_iter().flatten().collect(), skipped)
}

/// How much was taken of what the limits allow.
#[derive(Default)]
pub(super) struct Budget {
    members: usize,
    /// With a comma for each member, the first included.
    bytes: usize,
}

impl Budget {
    /// Makes room for a member. An error: why there is none.
    pub(super) fn take(&mut self, member: &Member) -> Result<(), Reason> {
        if self.members == MOST_MEMBERS {
            return Err(Reason::TooMany);
        }
        let bytes = self.bytes + member.as_str().len() + 1;
        if bytes > MOST_BYTES + 1 {
            return Err(Reason::TooLong);
        }
        self.members += 1;
        self.bytes = bytes;
        Ok(())
    }
}

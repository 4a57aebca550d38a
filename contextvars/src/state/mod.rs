//! Storage of contexts: the values, the map, the thread's current context. All of the crate's unsafe code is here.
//!
//! Everything that this folder exports is safe to call in any order and from anywhere, also from destructors of values
//! and during the end of a thread. The invariants that the unsafe blocks rely on:
//!
//! **Memory** (`pool.rs`)
//! - **M1** The layout of a block depends only on the type of its contents, both for allocating and for freeing it.
//! - **M2** A block on a shelf of a thread has the layout of that shelf, is not in use, and is on no other shelf.
//!
//! **Shared blocks** (`shared.rs`)
//! - **S1** A handle gives access to `&T` and, if it is the last, to `T`: it is `Send` and `Sync` under the conditions
//!   of an `Arc<T>`.
//! - **S2** A block lives while its count is above zero; each handle counts for one. It is changed only through the
//!   `&mut` handle of its sole owner.
//!
//! **Values** (`value.rs`, `context_var.rs`)
//! - **V1** A value's block has the type of the variable that its header names, and in a context a value is stored only
//!   under its own variable's id. So a variable's id implies the type.
//! - **V2** Variables exist for `T: Send + Sync + 'static` only.
//! - **V3** As S2, for values: a block lives while its count is above zero, and is never changed.
//!
//! **The current context** (`current/`)
//! - **C1** A reference into one of the thread-local's cells of values never outlives the function of `current` that
//!   creates it, and no code from outside this folder runs meanwhile, not even an allocator: if memory is needed, the
//!   values to be changed are moved out first. All other fields of the thread-local are `Cell`s, into which there are
//!   no references.
//! - **C2** The list of readers contains only live readers of this thread, the most recent first, and none of them
//!   moves. They need not end in the reverse order: coroutines with stacks of their own can take turns.
//! - **C3** A reader that is not pinned reads a value that has an owner: the current context or the thread's base
//!   context, neither of which was changed or switched since the reader began; or a change of one that is under way,
//!   which drops and returns no value until it has pinned the readers.
//! - **C4** All readers that began before a pinned one are pinned.
//! - **C5** While a context is entered, the thread-local owns it. The place it came from is borrowed, and the bits in
//!   that place are not owned: they are neither read nor dropped until the context, or another one instead, is moved
//!   back. If `Current::place` is not null, it is the place of a context that was entered and has not been left; that
//!   context is the current one, and its bits equal those in the place. Every change of the context sets `place` to
//!   null, and so does leaving a context other than the one at `place`. That also discards the places of outer contexts
//!   that inner guards remember, since a guard restores the outer place only if `place` is its own.

#![expect(unsafe_code, reason = "the read path knows types and lifetimes that the type system does not")]

mod contents;
mod context_var;
mod count;
mod current;
mod default;
mod edit;
mod id;
mod mark;
mod pool;
mod shared;
mod traits;
mod trie;
mod turns;
mod value;

// For `count` and `id`; in `tests/loom` the same path names loom's atomics, to check them against the memory model.
use std::sync;

pub(crate) use self::contents::{State, Values};
pub use self::context_var::{ContextVar, DeclaredByTheMacro};
pub(crate) use self::current::carried::captured;
#[cfg(any(feature = "hyper", feature = "tokio"))]
pub(crate) use self::current::carried::suppress;
pub use self::current::carried::{Carried, register, suppressed};
pub(crate) use self::current::change::{Replaced, has_identity, refuses_sets, replace, restore, set, value_of};
pub(crate) use self::current::entered::{Entered, in_empty_context};
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
pub(crate) use self::current::entered::{SwappedIn, swap_in, swap_out};
pub(crate) use self::current::read::{is_set, with_base_value, with_value};
pub(crate) use self::current::round_trip::{Update, merge, outbound};
pub use self::current::scope::{Bound, Scope};
pub(crate) use self::current::snapshot;
pub(crate) use self::mark::Identity;
pub use self::traits::{Absent, Probe, Traits};
#[cfg(feature = "serde")]
pub(crate) use self::value::REDACTED;
pub(crate) use self::value::{Value, ValueOf};

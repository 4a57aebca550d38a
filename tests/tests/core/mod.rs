//! What the unsafe code does: variables, contexts, scopes and tokens, on every thread and in any order.
//!
//! These tests run under each checker of memory, too; the two programs `allocators` and `carriers` belong to them.

mod contexts;
mod coroutines;
mod disorder;
mod freed_contexts;
mod held_back;
mod lifetimes;
mod many_variables;
mod panics;
mod races;
mod reentrancy;
mod scope_contexts;
mod scoped_variables;
mod scopes;
mod shared_contexts;
mod threads;
mod unwinding;
mod variables;
mod workers;

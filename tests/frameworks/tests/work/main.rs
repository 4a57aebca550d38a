//! Data, jobs, messages, tests and errors.

mod actors;
mod anyhow;
mod bb8;
mod deadpool;
mod eyre;
mod jobs;
mod messages;
mod moka;
mod panic_hook;
#[cfg(unix)]
mod postgres;
mod proptest;
mod rstest;
mod rusqlite;
mod shared;
mod smol;
mod sqlx;
mod test_case;
mod tracing;
mod wasm;

use contextvars::context_var;

/// Whose request it is.
#[context_var(log, baggage = "tenant")]
static TENANT: String;

//! Context variables (PEP 567) for Rust: ambient values that belong to a task, not to the thread it runs on.
//!
//! A request id, a tenant, a locale, a deadline, a test's clock: such a value is set once and read in every function
//! called from there. It is kept across each `.await`, inherited by spawned tasks, and never visible to unrelated
//! tasks.
//!
//! ```
//! use contextvars::{context_var, copy_context, with_context};
//!
//! #[context_var(default = 0)]
//! static REQUEST_ID: u64;
//!
//! fn log(message: &str) -> String {
//!     format!("[{}] {message}", REQUEST_ID.get()) // not passed down: ambient
//! }
//!
//! fn main() {
//!     assert_eq!(log("start"), "[0] start");
//!     let line = with_context!(REQUEST_ID = 7, { log("hello") });
//!     assert_eq!(line, "[7] hello");
//!     assert_eq!(log("end"), "[0] end");
//!
//!     let token = REQUEST_ID.set(8);
//!     assert_eq!(copy_context()[&REQUEST_ID], 8);
//!     REQUEST_ID.reset(token).unwrap();
//!     assert!(copy_context().is_empty());
//! }
//! ```
//!
//! Across tasks, with the feature `tokio`:
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use contextvars::{context_var, tokio, with_context};
//!
//! #[context_var(default = 0)]
//! static REQUEST_ID: u64;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     let request = with_context!(REQUEST_ID = 7, async {
//!         // `contextvars::tokio` is tokio whose tasks inherit.
//!         tokio::spawn(async { REQUEST_ID.get() }).await.unwrap()
//!     });
//!     assert_eq!(request.await, 7);
//! }
//! ```
//!
//! The [guides](guide): [what to write in your framework](guide::frameworks), [how a context
//! propagates](guide::propagation), the [differences from Python](guide::python), [how to migrate](guide::migrating) from thread-locals and other crates, [pitfalls](guide::pitfalls),
//! [errors and panics](guide::errors) with the variables of a request, [how to write an
//! integration](guide::integrations), [costs](guide::performance), [safety](guide::safety), and the
//! [design](guide::design).
//!
//! # Features
//! All are off by default. `full` enables all but the two that need `--cfg tokio_unstable`.
//!
//! | Feature | What it adds |
//! |---|---|
//! | – | [`thread`]: the standard library's threads, inheriting |
//! | `tokio`, `tokio-util` | `tokio`, `tokio_util`: spawns that inherit; a `set` that other tasks would see is refused |
//! | `tokio-tracing`, `tokio-hooks` | named tasks inherit, too; plain spawns in any crate inherit (both unstable) |
//! | `futures` | futures in a context are streams, sinks, readers and writers, too |
//! | `rayon` | `rayon`: jobs and parallel iterators that inherit |
//! | `tower`, `hyper` | a context for each request; executors that inherit, or detach |
//! | `tracing` | `ContextFormat`: variables declared with `log` in what `tracing-subscriber` writes, text or JSON; `ContextFields`: in declared fields of spans, for all other layers; log levels by variable |
//! | `log` | `ContextLog`: variables declared with `log` among the key-values of each record of the `log` crate |
//! | `serde` | contexts and variables as data |
//! | `headers` | variables declared with `header = ".."` travel to other processes, each in a header of its own |
//! | `baggage` | those declared with `baggage = ".."` do, in one header |
//! | `deadline` | `deadline`: a deadline that is inherited, kept, and sent on as `grpc-timeout` |
//!
//! Rust 1.85 or newer.
//!
//! # WebAssembly
//! The crate builds for `wasm32-unknown-unknown`, without features and with all of `full`. `ci/wasm.sh` runs programs in
//! Node.js, on that target and on `wasm32-wasip1`: variables, scopes, contexts, futures and [`variables`]. Not tested
//! there: the features, threads, and browsers.
//!
//! - **A panic is a trap**, which does not unwind: no scope ends and no context is left. The next call into the same
//!   instance sees the values of the scope that the panic was in. So discard an instance after a trap.
//! - **Constructors list the declarations.** [`variables`], headers and baggage, which use a list too, find no variable
//!   until `__wasm_call_ctors` has run. The linker has each export call it, unless the module itself exports or calls
//!   that function; then its host or the program has to call it once, before anything else.

#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The name that expansions use, in this crate's own tests too.
extern crate self as contextvars;

// Modules in dependency order: each imports only from those above it in this list, which
// `tests/tests/project/layers.rs` enforces (within a group, the order is alphabetical). `docs/design.md` explains the
// layers.

// The facts of a declaration, and the proof that it is at module level.
mod module_level;
mod variable;

// Errors, and whether the thread runs unrelated work.
mod error;
mod worker;

// Storage of values, maps and the current context: all of the unsafe code.
mod state;

// The main types: variables, tokens, contexts; and the state of other libraries that a context carries.
pub mod carry;
mod context;
mod context_var;
mod token;

// Further operations on contexts: sharing, comparing, logging, printing on a panic, sending to other processes.
mod diff;
#[cfg(any(feature = "log", feature = "tracing"))]
mod logged;
mod panic_hook;
mod propagation;
mod shared_context;

// Futures and threads that run in a context.
mod task;
pub mod thread;

// Integrations of other crates: tasks, jobs, requests, log lines.
mod integrations;

// Items for the expansions of macros, `with_context!`, and the guides.
#[doc(hidden)]
pub mod __private;
pub mod guide;
mod macros;

/// Declares a context variable: `#[context_var(default = 42)] static ANSWER: i32;`.
///
/// The static's type becomes [`ContextVar<i32>`](ContextVar). The declaration must be at module level: a variable lives
/// as long as the program. (Python recommends the same and does not enforce it.)
///
/// Costs about 1.5 ms of `cargo check`; at run time an entry in the program's list of [`variables`] and, from the first
/// set on, a number.
///
/// # Errors
///
/// Compiles only at module level, and only with a type that is `Send + Sync + 'static`. Each mistake has a message that
/// says what to write instead.
///
/// # Examples
///
/// ```
/// use contextvars::{context_var, copy_context, inherit_context};
///
/// /// The current request.
/// #[context_var(default = 0, log = "request_id")]
/// pub static REQUEST_ID: u64;
/// #[context_var(inherit = false)]
/// static TRANSACTION: u32;
/// #[context_var(redact)]
/// static PASSWORD: String;
///
/// fn main() {
///     assert_eq!((REQUEST_ID.get(), REQUEST_ID.variable().log_key()), (0, Some("request_id")));
///     TRANSACTION.set(1);
///     assert!(!inherit_context().contains(&TRANSACTION));
///     PASSWORD.set("secret".to_owned());
///     assert_eq!(format!("{:?}", copy_context()), "{TRANSACTION: 1, PASSWORD: <redacted>}");
/// }
/// ```
///
/// # Python
///
/// `NAME = ContextVar("NAME", default=..)`.
///
/// # Arguments
// The macro's own documentation follows here, and is about them.
#[doc(alias("task_local", "thread_local"))]
pub use contextvars_macros::context_var;
/// Marks a function, sync or async, as a test that runs in a fresh context: `#[contextvars::test]` replaces `#[test]`
/// and `#[tokio::test]`.
///
/// The test starts with no variable set, and no other test sees the values that it sets, even if both run on one
/// thread. Other attributes, such as `#[should_panic]` and `#[ignore]`, work as usual.
///
/// # Examples
///
/// ```
/// #[contextvars::context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// #[contextvars::test]
/// fn a_request_has_an_id() {
///     REQUEST_ID.set(7);
///     assert_eq!(REQUEST_ID.get(), 7);
/// }
///
/// #[contextvars::test(flavor = "multi_thread", worker_threads = 2)]
/// async fn a_task_knows_its_request() -> Result<(), tokio::task::JoinError> {
///     REQUEST_ID.set(8);
///     assert_eq!(contextvars::tokio::spawn(async { REQUEST_ID.get() }).await?, 8);
///     Ok(())
/// }
///
/// #[contextvars::test(block_on = pollster::block_on)]
/// async fn any_executor_will_do() {
///     assert!(!REQUEST_ID.is_set());
/// }
/// # fn main() {}
/// ```
///
/// # Arguments
// The macro's own documentation follows here, and is about them.
pub use contextvars_macros::test;

#[cfg(feature = "baggage")]
pub use self::integrations::baggage;
#[cfg(feature = "deadline")]
pub use self::integrations::deadline;
#[cfg(feature = "headers")]
pub use self::integrations::headers;
#[cfg(feature = "hyper")]
pub use self::integrations::hyper;
#[cfg(feature = "log")]
pub use self::integrations::log;
#[cfg(feature = "rayon")]
pub use self::integrations::rayon;
#[cfg(feature = "tokio")]
pub use self::integrations::tokio;
#[cfg(feature = "tokio-util")]
pub use self::integrations::tokio_util;
#[cfg(feature = "tower")]
pub use self::integrations::tower;
#[cfg(feature = "tracing")]
pub use self::integrations::tracing;

pub use self::context::{Context, Items, ValueRef, copy_context, inherit_context};
pub use self::diff::{Change, Diff};
pub use self::error::{EnterError, LookupError, SetError};
pub use self::panic_hook::install_panic_hook;
pub use self::shared_context::SharedContext;
pub use self::state::{ContextVar, Scope};
pub use self::task::{ContextExt, InContext, Returned, ScopedFuture, round_trip};
pub use self::token::{ResetError, SetGuard, Token};
pub use self::variable::{Variable, variables};

/// The README's example is compiled with the documentation's.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;

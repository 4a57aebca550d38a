//! Context variables (PEP 567) for Rust: ambient values that belong to the task at hand, not to the thread it runs on.
//!
//! A request id, a tenant, a locale, a deadline, a test's clock: set once, read anywhere below, carried across `.await`
//! and into spawned tasks, never seen by a neighbouring task.
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
//!         // `contextvars::tokio` is tokio, but what it spawns inherits.
//!         tokio::spawn(async { REQUEST_ID.get() }).await.unwrap()
//!     });
//!     assert_eq!(request.await, 7);
//! }
//! ```
//!
//! The [guides](guide) say more: [where a context travels](guide::propagation), what is as [in Python](guide::python),
//! [how to migrate](guide::migrating) from other ways, the [pitfalls](guide::pitfalls), what
//! [errors and panics](guide::errors) say of a context, [how to write an integration](guide::integrations),
//! [what it costs](guide::performance), why it is [safe](guide::safety), and [how it is built](guide::design).
//!
//! # Features
//! All are off by default; `full` is all but the two that need `--cfg tokio_unstable`.
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
//! Node.js, on that target and on `wasm32-wasip1`: variables, scopes, contexts, futures and [`variables`]. Not run there:
//! the features; threads; a browser.
//!
//! - **A panic is a trap**, which unwinds nothing: no scope ends and no context is left. What is called next in the same
//!   instance finds the values of the scope that the panic was in. So discard an instance after a trap.
//! - **Constructors list the declarations.** [`variables`], headers and baggage, which go through a list as well, find none
//!   until `__wasm_call_ctors` has run. The linker has each export call it, unless the module itself exports or calls
//!   that function; then its host or the program has to call it once, before anything else.

#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// What expansions name, in this crate's own tests too.
extern crate self as contextvars;

// The rooms, from the ground upwards: none knows of those above it, which `tests/layers.rs` sees to (within a room, the
// order is the alphabet's). Why they are as they are says `docs/design.md`.

// What is known of a declaration, and the proof that it stands at module level.
mod module_level;
mod variable;

// What can go wrong, and whether the thread runs unrelated work.
mod error;
mod worker;

// How values, maps and the current context are kept: all of the unsafe code.
mod state;

// What users hold: variables, the tokens of their sets, contexts; and what contexts carry besides.
pub mod carry;
mod context;
mod token;
mod var;

// What can be done with contexts besides: share them, compare them, log them, print them when code panics, send them to
// other processes.
mod diff;
#[cfg(any(feature = "log", feature = "tracing"))]
mod logged;
mod panic_hook;
mod shared_context;
mod travelling;

// What runs in a context: futures and threads.
mod task;
pub mod thread;

// What other crates run: tasks, jobs, requests, log lines.
mod integrations;

// What expansions name, `with_context!`, and the guides.
#[doc(hidden)]
pub mod __private;
pub mod guide;
mod macros;

/// Declares a context variable: `#[context_var(default = 42)] static ANSWER: i32;`.
///
/// The static's type becomes [`ContextVar<i32>`](ContextVar). The declaration must stand at module level, as in Python
/// it should: a variable lives as long as the program.
///
/// Costs about 1.5 ms of `cargo check`; at run time an entry in the program's list of [`variables`], and, with the
/// first set, a number.
///
/// # Errors
///
/// Does not compile anywhere but at module level, nor with a type that is not `Send + Sync + 'static`. Each mistake has
/// a message that says what to write instead.
///
/// # Examples
///
/// ```
/// use contextvars::{context_var, copy_context, inherit_context};
///
/// /// The request at hand.
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
/// `NAME = ContextVar("NAME", default=..)`, which may stand anywhere, but should not.
///
/// # Arguments
// The macro's own documentation follows here, and is about them.
pub use contextvars_macros::context_var;
/// Makes a test of a function, sync or async, that runs in a fresh context: `#[contextvars::test]` in the place of
/// `#[test]` or `#[tokio::test]`.
///
/// What the test sets no other test sees, on whatever thread it runs; and it begins with nothing set. Other attributes,
/// such as `#[should_panic]` and `#[ignore]`, work as ever.
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

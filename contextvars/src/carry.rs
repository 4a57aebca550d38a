//! State that other libraries keep for each thread, carried by contexts to wherever work goes on.
//!
//! tracing keeps its current span in a thread-local, OpenTelemetry its context, Sentry its hub: a spawned task has none
//! of them. A program that [registers](register) a type of such state, at the top of its `main`, has them carried by
//! the contexts that its tasks, threads and jobs have anyway. `contextvars::tracing::carry_spans()` and
//! `contextvars_opentelemetry::carry()` do so for the first two; [`Carried`] is for all others.
//!
//! **This module is new**: it may change in minor versions until carriers outside of this repository have shown what it
//! lacks.
//!
//! # Which contexts carry
//! | Context | Made by | What is current where it is made | Where it is entered |
//! |---|---|---|---|
//! | a child's | [`inherit_context`](crate::inherit_context), and with it every spawn, job, thread and task hook; [`round_trip`](crate::round_trip), `run_blocking`; `ContextLayer`, for each request | is captured | is current again, until it is left |
//! | any other | [`copy_context`](crate::copy_context), [`with_context!`](crate::with_context), `in_current_context`, [`Context::new`](crate::Context::new) | is not captured | is left alone |
//!
//! A clone of a context is of its kind. A child shares the inherited values with its parent, as long as that [is
//! current](Carried::is_current); else it is captured anew. A future that was given a context is in what was current
//! where it was spawned, too. `contextvars::tokio::spawn_detached`, and everything that is started in [`suppressed`],
//! carries nothing.
//!
//! A context is entered for each poll, each job, each drop of a future. The carried states are entered after the
//! context, and left before it. So a carrier's code sees the variables of the work that it is called for.
//!
//! # What stays visible
//! Nothing is hidden. Work whose context carries nothing sees whatever is current on its thread: code in a
//! `Context::new()` within a span is in that span, and so are the children that it starts. So is a job of rayon that
//! was started in no span, if a worker runs it while it waits within a job that was started in one.
//!
//! # What is kept alive
//! A captured value lives as long as the last context that has it, copies that were made within the child included. A
//! span that is carried does not close before that. [`Context::retain`](crate::Context::retain) lets go of it in a
//! copy. A task that outlives its request belongs in `contextvars::tokio::spawn_detached`. A carrier of your own can
//! also capture something that does not hold on to the original, such as a new span that `follows_from` the current
//! one.
//!
//! # Panics, allocators, the end of a thread
//! An allocator may use contexts while carriers are called. If a function of a carrier panics, the panic hook reports
//! it, and the work goes on; other carriers are not concerned. After a panic in `capture` or `enter`, the work is without
//! that state. After one in `leave`, the thread keeps whatever `leave` has not brought back. Contexts that a carrier's code
//! makes or enters carry nothing.
//!
//! At the end of a thread, its thread-locals are destroyed. What was entered before can be left to the very end. A
//! context that is entered in the destructor of a thread-local may carry nothing, depending on the order of destructors.
//!
//! # Cost
//! Without a carrier, three instructions for each child, and a test of one bit for each entering. With one, what its
//! functions cost, and some 500 instructions for each poll of a child; [the guide to costs](crate::guide::performance)
//! has the numbers.

pub use crate::state::{Carried, register, suppressed};

//! What a log line with variables allocates: nothing, from the second line of a thread on.
//!
//! A process of its own: the allocator is the program's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::{fmt, io};

use contextvars::tracing::ContextFormat;
use contextvars::{Context, context_var, with_context};
use tracing::subscriber::with_default;
use tracing::{Subscriber, info, info_span};
use tracing_subscriber::fmt as format;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts the blocks that each thread asks for.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[context_var(log)]
static REQUEST_ID: u64;

#[context_var(log = "user")]
static USER: String;

#[context_var(log = "customer")]
static CUSTOMER: Customer;

/// A value of a type that only its `Display` knows.
struct Customer(u32);

impl fmt::Display for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "C-{}", self.0)
    }
}

/// How many allocations `work` makes, done for the third time.
fn allocations(work: impl Fn()) -> usize {
    let mut before = 0;
    for _ in 0..3 {
        before = ALLOCATIONS.get();
        work();
    }
    ALLOCATIONS.get() - before
}

/// How many allocations an event makes in a context with three variables.
fn allocations_of_event(subscriber: impl Subscriber + Send + Sync + 'static) -> usize {
    Context::new().run(|| {
        with_default(subscriber, || {
            with_context!(REQUEST_ID = 7, USER = "ada lovelace".to_owned(), CUSTOMER = Customer(3), {
                allocations(|| info!(items = 2, "accepted"))
            })
        })
    })
}

#[test]
fn a_line_of_text_with_variables_allocates_nothing() {
    let lines = || format::fmt().with_writer(io::sink);
    assert_eq!(allocations_of_event(lines().map_event_format(ContextFormat::line).finish()), 0);
    assert_eq!(allocations_of_event(lines().with_ansi(true).map_event_format(ContextFormat::line).finish()), 0);
    assert_eq!(allocations_of_event(lines().compact().map_event_format(ContextFormat::line).finish()), 0);
}

#[test]
fn the_variables_on_a_line_of_json_or_of_pretty_output_allocate_nothing() {
    let json = || format::fmt().with_writer(io::sink).json();
    let without = allocations_of_event(json().finish());
    assert_eq!(allocations_of_event(json().map_event_format(ContextFormat::json).finish()), without);
    assert_eq!(allocations_of_event(json().map_event_format(ContextFormat::flat_json).finish()), without);
    let pretty = || format::fmt().with_writer(io::sink).pretty();
    let without = allocations_of_event(pretty().finish());
    assert_eq!(allocations_of_event(pretty().map_event_format(ContextFormat::pretty).finish()), without);
}

#[test]
fn a_span_with_the_same_fields_allocates() {
    with_default(format::fmt().with_writer(io::sink).finish(), || {
        let in_span = || info_span!("request", request_id = 7, user = "ada").in_scope(|| info!("accepted"));
        assert!(allocations(in_span) > 0);
    });
}

#[test]
fn a_line_that_was_long_keeps_no_memory() {
    let lines = format::fmt().with_writer(io::sink).map_event_format(ContextFormat::line).finish();
    Context::new().run(|| {
        with_default(lines, || {
            with_context!(REQUEST_ID = 7, { info!("short") });
            with_context!(USER = "x".repeat(10_000), { info!("long") });
            let before = ALLOCATIONS.get();
            with_context!(REQUEST_ID = 7, { info!("short") });
            let with_new_memory = ALLOCATIONS.get() - before;
            let before = ALLOCATIONS.get();
            with_context!(REQUEST_ID = 7, { info!("short") });
            let with_kept_memory = ALLOCATIONS.get() - before;
            assert!(with_new_memory > with_kept_memory, "{with_new_memory} > {with_kept_memory}");
        });
    });
}

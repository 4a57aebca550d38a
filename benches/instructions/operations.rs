//! The operations whose instructions are counted.

use std::cell::Cell;
use std::hint::black_box;
use std::io;
use std::pin::pin;
use std::thread;

use contextvars::tracing::ContextFormat;
use contextvars::{ContextExt, copy_context, inherit_context, with_context};
use contextvars_benches::exported;
use contextvars_benches::polling::{Again, poll};
use contextvars_benches::variables::{A, B, C, D, DEFAULTED, NUMBER, SHARED, TEXT, UNSET, context_of, variables};
use tracing::subscriber::{set_global_default, with_default};
use tracing::{Instrument, info, info_span};
use tracing_subscriber::fmt;

use crate::baggage;
use crate::callgrind::count;
use crate::layers;

/// Performs every operation, each in a context with so many variables as it says.
pub(crate) fn perform() {
    count("loop", || ());
    count("loop with a number", || 1_i32);
    count("malloc + free", || black_box(Box::new(1_i32)));
    reads();
    changes();
    contexts();
    polls();
    spawns();
    log_lines();
    baggage::perform();
    layers::perform();
    exported::perform(&|name, operation| count(name, operation));
    peers();
    // Last: what is registered stays registered.
    carried_spans();
}

fn reads() {
    for number in [1, 8, 16, 32, 128, 1000, 4096] {
        context_of(number).run(|| count(&format!("get i32, {}", variables(number)), || NUMBER.get()));
    }
    context_of(8).run(|| {
        count("get i32 in a function that is called", get_number);
        count("with i32", || NUMBER.with(|number| *number));
        count("get default", || DEFAULTED.get());
        count("try_get unset", || UNSET.try_get().is_ok());
        count("get_or unset", || UNSET.get_or(1));
        count("get String", || TEXT.get());
        count("with String", || TEXT.with(String::len));
        count("get Arc<str>", || SHARED.get());
        count("with Arc<str>", || SHARED.with(|shared| shared.len()));
    });
}

/// What a read costs where nothing around it is shared with the next one, call and return included.
#[inline(never)]
fn get_number() -> i32 {
    NUMBER.get()
}

fn changes() {
    for number in [1, 8, 32, 4096] {
        context_of(number).run(|| {
            count(&format!("set + reset, {}", variables(number)), || NUMBER.reset(NUMBER.set(2)).is_ok());
        });
    }
    context_of(8).run(|| {
        count("set", || drop(NUMBER.set(2)));
        count("set String", || drop(TEXT.set(String::new())));
        count("set_scoped", || drop(NUMBER.set_scoped(2)));
    });
}

fn contexts() {
    for number in [8, 4096] {
        context_of(number).run(|| count(&format!("copy_context, {}", variables(number)), copy_context));
    }
    let mut context = context_of(8);
    count("run", || context.run(|| black_box(())));
    context_of(8).run(|| {
        count("copy + run + set", || copy_context().run(|| drop(NUMBER.set(2))));
        count("with_context of 1", || with_context!(NUMBER = 2, { black_box(()) }));
        count("with_context of 4", || with_context!(A = 1, B = 2, C = 3, D = 4, { black_box(()) }));
        count("with_context of 1 whose body sets", || with_context!(A = 1, { drop(NUMBER.set(2)) }));
        with_context!(A = 1, {
            drop(NUMBER.set(2));
            count("inherit_context in a body that has set", inherit_context);
        });
    });
    base_context();
    let context = context_of(8);
    count("iterate over 8", || context.iter().count());
}

/// What is not in a context that was entered.
fn base_context() {
    thread::spawn(|| {
        count("with_context of 1, empty base", || with_context!(NUMBER = 2, { black_box(()) }));
        let _set = [&A, &B, &C, &D, &NUMBER].map(|var| var.set(1));
        count("with_context of 1, base of 5", || with_context!(NUMBER = 2, { black_box(()) }));
        count("get i32, base of 5", || NUMBER.get());
        count("set + reset, base of 5", || NUMBER.reset(NUMBER.set(2)).is_ok());
    })
    .join()
    .expect("no panic");
}

fn polls() {
    for number in [0, 1, 8, 4096] {
        let mut future = pin!(Again(|| ()).in_context(context_of(number)));
        count(&format!("poll, {}", variables(number)), || poll(future.as_mut()));
    }
    context_of(8).run(|| {
        let mut future = pin!(NUMBER.scope(2, Again(|| ())));
        count("poll of scope, 8 variables", || poll(future.as_mut()));
    });
    let mut future = pin!(Again(|| NUMBER.get()).in_context(context_of(8)));
    count("poll with 1 read", || poll(future.as_mut()));
    let mut future = pin!(
        Again(|| {
            for _ in 0..9 {
                black_box(NUMBER.get());
            }
            NUMBER.get()
        })
        .in_context(context_of(8))
    );
    count("poll with 10 reads", || poll(future.as_mut()));
}

/// `block_on` of a task that is spawned and awaited, and does nothing.
fn spawns() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    context_of(8).run(|| {
        count("tokio::spawn in block_on", || runtime.block_on(async { tokio::spawn(async {}).await.is_ok() }));
        count("contextvars::tokio::spawn in block_on", || {
            runtime.block_on(async { contextvars::tokio::spawn(async {}).await.is_ok() })
        });
    });
}

/// A line of text that goes nowhere, and what it costs to say on it whose it is.
fn log_lines() {
    let lines = || fmt().with_ansi(false).without_time().with_writer(io::sink);
    let with_variables = lines().map_event_format(ContextFormat::line).finish();
    context_of(2).run(|| {
        with_default(with_variables, || count("log line with 2 variables", || info!("accepted")));
    });
    with_default(lines().finish(), || {
        count("log line, plain", || info!("accepted"));
        let span = || info_span!("request", number = 1, text = "a request's id");
        span().in_scope(|| count("log line in a span of 2 fields", || info!("accepted")));
        count("log line with a span of 2 fields", || span().in_scope(|| info!("accepted")));
    });
}

fn peers() {
    thread_local! {
        static CELL: Cell<i32> = const { Cell::new(1) };
    }
    tokio::task_local! {
        static LOCAL: i32;
        static SECOND: i32;
        static THIRD: i32;
    }
    count("thread_local! get", || CELL.get());
    LOCAL.sync_scope(1, || {
        count("task_local! get", || LOCAL.get());
        count("task_local! with", || LOCAL.with(|local| *local));
        count("task_local! sync_scope", || LOCAL.sync_scope(2, || black_box(())));
    });
    let mut future = pin!(LOCAL.scope(1, Again(|| ())));
    count("task_local! poll of scope", || poll(future.as_mut()));
    let mut future = pin!(LOCAL.scope(1, Again(|| LOCAL.get())));
    count("task_local! poll of scope with 1 read", || poll(future.as_mut()));
    let mut future = pin!(LOCAL.scope(1, SECOND.scope(2, THIRD.scope(3, Again(|| ())))));
    count("task_local! poll of 3 scopes", || poll(future.as_mut()));
    let mut future = pin!(Again(|| ()));
    LOCAL.sync_scope(1, || count("task_local! get in a function that is called", || get_task_local(&LOCAL)));
    count("poll of a bare future", || poll(future.as_mut()));
}

#[inline(never)]
fn get_task_local(local: &'static tokio::task::LocalKey<i32>) -> i32 {
    local.get()
}

/// A child whose span is carried, beside tracing's own `Instrumented` in a context, which does the same to one future.
fn carried_spans() {
    set_global_default(tracing_subscriber::registry()).expect("no other is set");
    let span = info_span!("request");
    let mut instrumented = pin!(Again(|| ()).instrument(span.clone()).in_context(context_of(8)));
    count("tracing: poll of an instrumented future", || poll(instrumented.as_mut()));
    span.in_scope(|| count("tracing: in_current_span", || Again(|| ()).in_current_span()));

    contextvars::tracing::carry_spans();
    let copy = context_of(8).run(copy_context);
    let mut plain = pin!(Again(|| ()).in_context(copy));
    count("carrying: poll of a copy", || poll(plain.as_mut()));
    let mut child = context_of(8).run(|| span.in_scope(inherit_context));
    let mut future = pin!(Again(|| ()).in_context(child.clone()));
    count("carrying: poll of a child", || poll(future.as_mut()));
    span.in_scope(|| count("carrying: poll of a child in its span", || poll(future.as_mut())));
    count("carrying: inherit_context without a span", inherit_context);
    child.run(|| count("carrying: inherit_context in the same span", inherit_context));
    let inner = info_span!("inner");
    child.run(|| inner.in_scope(|| count("carrying: inherit_context in another span", inherit_context)));
}

//! A block of code with some variables set: the context is copied, changed, entered and dropped.

use std::hint::black_box;

use ::opentelemetry::Context;
use contextvars::{copy_context, inherit_context, with_context};
use contextvars_benches::variables::{A, B, C, D, NUMBER, context_of, variables};
use criterion::Criterion;

use crate::peers::opentelemetry::{Number, Other};
use crate::peers::{cpython, dcontext, fluid_let, opentelemetry, scoped_tls, tokio_task_local};

pub(crate) fn bench(criterion: &mut Criterion) {
    one_binding(criterion);
    four_bindings(criterion);
    elsewhere(criterion);
    nested(criterion);
}

/// Scopes that are not the common case: whose bodies set, and those of a thread's base context.
fn elsewhere(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scope of 1 value, elsewhere");
    context_of(8).run(|| {
        group.bench_function("with_context! whose body sets, 8 variables", |b| {
            b.iter(|| with_context!(NUMBER = black_box(2), { drop(A.set(black_box(3))) }));
        });
        with_context!(NUMBER = 2, {
            drop(A.set(3));
            group.bench_function("inherit_context in such a body", |b| b.iter(inherit_context));
        });
    });
    group.bench_function("with_context!, empty base context", |b| {
        b.iter(|| with_context!(NUMBER = black_box(2), { black_box(()) }));
    });
    let tokens = [&A, &B, &C, &D, &NUMBER].map(|var| var.set(1));
    group.bench_function("with_context!, base context of 5", |b| {
        b.iter(|| with_context!(NUMBER = black_box(2), { black_box(()) }));
    });
    for token in tokens.into_iter().rev() {
        token.var().reset(token).expect("the context is the same");
    }
    group.finish();
}

/// Scopes within one another, 1,000 deep.
fn nested(criterion: &mut Criterion) {
    fn ours(levels: i32) -> i32 {
        if levels == 0 { NUMBER.get() } else { with_context!(NUMBER = levels, { black_box(ours(levels - 1)) }) }
    }
    fn tokio(levels: i32) -> i32 {
        let number = &tokio_task_local::NUMBER;
        if levels == 0 { number.get() } else { number.sync_scope(levels, || black_box(tokio(levels - 1))) }
    }
    fn opentelemetry(levels: i32) -> i32 {
        if levels == 0 {
            return Context::map_current(|cx| cx.get::<Number>().map_or(0, |number| number.0));
        }
        let _entered = Context::current_with_value(Number(levels)).attach();
        black_box(opentelemetry(levels - 1))
    }
    let mut group = criterion.benchmark_group("1,000 scopes within one another");
    context_of(8).run(|| {
        group.bench_function("with_context!, 8 variables", |b| b.iter(|| ours(black_box(1_000))));
    });
    group.bench_function("tokio task_local! sync_scope", |b| b.iter(|| tokio(black_box(1_000))));
    group.bench_function("opentelemetry with_value + attach", |b| b.iter(|| opentelemetry(black_box(1_000))));
    group.finish();
}

fn one_binding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scope of 1 value");
    for count in [0, 1, 8, 32, 1000] {
        context_of(count).run(|| {
            group.bench_function(format!("with_context!, {}", variables(count)), |b| {
                b.iter(|| with_context!(NUMBER = black_box(2), { black_box(()) }));
            });
        });
    }
    context_of(8).run(|| {
        group.bench_function("copy + run + set, 8 variables", |b| {
            b.iter(|| copy_context().run(|| drop(NUMBER.set(black_box(2)))));
        });
    });
    for (name, context) in [("1 value", opentelemetry::context_of_1()), ("8 values", opentelemetry::context_of_8())] {
        let _entered = context.attach();
        group.bench_function(format!("opentelemetry with_value + attach, {name}"), |b| {
            b.iter(|| {
                let _entered = Context::current_with_value(Number(black_box(2))).attach();
                black_box(());
            });
        });
    }
    tokio_task_local::NUMBER.sync_scope(1, || {
        group.bench_function("tokio task_local! sync_scope", |b| {
            b.iter(|| tokio_task_local::NUMBER.sync_scope(black_box(2), || black_box(())));
        });
    });
    fluid_let::NUMBER.set(1, || {
        group.bench_function("fluid-let", |b| b.iter(|| fluid_let::NUMBER.set(black_box(2), || black_box(()))));
    });
    scoped_tls::NUMBER.set(&1, || {
        group.bench_function("scoped-tls", |b| b.iter(|| scoped_tls::NUMBER.set(&black_box(2), || black_box(()))));
    });
    let entered = dcontext::enter_context_of_8();
    group.bench_function("dcontext scope, 8 values", |b| {
        b.iter(|| {
            let _scope = ::dcontext::push_scope("inner");
            ::dcontext::set_context_variable(dcontext::NUMBER, black_box(2));
        });
    });
    drop(entered);
    cpython::bench(&mut group, "copy_run_set");
}

fn four_bindings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scope of 4 values");
    context_of(8).run(|| {
        group.bench_function("with_context!, 8 variables", |b| {
            b.iter(|| {
                with_context!(A = black_box(1), B = black_box(2), C = black_box(3), D = black_box(4), {
                    black_box(());
                });
            });
        });
    });
    {
        let _entered = opentelemetry::context_of_8().attach();
        group.bench_function("opentelemetry 4 × with_value + attach, 8 values", |b| {
            b.iter(|| {
                let context = Context::current_with_value(Other::<1>(black_box(1)))
                    .with_value(Other::<2>(black_box(2)))
                    .with_value(Other::<3>(black_box(3)))
                    .with_value(Other::<4>(black_box(4)));
                let _entered = context.attach();
                black_box(());
            });
        });
    }
    group.bench_function("tokio task_local! 4 × sync_scope", |b| {
        use tokio_task_local::{A, B, C, D};
        b.iter(|| {
            A.sync_scope(black_box(1), || {
                B.sync_scope(black_box(2), || {
                    C.sync_scope(black_box(3), || D.sync_scope(black_box(4), || black_box(())));
                });
            });
        });
    });
    group.bench_function("fluid-let 4 × set", |b| {
        use fluid_let::{A, B, C, D};
        b.iter(|| {
            A.set(black_box(1), || {
                B.set(black_box(2), || C.set(black_box(3), || D.set(black_box(4), || black_box(()))));
            });
        });
    });
    group.bench_function("scoped-tls 4 × set", |b| {
        use scoped_tls::{A, B, C, D};
        b.iter(|| {
            A.set(&black_box(1), || {
                B.set(&black_box(2), || C.set(&black_box(3), || D.set(&black_box(4), || black_box(()))));
            });
        });
    });
    cpython::bench(&mut group, "copy_run_set_four");
}

//! Which contexts bring a span with them, and which leave the current one alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};

use contextvars::{Context, ContextExt, copy_context, inherit_context, thread, tokio, with_context};
use futures::Stream;
use tracing::{Instrument, Span};

use super::{NUMBER, Witness, fresh, here, is_closed, poll_once, set_up, span};

#[test]
fn the_span_is_the_one_at_the_spawn_at_any_depth() {
    set_up();
    let (a, b, c) = (fresh(), fresh(), fresh());
    let seen = span(a).in_scope(|| {
        thread::spawn(move || {
            let outer = here();
            let inner = span(b).in_scope(|| {
                thread::spawn(move || (here(), span(c).in_scope(|| thread::spawn(here).join().unwrap())))
                    .join()
                    .unwrap()
            });
            (outer, inner, thread::spawn(here).join().unwrap())
        })
        .join()
        .unwrap()
    });
    assert_eq!(seen, (vec![a], (vec![b, a], vec![c, b, a]), vec![a]));
}

#[tokio::test]
async fn a_scope_and_a_copy_leave_the_span_alone() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let scoped = with_context!(NUMBER = 1, async { here() }).instrument(span(a)).await;
    assert_eq!(scoped, [a], "though the context was made outside of the span");
    let copied = async { here() }.in_current_context().instrument(span(a)).await;
    assert_eq!(copied, [a]);
    let task = span(a).in_scope(|| {
        tokio::spawn(async move {
            let inner = span(b);
            let seen = inner.in_scope(|| with_context!(NUMBER = 1, { (here(), copy_context().run(here)) }));
            let same = copy_context();
            let later = inner.in_scope(move || {
                let mut same = same;
                same.run(here)
            });
            (seen, later, inner.in_scope(|| inherit_context().run(here)))
        })
    });
    let ab = vec![b, a];
    assert_eq!(task.await.unwrap(), ((ab.clone(), ab.clone()), ab.clone(), ab));
}

#[test]
fn a_context_that_was_inherited_brings_its_span_wherever_it_is_entered() {
    set_up();
    let (a, b, c) = (fresh(), fresh(), fresh());
    let outer = span(a);
    let mut of_a = outer.in_scope(inherit_context);
    span(b).in_scope(|| {
        assert_eq!(of_a.run(here), [a]);
        assert_eq!(of_a.clone().run(here), [a]);
        assert_eq!(of_a.run(|| span(c).in_scope(here)), [c, a]);
        assert_eq!(here(), [b]);
    });
    assert_eq!(of_a.run_copy(here), [a]);
    assert_eq!(of_a.wrap(here)(), [a]);
    assert_eq!(here(), [0; 0]);
}

/// A registry makes no span current a second time, unless those above it are exited.
#[test]
fn a_span_that_is_entered_further_out_already_is_brought_to_the_front() {
    set_up();
    let (a, b, c, d) = (fresh(), fresh(), fresh(), fresh());
    let outer = span(a);
    let mut of_a = outer.in_scope(inherit_context);
    let other = span(c);
    let mut of_c = other.in_scope(inherit_context);
    outer.in_scope(|| {
        span(b).in_scope(|| {
            assert_eq!((of_a.run(here), here()), (vec![a], vec![b, a]));
            // Again within itself, and by panic.
            let again = of_c.clone();
            let within = || (here(), span(d).in_scope(|| again.run_copy(here)), here());
            let seen = of_a.run(|| other.in_scope(|| of_c.run(within)));
            assert_eq!(seen, (vec![c], vec![c], vec![c]));
            assert!(catch_unwind(AssertUnwindSafe(|| of_a.run(|| panic!("on purpose")))).is_err());
            assert_eq!(here(), [b, a]);
        });
        assert_eq!(here(), [a]);
    });
    assert_eq!(here(), [0; 0]);
    drop((outer, of_a, other, of_c));
    assert!([a, b, c, d].into_iter().all(is_closed));
}

#[test]
fn an_error_that_keeps_only_what_is_shown_keeps_no_span_open() {
    set_up();
    let a = fresh();
    let (kept, copied) = span(a).in_scope(|| {
        inherit_context().run(|| {
            let mut kept = copy_context();
            kept.retain(|_, _| false);
            (kept, copy_context())
        })
    });
    assert!(!is_closed(a), "a copy keeps it");
    drop(copied);
    assert!(is_closed(a));
    drop(kept);
    // What a child's context carries stays.
    let b = fresh();
    let mut child = span(b).in_scope(inherit_context);
    child.retain(|_, _| false);
    assert_eq!(child.run(here), [b]);
}

#[test]
fn an_empty_context_leaves_the_span_alone_and_its_children_are_in_it() {
    set_up();
    let a = fresh();
    let seen = span(a).in_scope(|| Context::new().run(|| (here(), thread::spawn(here).join().unwrap())));
    assert_eq!(seen, (vec![a], vec![a]));
    assert_eq!(here(), [0; 0]);
}

#[test]
fn a_panic_leaves_the_span_as_it_was() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let mut of_a = span(a).in_scope(inherit_context);
    span(b).in_scope(|| {
        let (witness, seen) = Witness::new();
        let result = catch_unwind(AssertUnwindSafe(|| {
            of_a.run(|| {
                let _witness = witness;
                panic!("on purpose");
            });
        }));
        assert!(result.is_err());
        assert_eq!(seen.recv().unwrap(), [a]);
        assert_eq!(here(), [b]);
        let result = catch_unwind(AssertUnwindSafe(|| Context::new().run(|| panic!("on purpose"))));
        assert!(result.is_err());
        assert_eq!(here(), [b]);
        let mut future = pin!(async { panic!("on purpose") }.in_context(of_a.clone()));
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once::<_>(future.as_mut()).is_ready())).is_err());
        assert_eq!(here(), [b]);
        assert!(thread::spawn(|| panic!("on purpose")).join().is_err());
        assert_eq!(here(), [b]);
    });
    assert_eq!(here(), [0; 0]);
}

#[test]
fn a_stream_makes_its_items_in_its_span() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let stream = futures::stream::repeat_with(here);
    let mut stream = pin!(span(a).in_scope(|| stream.in_context(inherit_context())));
    let mut next = || match stream.as_mut().poll_next(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(item) => item.unwrap(),
        Poll::Pending => unreachable!(),
    };
    assert_eq!(next(), [a]);
    assert_eq!(span(b).in_scope(&mut next), [a]);
}

#[test]
fn a_span_of_a_subscriber_of_a_test_is_not_taken_for_one_of_the_program() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let of_the_program = span(a);
    let id = of_the_program.id();
    of_the_program.in_scope(|| {
        let mut of_a = inherit_context();
        tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            // Its registry counts from the beginning; so there is one among these with the number of the other.
            let spans: Vec<_> = std::iter::repeat_with(|| span(b)).take(1000).collect();
            for same in spans.iter().filter(|same| same.id() == id).chain(&spans[..1]) {
                let number = same.in_scope(|| of_a.run(|| inherit_context().run(|| Span::current().id())));
                assert_eq!(number, same.id());
            }
        });
        assert_eq!(of_a.run(here), [a]);
    });
    assert_eq!(here(), [0; 0]);
}

#[test]
fn contexts_do_not_show_what_they_carry() {
    set_up();
    let a = fresh();
    let mut context = span(a).in_scope(inherit_context);
    assert!(context.is_empty() && context.iter().next().is_none());
    assert_eq!(format!("{context:?}"), "{}");
    assert_eq!(context, Context::new());
    context.run(|| {
        NUMBER.set(1);
        assert_eq!(here(), [a]);
    });
    assert_eq!(context.len(), 1);
}

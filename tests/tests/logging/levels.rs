//! Log levels that a variable decides, for the work at hand alone.

use std::sync::{Arc, Mutex};

use contextvars::tracing::{ContextFilter, ContextFormat};
use contextvars::{Context, ContextExt, context_var, tokio, with_context};
use tracing::instrument::WithSubscriber;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, debug, dispatcher, error, info, info_span, span, trace};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{self, Filter};
use tracing_subscriber::{EnvFilter, Registry, fmt as format, prelude::*};

use crate::support::capture::Capture;

#[context_var(log)]
static REQUEST_ID: u64;

#[context_var]
static VERBOSITY: LevelFilter;

/// Runs a test in a context of its own: tests share threads.
fn isolated<R>(dispatch: &Dispatch, f: impl FnOnce() -> R) -> R {
    Context::new().run(|| dispatcher::with_default(dispatch, f))
}

/// One and the same callsite at each level, for every caller.
fn at_every_level() {
    error!("error");
    info!("info");
    debug!("debug");
    trace!("trace");
}

/// A subscriber that writes messages only, through `filter`.
fn filtered<F>(filter: F) -> (Capture, Dispatch)
where
    F: Filter<Registry> + Send + Sync + 'static,
{
    let output = Capture::default();
    let writer = output.clone();
    let layer = format::layer().with_ansi(false).without_time().with_level(false).with_target(false);
    (output, tracing_subscriber::registry().with(layer.with_writer(move || writer.clone()).with_filter(filter)).into())
}

#[test]
fn a_variable_raises_the_level_for_its_own_context_and_no_other() {
    let (output, dispatch) = filtered(ContextFilter::new(LevelFilter::INFO, &VERBOSITY));
    isolated(&dispatch, || {
        at_every_level();
        assert_eq!(output.lines(), ["error", "info"]);
        with_context!(VERBOSITY = LevelFilter::DEBUG, {
            at_every_level();
            assert_eq!(output.lines(), ["error", "info", "debug"]);
            VERBOSITY.set(LevelFilter::TRACE);
            at_every_level();
            assert_eq!(output.lines(), ["error", "info", "debug", "trace"]);
        });
        at_every_level();
        assert_eq!(output.lines(), ["error", "info"]);
    });
}

#[test]
fn a_variable_never_lowers_the_level() {
    let (output, dispatch) = filtered(ContextFilter::new(LevelFilter::INFO, &VERBOSITY));
    isolated(&dispatch, || with_context!(VERBOSITY = LevelFilter::OFF, { at_every_level() }));
    assert_eq!(output.lines(), ["error", "info"]);
}

#[test]
fn at_most_bounds_what_a_variable_can_ask_for() {
    let (output, dispatch) = filtered(ContextFilter::new(LevelFilter::WARN, &VERBOSITY).at_most(LevelFilter::INFO));
    isolated(&dispatch, || {
        at_every_level();
        with_context!(VERBOSITY = LevelFilter::TRACE, { at_every_level() });
    });
    assert_eq!(output.lines(), ["error", "error", "info"]);
}

#[test]
fn the_other_filter_keeps_its_own_rules() {
    let usual: EnvFilter = concat!("off,", module_path!(), "[chosen]=debug").parse().expect("the directive is valid");
    let (output, dispatch) = filtered(ContextFilter::new(usual, &VERBOSITY));
    isolated(&dispatch, || {
        at_every_level();
        assert!(output.lines().is_empty());
        info_span!("chosen").in_scope(at_every_level);
        assert_eq!(output.lines(), ["chosen: error", "chosen: info", "chosen: debug"]);
        with_context!(VERBOSITY = LevelFilter::INFO, { at_every_level() });
        assert_eq!(output.lines(), ["error", "info"]);
    });
}

#[test]
fn the_other_filter_hears_of_a_span_from_its_beginning_to_its_end() {
    #[derive(Clone, Default)]
    struct Listens(Arc<Mutex<Vec<&'static str>>>);
    impl Listens {
        fn hear(&self, what: &'static str) {
            self.0.lock().unwrap().push(what);
        }
    }
    impl<S> Filter<S> for Listens {
        fn enabled(&self, _: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
            true
        }
        fn on_new_span(&self, _: &span::Attributes<'_>, _: &span::Id, _: layer::Context<'_, S>) {
            self.hear("new");
        }
        fn on_record(&self, _: &span::Id, _: &span::Record<'_>, _: layer::Context<'_, S>) {
            self.hear("record");
        }
        fn on_enter(&self, _: &span::Id, _: layer::Context<'_, S>) {
            self.hear("enter");
        }
        fn on_exit(&self, _: &span::Id, _: layer::Context<'_, S>) {
            self.hear("exit");
        }
        fn on_close(&self, _: span::Id, _: layer::Context<'_, S>) {
            self.hear("close");
        }
    }
    let listens = Listens::default();
    let (_, dispatch) = filtered(ContextFilter::new(listens.clone(), &VERBOSITY));
    isolated(&dispatch, || {
        let span = info_span!("chosen", items = tracing::field::Empty);
        span.record("items", 2);
        span.in_scope(|| ());
    });
    assert_eq!(*listens.0.lock().unwrap(), ["new", "record", "enter", "exit", "close"]);
}

#[test]
fn a_variable_lets_through_what_the_other_filter_would_not_for_the_events_own_fields() {
    /// Looks into each event, and does not like any.
    struct OfNoInterest;
    impl<S> Filter<S> for OfNoInterest {
        fn enabled(&self, _: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
            true
        }
        fn event_enabled(&self, _: &Event<'_>, _: &layer::Context<'_, S>) -> bool {
            false
        }
    }
    let (output, dispatch) = filtered(ContextFilter::new(OfNoInterest, &VERBOSITY));
    isolated(&dispatch, || {
        at_every_level();
        assert!(output.lines().is_empty());
        with_context!(VERBOSITY = LevelFilter::INFO, { at_every_level() });
        assert_eq!(output.lines(), ["error", "info"]);
    });
}

#[test]
fn what_no_context_can_ask_for_costs_as_little_as_it_did() {
    fn hint<F: Filter<Registry>>(filter: &F) -> Option<LevelFilter> {
        filter.max_level_hint()
    }
    fn interest<F: Filter<Registry>>(filter: &F, metadata: &'static Metadata<'static>) -> Interest {
        filter.callsite_enabled(metadata)
    }
    /// The metadata of a callsite of this level.
    macro_rules! callsite {
        ($level:ident) => {{
            static METADATA: Mutex<Option<&'static Metadata<'static>>> = Mutex::new(None);
            const TARGET: &str = concat!("a callsite for ", stringify!($level));
            struct Keep;
            impl tracing::Subscriber for Keep {
                fn enabled(&self, _: &Metadata<'_>) -> bool {
                    false
                }
                fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
                    // Other tests' callsites are registered meanwhile, with every subscriber that lives.
                    if metadata.target() == TARGET {
                        *METADATA.lock().unwrap() = Some(metadata);
                    }
                    Interest::never()
                }
                fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
                    unreachable!("there are no spans")
                }
                fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
                fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
                fn event(&self, _: &Event<'_>) {}
                fn enter(&self, _: &span::Id) {}
                fn exit(&self, _: &span::Id) {}
            }
            dispatcher::with_default(&Dispatch::new(Keep), || {
                tracing::event!(target: TARGET, tracing::Level::$level, "here");
            });
            METADATA.lock().unwrap().expect("the callsite was registered")
        }};
    }
    let filter = ContextFilter::new(LevelFilter::WARN, &VERBOSITY).at_most(LevelFilter::DEBUG);
    assert_eq!(hint(&filter), Some(LevelFilter::DEBUG));
    assert_eq!(hint(&ContextFilter::new(LevelFilter::TRACE, &VERBOSITY)), Some(LevelFilter::TRACE));
    assert_eq!(hint(&ContextFilter::new(filter_fn(|_| true), &VERBOSITY)), None);
    assert!(interest(&filter, callsite!(ERROR)).is_always());
    assert!(interest(&filter, callsite!(DEBUG)).is_sometimes());
    assert!(interest(&filter, callsite!(TRACE)).is_never());
}

#[test]
fn one_of_many_concurrent_requests_is_seen_in_detail() {
    let output = Capture::default();
    let writer = output.clone();
    let layer = format::layer()
        .with_ansi(false)
        .map_event_format(|it| ContextFormat::line(it.without_time().with_level(false).with_target(false)))
        .with_writer(move || writer.clone())
        .with_filter(ContextFilter::new(LevelFilter::INFO, &VERBOSITY));
    let dispatch: Dispatch = tracing_subscriber::registry().with(layer).into();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime starts");
    runtime.block_on(async {
        let requests: Vec<_> = (0..20)
            .map(|id| {
                let context = Context::new().with(&REQUEST_ID, id);
                let context = if id == 13 { context.with(&VERBOSITY, LevelFilter::DEBUG) } else { context };
                let request = async {
                    info!("begun");
                    tokio::task::yield_now().await;
                    debug!("in detail");
                };
                tokio::spawn(request.in_context(context).with_subscriber(dispatch.clone()))
            })
            .collect();
        for request in requests {
            request.await.expect("the request ends");
        }
    });
    let lines = output.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("begun ")).count(), 20);
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("in detail")).collect::<Vec<_>>(),
        ["in detail REQUEST_ID=13"]
    );
}

//! Variables recorded in the fields of spans, as layers that export them see it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use contextvars::tracing::ContextFields;
use contextvars::{Context, ContextExt, ValueRef, context_var, copy_context, tokio, with_context};
use tracing::field::{Empty, Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Subscriber, dispatcher, info, info_span, instrument};
use tracing_subscriber::layer::{Context as LayerContext, Layer};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, prelude::*};

use crate::support::process::{passed, running};

#[context_var(log = "request_id")]
static REQUEST_ID: u64;

#[context_var(log = "user")]
static USER: String;

#[context_var(log = "password", redact)]
static PASSWORD: String;

#[context_var]
static NOT_LOGGED: u32;

#[context_var(log = "curious")]
static CURIOUS: Curious;

/// Its `Display` does what a `Display` should not.
struct Curious;

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _span = info_span!("while writing", curious = Empty).entered();
        info!("written");
        let token = CURIOUS.set(Self);
        let written = with_context!(REQUEST_ID = 99, { write!(f, "curious-{}", REQUEST_ID.get()) });
        drop(CURIOUS.reset(token));
        written
    }
}

/// A layer that exports: it keeps the fields of each span in its extensions, and gives them away when the span closes.
#[derive(Clone, Default)]
struct Exporter(Arc<Mutex<Vec<String>>>);

/// What an exporter knows of a span.
struct Fields(Vec<String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push(format!("{}={value:?}", field.name()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push(format!("{}=u64:{value}", field.name()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push(format!("{}=i64:{value}", field.name()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push(format!("{}=bool:{value}", field.name()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.push(format!("{}=f64:{value}", field.name()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push(format!("{}=str:{value}", field.name()));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Exporter {
    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        let mut fields = Fields(vec![attrs.metadata().name().to_owned()]);
        attrs.record(&mut fields);
        cx.span(id).expect("the span is open").extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: LayerContext<'_, S>) {
        let span = cx.span(id).expect("the span is open");
        values.record(span.extensions_mut().get_mut::<Fields>().expect("the layer was told of the span first"));
    }

    fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
        let fields = cx.span(&id).and_then(|span| span.extensions_mut().remove::<Fields>()).expect("the span was open");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fields.0.join(" "));
    }
}

impl Exporter {
    /// The spans that were exported, which are forgotten then.
    fn spans(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn exporting(fields: ContextFields) -> (Exporter, Dispatch) {
    let exporter = Exporter::default();
    // With its unstable parts, tokio has spans of its own.
    let own = tracing_subscriber::filter::filter_fn(|metadata| !metadata.target().starts_with("tokio"));
    let dispatch = tracing_subscriber::registry().with(exporter.clone().with_filter(own)).with(fields).into();
    (exporter, dispatch)
}

/// Runs a test in a context of its own: tests share threads.
fn isolated<R>(dispatch: &Dispatch, f: impl FnOnce() -> R) -> R {
    Context::new().run(|| dispatcher::with_default(dispatch, f))
}

#[test]
fn a_declared_field_has_the_variable_s_value_in_every_layer() {
    let (exporter, dispatch) = exporting(ContextFields::new());
    isolated(&dispatch, || {
        with_context!(REQUEST_ID = 7, USER = "ada".to_owned(), NOT_LOGGED = 1, {
            drop(info_span!("request", path = "/", request_id = Empty, user = Empty, NOT_LOGGED = Empty));
        });
    });
    let spans = exporter.spans();
    assert_eq!(spans.len(), 1);
    assert!(spans[0].starts_with("request path=str:/ "), "{spans:?}");
    assert!(spans[0].contains(" request_id=i64:7") && spans[0].contains(" user=str:ada"), "{spans:?}");
    assert!(!spans[0].contains("NOT_LOGGED"), "{spans:?}");
}

#[test]
fn a_span_that_declares_nothing_and_one_made_outside_have_nothing_recorded() {
    let (exporter, dispatch) = exporting(ContextFields::new());
    isolated(&dispatch, || {
        drop(info_span!("outside", request_id = Empty));
        with_context!(REQUEST_ID = 7, {
            drop(info_span!("bare"));
            drop(info_span!("other", path = "/"));
        });
    });
    assert_eq!(exporter.spans(), ["outside", "bare", "other path=str:/"]);
}

#[test]
fn a_field_that_the_span_has_a_value_for_keeps_it() {
    let (exporter, dispatch) = exporting(ContextFields::new());
    isolated(&dispatch, || with_context!(REQUEST_ID = 7, { drop(info_span!("retry", request_id = 6)) }));
    assert_eq!(exporter.spans(), ["retry request_id=i64:6"]);
}

#[test]
fn what_is_redacted_is_recorded_as_such() {
    let (exporter, dispatch) = exporting(ContextFields::new());
    isolated(&dispatch, || {
        with_context!(PASSWORD = "hunter2".to_owned(), { drop(info_span!("login", password = Empty)) });
    });
    assert_eq!(exporter.spans(), ["login password=<redacted>"]);
}

#[test]
fn the_variables_of_a_list_are_recorded_and_no_others() {
    let (exporter, dispatch) = exporting(ContextFields::new().only([NOT_LOGGED.variable()]));
    isolated(&dispatch, || {
        with_context!(REQUEST_ID = 7, NOT_LOGGED = 1, {
            drop(info_span!("work", request_id = Empty, NOT_LOGGED = Empty));
        });
    });
    assert_eq!(exporter.spans(), ["work NOT_LOGGED=i64:1"]);
}

#[test]
fn values_are_recorded_as_what_they_are() {
    mod typed {
        use contextvars::context_var;
        #[context_var(log = "signed")]
        pub(super) static SIGNED: i32;
        #[context_var(log = "flag")]
        pub(super) static FLAG: bool;
        #[context_var(log = "load")]
        pub(super) static LOAD: f64;
        #[context_var(log = "length")]
        pub(super) static LENGTH: usize;
        #[context_var(log = "high")]
        pub(super) static HIGH: u64;
        #[context_var(log = "offset")]
        pub(super) static OFFSET: isize;
        #[context_var(log = "large")]
        pub(super) static LARGE: u128;
        #[context_var(log = "fixed")]
        pub(super) static FIXED: &'static str;
        #[context_var(log = "letter")]
        pub(super) static LETTER: char;
    }
    let (exporter, dispatch) = exporting(ContextFields::new());
    let in_span = |f: &dyn Fn() -> tracing::Span| drop(f());
    isolated(&dispatch, || {
        with_context!(typed::SIGNED = -3, typed::FLAG = true, typed::LOAD = 0.5, {
            in_span(&|| info_span!("a", signed = Empty));
            in_span(&|| info_span!("b", flag = Empty));
            in_span(&|| info_span!("c", load = Empty));
        });
        with_context!(typed::LENGTH = 3, typed::OFFSET = -1, typed::LARGE = u128::MAX, {
            in_span(&|| info_span!("d", length = Empty));
            in_span(&|| info_span!("e", offset = Empty));
            in_span(&|| info_span!("f", large = Empty));
            with_context!(typed::HIGH = u64::MAX, { in_span(&|| info_span!("high", high = Empty)) });
        });
        with_context!(typed::FIXED = "it", typed::LETTER = 'x', {
            in_span(&|| info_span!("g", fixed = Empty));
            in_span(&|| info_span!("h", letter = Empty));
        });
    });
    let large = format!("f large={}", u128::MAX);
    assert_eq!(
        exporter.spans(),
        [
            "a signed=i64:-3",
            "b flag=bool:true",
            "c load=f64:0.5",
            "d length=i64:3",
            "e offset=i64:-1",
            large.as_str(),
            "high high=u64:18446744073709551615",
            "g fixed=str:it",
            "h letter=x",
        ]
    );
}

#[instrument(fields(request_id))]
async fn handle(path: &str) {
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn interleaved_requests_and_their_tasks_each_have_their_own_value() {
    let (exporter, dispatch) = exporting(ContextFields::new());
    let _default = dispatcher::set_default(&dispatch);
    let requests = (0..100_u64).map(|id| {
        let request = async {
            tokio::spawn(handle("/in a task")).await.expect("no panic");
            handle("/").await;
        };
        tokio::spawn(request.in_context(Context::new().with(&REQUEST_ID, id)))
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.expect("no panic");
    }
    let mut spans = exporter.spans();
    let mut expected: Vec<_> = (0..100)
        .flat_map(|id| ["/in a task", "/"].map(|path| format!("handle path=str:{path} request_id=i64:{id}")))
        .collect();
    spans.sort();
    expected.sort();
    assert_eq!(spans, expected);
}

#[test]
fn a_filter_of_fields_sees_the_variable() {
    let exporter = Exporter::default();
    let filter: EnvFilter = "warn,[request{request_id=7}]=info".parse().expect("a filter");
    let events = Messages::default();
    let dispatch = tracing_subscriber::registry()
        .with(exporter)
        .with(filter)
        .with(events.clone())
        .with(ContextFields::new())
        .into();
    isolated(&dispatch, || {
        for id in [6, 7, 8] {
            with_context!(REQUEST_ID = id, {
                info_span!("request", request_id = Empty).in_scope(|| info!("request {}", REQUEST_ID.get()));
            });
        }
    });
    assert_eq!(*events.0.lock().unwrap_or_else(PoisonError::into_inner), ["request 7"]);
}

/// Keeps the messages of events.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Messages {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.0);
    }
}

#[test]
fn a_layer_that_does_not_want_the_span_is_not_told_of_its_values() {
    let (wanted, unwanted) = (Exporter::default(), Exporter::default());
    let dispatch = tracing_subscriber::registry()
        .with(unwanted.clone().with_filter(LevelFilter::WARN))
        .with(wanted.clone().with_filter(LevelFilter::INFO))
        .with(ContextFields::new())
        .into();
    isolated(&dispatch, || with_context!(REQUEST_ID = 7, { drop(info_span!("request", request_id = Empty)) }));
    assert_eq!((wanted.spans(), unwanted.spans()), (vec!["request request_id=i64:7".to_owned()], vec![]));
}

#[test]
fn a_display_that_opens_spans_comes_to_an_end() {
    let (exporter, dispatch) = exporting(ContextFields::new());
    isolated(&dispatch, || with_context!(CURIOUS = Curious, { drop(info_span!("request", curious = Empty)) }));
    assert_eq!(exporter.spans().last().map(String::as_str), Some("request curious=curious-99"));
}

#[test]
fn a_display_that_panics_does_so_where_the_span_is_made_and_the_next_span_is_complete() {
    mod faulty {
        use std::fmt;
        pub(super) struct Faulty;
        impl fmt::Display for Faulty {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("cannot be displayed")
            }
        }
        #[contextvars::context_var(log = "faulty")]
        pub(super) static FAULTY: Faulty;
    }
    let (exporter, dispatch) = exporting(ContextFields::new());
    isolated(&dispatch, || {
        let made = catch_unwind(AssertUnwindSafe(|| {
            with_context!(faulty::FAULTY = faulty::Faulty, { drop(info_span!("first", faulty = Empty)) });
        }));
        assert!(made.is_err());
        with_context!(REQUEST_ID = 7, { drop(info_span!("second", request_id = Empty)) });
    });
    assert_eq!(exporter.spans(), ["second request_id=i64:7"]);
}

#[test]
fn of_two_variables_with_one_name_the_first_is_recorded_and_a_warning_is_logged_once() {
    mod twins {
        use contextvars::context_var;
        #[context_var(log = "twin")]
        pub(super) static FIRST: u64;
        #[context_var(log = "twin")]
        pub(super) static SECOND: u64;
    }
    let (exporter, events) = (Exporter::default(), Messages::default());
    let fields = ContextFields::new().only([twins::SECOND.variable(), twins::FIRST.variable()]);
    let dispatch = tracing_subscriber::registry().with(exporter.clone()).with(events.clone()).with(fields).into();
    isolated(&dispatch, || {
        with_context!(twins::FIRST = 1, twins::SECOND = 2, {
            drop(info_span!("both", twin = Empty));
            drop(info_span!("again", twin = Empty));
        });
    });
    assert_eq!(exporter.spans(), ["both twin=i64:2", "again twin=i64:2"]);
    let events = events.0.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(events.len() == 1 && events[0].contains("share the name `twin`"), "{events:?}");
}

/// A layer that notes what it is told of.
struct Order(Arc<Mutex<Vec<&'static str>>>);

impl<S: Subscriber> Layer<S> for Order {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: LayerContext<'_, S>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push("span");
    }

    fn on_record(&self, _: &Id, _: &Record<'_>, _: LayerContext<'_, S>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push("value");
    }
}

#[test]
fn a_layer_that_is_added_after_it_is_told_of_the_value_first() {
    let (before, after) = (Arc::default(), Arc::default());
    let dispatch = tracing_subscriber::registry()
        .with(Order(Arc::clone(&before)))
        .with(ContextFields::new())
        .with(Order(Arc::clone(&after)))
        .into();
    isolated(&dispatch, || with_context!(REQUEST_ID = 7, { drop(info_span!("request", request_id = Empty)) }));
    assert_eq!(*before.lock().unwrap_or_else(PoisonError::into_inner), ["span", "value"]);
    assert_eq!(*after.lock().unwrap_or_else(PoisonError::into_inner), ["value", "span"]);
}

#[test]
fn in_a_box_or_beside_one_layer_it_works_and_in_an_option_it_records_nothing() {
    let span = || with_context!(REQUEST_ID = 7, { drop(info_span!("request", request_id = Empty)) });
    let exporter = Exporter::default();
    let subscribers: [Dispatch; 3] = [
        tracing_subscriber::registry().with(exporter.clone()).with(ContextFields::new().boxed()).into(),
        tracing_subscriber::registry().with(exporter.clone().and_then(ContextFields::new())).into(),
        tracing_subscriber::registry().with(exporter.clone()).with(Some(ContextFields::new())).into(),
    ];
    for dispatch in &subscribers {
        isolated(dispatch, span);
    }
    assert_eq!(exporter.spans(), ["request request_id=i64:7", "request request_id=i64:7", "request"]);
}

#[test]
fn a_layer_that_records_nothing_says_so_once() {
    let test = "in_a_box_or_beside_one_layer_it_works_and_in_an_option_it_records_nothing";
    let output = passed(running(module_path!(), test).output().expect("it starts"));
    let warnings = String::from_utf8(output.stderr).expect("warnings are UTF-8");
    assert_eq!(warnings.matches("`ContextFields` was not told").count(), 1, "{warnings}");
}

/// A layer of a program's own, which keeps the context that each span was made in.
struct Keeper(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeper {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        cx.span(id).expect("the span is open").extensions_mut().insert(copy_context());
    }

    fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
        let context = cx.span(&id).and_then(|span| span.extensions_mut().remove::<Context>()).expect("it was kept");
        let shown: Vec<_> = context.values().map(|value: ValueRef<'_>| value.to_string()).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(shown.join(","));
    }
}

#[test]
fn a_layer_can_keep_the_context_of_a_span_in_its_extensions() {
    let closed = Arc::default();
    let dispatch = tracing_subscriber::registry().with(Keeper(Arc::clone(&closed))).into();
    isolated(&dispatch, || {
        let span = with_context!(REQUEST_ID = 7, { info_span!("request") });
        with_context!(REQUEST_ID = 8, { drop(span) });
    });
    assert_eq!(*closed.lock().unwrap_or_else(PoisonError::into_inner), ["7"]);
}

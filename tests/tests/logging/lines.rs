//! Variables in the output of tracing's formats.

use std::fmt;
use std::thread;

use contextvars::rayon::prelude::*;
use contextvars::tracing::ContextFormat;
use contextvars::{Context, ContextExt, context_var, copy_context, rayon, tokio, with_context};
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber;
use tracing::{Dispatch, Instrument, dispatcher, error, info, info_span};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{fmt as format, prelude::*};

use crate::support::capture::Capture;

#[context_var(log)]
static REQUEST_ID: u64;

#[context_var(log = "user", default = "nobody".to_owned())]
static USER: String;

#[context_var(log, redact)]
static PASSWORD: String;

#[context_var]
static NOT_LOGGED: u32;

#[context_var(log)]
static CURIOUS: Curious;

/// Its `Display` does what a `Display` should not.
struct Curious;

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = CURIOUS.set(Self);
        let written = with_context!(REQUEST_ID = 99, { write!(f, "curious-{}", REQUEST_ID.get()) });
        drop(CURIOUS.reset(token));
        written
    }
}

/// A subscriber that writes lines without times and levels.
fn lines() -> (Capture, Dispatch) {
    let output = Capture::default();
    let writer = output.clone();
    let format = format::format().without_time().with_level(false).with_target(false);
    let layer = format::layer().with_ansi(false).event_format(ContextFormat::line(format));
    // With its unstable parts, tokio has something to say, too.
    let others = filter_fn(|metadata| !metadata.target().starts_with("tokio"));
    (output, tracing_subscriber::registry().with(layer.with_writer(move || writer.clone()).with_filter(others)).into())
}

/// Runs a test in a context of its own: tests share threads.
fn isolated<R>(dispatch: &Dispatch, f: impl FnOnce() -> R) -> R {
    Context::new().run(|| dispatcher::with_default(dispatch, f))
}

#[test]
fn the_variables_declared_with_log_are_on_the_line_of_every_event() {
    let (output, dispatch) = lines();
    isolated(&dispatch, || {
        with_context!(REQUEST_ID = 7, USER = "ada".to_owned(), NOT_LOGGED = 1, {
            info!("accepted");
            error!(items = 2, "refused");
        });
    });
    let lines = output.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("accepted ") && lines[1].starts_with("refused items=2 "), "{lines:?}");
    for line in lines {
        assert!(line.contains(" REQUEST_ID=7") && line.contains(" user=ada"), "{line}");
        assert!(!line.contains("NOT_LOGGED"), "{line}");
    }
}

#[test]
fn an_unset_variable_is_left_out_even_if_it_has_a_default() {
    let (output, dispatch) = lines();
    isolated(&dispatch, || {
        info!("nothing is set");
        with_context!(REQUEST_ID = 7, { info!("one is") });
    });
    assert_eq!(output.lines(), ["nothing is set", "one is REQUEST_ID=7"]);
}

#[test]
fn what_is_redacted_never_shows() {
    let (output, dispatch) = lines();
    isolated(&dispatch, || with_context!(PASSWORD = "hunter2".to_owned(), { info!("signed in") }));
    assert_eq!(output.lines(), ["signed in PASSWORD=<redacted>"]);
}

#[test]
fn a_value_is_read_when_the_event_happens() {
    let (output, dispatch) = lines();
    isolated(&dispatch, || {
        let span = info_span!("work");
        let _entered = span.enter();
        REQUEST_ID.set(1);
        info!("first");
        let token = REQUEST_ID.set(2);
        info!("second");
        REQUEST_ID.reset(token).expect("it is this context's");
        info!("third");
    });
    assert_eq!(output.lines(), ["work: first REQUEST_ID=1", "work: second REQUEST_ID=2", "work: third REQUEST_ID=1"]);
}

#[test]
fn a_value_cannot_forge_another_field_or_another_line() {
    let (output, dispatch) = lines();
    isolated(&dispatch, || {
        for user in ["ada lovelace", "eve\nINFO forged", "eve admin=true", "a\"b", "\u{1b}[31m", ""] {
            with_context!(USER = user.to_owned(), { info!("-") });
        }
    });
    assert_eq!(
        output.lines(),
        [
            r#"- user="ada lovelace""#,
            r#"- user="eve\nINFO forged""#,
            r#"- user="eve admin=true""#,
            r#"- user="a\"b""#,
            r#"- user="\u{1b}[31m""#,
            r#"- user="""#,
        ]
    );
}

#[test]
fn numbers_and_truth_values_stand_on_the_line_as_rust_writes_them() {
    mod typed {
        use contextvars::context_var;
        #[context_var(log)]
        pub(super) static BALANCE: i32;
        #[context_var(log)]
        pub(super) static IS_ADMIN: bool;
        #[context_var(log)]
        pub(super) static LOAD: f64;
    }
    let (output, dispatch) = lines();
    isolated(&dispatch, || {
        with_context!(typed::BALANCE = -3, typed::IS_ADMIN = true, typed::LOAD = 2.0, { info!("here") });
    });
    let line = output.take();
    for field in ["BALANCE=-3", "IS_ADMIN=true", "LOAD=2.0"] {
        assert!(line.split_whitespace().any(|it| it == field), "{line}");
    }
}

#[test]
fn a_display_may_set_variables_and_enter_contexts() {
    let (output, dispatch) = lines();
    isolated(&dispatch, || with_context!(CURIOUS = Curious, { info!("hello") }));
    assert_eq!(output.lines(), ["hello CURIOUS=curious-99"]);
}

#[test]
fn a_display_that_panics_costs_its_own_event_only() {
    let (output, dispatch) = lines();
    isolated(&dispatch, || {
        #[derive(Clone, Copy)]
        struct Bad;
        impl fmt::Display for Bad {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half of it")?;
                panic!("on purpose")
            }
        }
        mod declared {
            #[contextvars::context_var(log)]
            pub(super) static BAD: Box<dyn std::fmt::Display + Send + Sync>;
        }
        let panicked =
            with_context!(declared::BAD = Box::new(Bad), { std::panic::catch_unwind(|| info!("lost")).is_err() });
        assert!(panicked);
        let field = || std::panic::catch_unwind(|| info!(field = %Bad, "lost"));
        assert!(with_context!(REQUEST_ID = 7, { field().is_err() }));
        with_context!(REQUEST_ID = 7, { info!("kept") });
    });
    assert_eq!(output.lines(), ["kept REQUEST_ID=7"]);
}

#[test]
fn the_variables_follow_into_tasks_threads_and_instrumented_futures() {
    let (output, dispatch) = lines();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime starts");
    let inner = dispatch.clone();
    runtime.block_on(async move {
        let handle = async move |id: u64| {
            info!("handler");
            let of_task = inner.clone();
            let task = tokio::spawn(
                async move {
                    tokio::task::yield_now().await;
                    info!("task");
                }
                .instrument(info_span!("spawned"))
                .with_subscriber(of_task),
            );
            task.await.expect("the task ends");
            let of_thread = inner.clone();
            let work = move || dispatcher::with_default(&of_thread, || info!("blocking"));
            tokio::task::spawn_blocking(work).await.expect("the closure ends");
            let of_thread = inner.clone();
            let call = copy_context().wrap(move || dispatcher::with_default(&of_thread, || info!("wrapped")));
            thread::spawn(call).join().expect("the thread ends");
            assert_eq!(REQUEST_ID.get(), id);
        };
        let requests = (0..8).map(|id| {
            let handle = handle.clone();
            let request = async move { handle(id).await };
            tokio::spawn(request.in_context(Context::new().with(&REQUEST_ID, id)).with_subscriber(dispatch.clone()))
        });
        for request in requests.collect::<Vec<_>>() {
            request.await.expect("the request ends");
        }
    });
    let mut lines = output.lines();
    lines.sort();
    let expected = ["blocking", "handler", "spawned: task", "wrapped"]
        .into_iter()
        .flat_map(|message| (0..8).map(move |id| format!("{message} REQUEST_ID={id}")));
    assert_eq!(lines, expected.collect::<Vec<_>>());
}

#[test]
fn the_variables_follow_onto_a_thread_pool() {
    let (output, dispatch) = lines();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool starts");
    Context::new().with(&REQUEST_ID, 7).run(|| {
        let say = |message| dispatcher::with_default(&dispatch, || info!("{message}"));
        pool.install(|| {
            rayon::join(|| say("left"), || say("right"));
            ["one", "two", "three"].par_iter().for_each(|number| say(number));
        });
    });
    let mut lines = output.lines();
    lines.sort();
    let expected = ["left", "one", "right", "three", "two"].map(|message| format!("{message} REQUEST_ID=7"));
    assert_eq!(lines, expected);
}

#[test]
fn json_has_the_values_with_their_types() {
    let output = Capture::default();
    let writer = output.clone();
    let layer = format::layer().json().map_event_format(ContextFormat::json).with_writer(move || writer.clone());
    let dispatch = tracing_subscriber::registry().with(layer).into();
    isolated(&dispatch, || {
        mod typed {
            use contextvars::context_var;
            #[context_var(log)]
            pub(super) static FLAG: bool;
            #[context_var(log)]
            pub(super) static SMALL: i8;
            #[context_var(log)]
            pub(super) static RATIO: f64;
            #[context_var(log)]
            pub(super) static NO_NUMBER: f32;
            #[context_var(log)]
            pub(super) static COUNT: usize;
            #[context_var(log)]
            pub(super) static PARTS: Option<u8>;
        }
        let user = "a\"b\\c\n\u{1}\u{7f}é".to_owned();
        with_context!(
            REQUEST_ID = 7,
            USER = user,
            PASSWORD = "hunter2".to_owned(),
            typed::FLAG = true,
            typed::SMALL = -3,
            typed::RATIO = 0.5,
            typed::NO_NUMBER = f32::NAN,
            typed::COUNT = 12,
            typed::PARTS = Some(4),
            { info!(items = 2, "accepted") }
        );
        info!("outside");
    });
    let lines = output.lines();
    let data: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(data[0]["fields"], json!({ "message": "accepted", "items": 2 }));
    assert_eq!(
        data[0]["context"],
        json!({
            "REQUEST_ID": 7,
            "user": "a\"b\\c\n\u{1}\u{7f}é",
            "PASSWORD": "<redacted>",
            "FLAG": true,
            "SMALL": -3,
            "RATIO": 0.5,
            "NO_NUMBER": null,
            "COUNT": 12,
            "PARTS": "Some(4)",
        })
    );
    assert_eq!(data[1].get("context"), None, "nothing is set, so there is nothing to add");
}

#[test]
fn flat_json_has_the_variables_beside_the_formats_own_members() {
    let output = Capture::default();
    let writer = output.clone();
    let layer = format::layer().json().flatten_event(true).map_event_format(ContextFormat::flat_json);
    let dispatch = tracing_subscriber::registry().with(layer.with_writer(move || writer.clone())).into();
    isolated(&dispatch, || with_context!(REQUEST_ID = 7, { info!("accepted") }));
    let data: Value = serde_json::from_str(&output.take()).expect("the line is JSON");
    assert_eq!((&data["message"], &data["REQUEST_ID"]), (&json!("accepted"), &json!(7)));
}

#[test]
fn pretty_output_gets_a_line_of_its_own() {
    let output = Capture::default();
    let writer = output.clone();
    let layer = format::layer().pretty().with_ansi(false).map_event_format(ContextFormat::pretty);
    let dispatch = tracing_subscriber::registry().with(layer.with_writer(move || writer.clone())).into();
    isolated(&dispatch, || with_context!(REQUEST_ID = 7, { info!("accepted") }));
    let text = output.take();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].ends_with("accepted") && lines[1].trim_start().starts_with("at "), "{text}");
    assert_eq!(lines[2..], ["    with REQUEST_ID=7", ""], "{text}");
}

#[test]
fn colours_stay_where_the_output_has_them() {
    let output = Capture::default();
    let writer = output.clone();
    let layer = format::layer().with_ansi(true).map_event_format(|it| ContextFormat::line(it.without_time()));
    let dispatch = tracing_subscriber::registry().with(layer.with_writer(move || writer.clone())).into();
    isolated(&dispatch, || {
        info!("plain");
        with_context!(REQUEST_ID = 7, { info!("accepted") });
    });
    let lines = output.lines();
    let before = lines[0].strip_suffix("plain").expect("nothing is added");
    assert!(before.contains("\u{1b}["), "{before:?}");
    assert_eq!(lines[1], format!("{before}accepted \u{1b}[3mREQUEST_ID\u{1b}[0m\u{1b}[2m=\u{1b}[0m7"));
}

#[test]
fn an_allow_list_decides_what_is_shown_and_in_which_order() {
    let output = Capture::default();
    let writer = output.clone();
    let layer = format::layer()
        .with_ansi(false)
        .without_time()
        .map_event_format(|it| ContextFormat::other(it).only([USER.variable(), NOT_LOGGED.variable()]));
    let dispatch = tracing_subscriber::registry().with(layer.with_writer(move || writer.clone())).into();
    isolated(&dispatch, || {
        with_context!(NOT_LOGGED = 1, REQUEST_ID = 7, USER = "ada".to_owned(), { info!("accepted") });
    });
    assert!(output.take().ends_with(": accepted user=ada NOT_LOGGED=1\n"));
}

//! Errors that say whose request failed: a context goes into them, and into the events of a tracker of errors.

use std::sync::Arc;

use anyhow::Context as _;
use contextvars::{Context, ContextExt, context_var, copy_context, tokio, with_context};
use sentry_core::protocol::Event;
use sentry_core::test::TestTransport;
use sentry_core::{ClientOptions, Hub, Level};

use crate::support::{Census, Citizen, isolated};

#[context_var(log)]
static REQUEST: u64;

#[context_var(log)]
static TENANT: String;

#[context_var(log, redact)]
static PASSWORD: &'static str;

#[context_var]
static UPLOAD: Citizen;

/// The variables of the caller that may be shown.
fn shown() -> Context {
    let mut ctx = copy_context();
    ctx.retain(|variable, _| variable.is_logged());
    ctx
}

/// A request, with variables that may be shown and one that may not.
fn request(id: u64) -> Context {
    Context::new().with(&REQUEST, id).with(&TENANT, "acme".to_owned()).with(&PASSWORD, "hunter2")
}

#[derive(Debug, thiserror::Error)]
#[error("no stock ({context})")]
struct NoStock {
    context: Context,
}

fn take_from_stock() -> Result<(), NoStock> {
    Err(NoStock { context: shown() })
}

#[test]
fn an_error_of_thiserror_says_on_one_line_whose_it_is_and_in_debug_where_each_variable_was_declared() {
    let error = request(7).run(take_from_stock).unwrap_err();
    assert_eq!(error.to_string(), "no stock (REQUEST=7, TENANT=acme, PASSWORD=<redacted>)");
    let place = format!("REQUEST ({}:{}): 7", file!(), REQUEST.variable().line());
    let debug = format!("{error:#?}");
    assert!(debug.contains(&place) && !debug.contains("hunter2"), "{debug}");
    // The values are at hand, too.
    assert_eq!((error.context.get(&REQUEST), error.context[&TENANT].as_str()), (Some(&7), "acme"));
}

#[tokio::test]
async fn a_context_is_a_context_of_anyhow_s_and_of_eyre_s_errors() {
    let by_anyhow = tokio::spawn(async { take_from_stock().context(shown()) }.in_context(request(7)));
    let error = by_anyhow.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "REQUEST=7, TENANT=acme, PASSWORD=<redacted>");
    assert!(format!("{error:#}").ends_with(": no stock (REQUEST=7, TENANT=acme, PASSWORD=<redacted>)"), "{error:#}");
    assert_eq!(error.downcast_ref::<Context>().unwrap()[&REQUEST], 7);

    // Its `wrap_err`, under the name that does not collide with the trait of `anyhow`.
    let wrapped = async { take_from_stock().map_err(|error| eyre::Report::new(error).wrap_err(shown())) };
    let by_eyre = tokio::spawn(wrapped.in_context(request(8)));
    let error = by_eyre.await.unwrap().unwrap_err();
    assert_eq!(error.downcast_ref::<Context>().unwrap()[&REQUEST], 8);
    let in_debug = format!("{error:?}");
    assert!(in_debug.contains("REQUEST=8, TENANT=acme, PASSWORD=<redacted>"), "{in_debug}");
    assert!(error.source().is_some());
}

#[test]
fn an_error_that_is_kept_keeps_nothing_of_the_request_but_what_is_shown() {
    let census = Census::new();
    let error = request(7).with(&UPLOAD, census.citizen()).run(take_from_stock).unwrap_err();
    assert_eq!(census.alive(), 0);
    assert!(!error.context.contains(&UPLOAD));
}

#[test]
fn what_was_set_afterwards_is_not_in_the_error() {
    isolated(|| {
        REQUEST.set(1);
        let error = take_from_stock().unwrap_err();
        REQUEST.set(2);
        assert_eq!(error.to_string(), "no stock (REQUEST=1)");
    });
}

#[test]
fn a_context_displays_on_one_line_whatever_its_values_are() {
    drop(request(0)); // The order is that of the first sets in the process.
    let display = |tenant: &str| Context::new().with(&TENANT, tenant.to_owned()).to_string();
    assert_eq!(display("a\nb\r\n\tc\u{1b}[31m\u{2028}d"), r#"TENANT="a\nb\r\n\tc\u{1b}[31m\u{2028}d""#);
    assert_eq!(display("Röd🦀"), "TENANT=Röd🦀");
    assert_eq!(display("Röd \"&\""), r#"TENANT="Röd \"&\"""#);
    assert_eq!((display(""), Context::new().to_string()), ("TENANT=\"\"".to_owned(), String::new()));
    // What a client has sent passes for no other variable, and hides nothing.
    assert_eq!(display("x, ROLE=admin"), "TENANT=\"x, ROLE=admin\"");
    assert_eq!(display("x\u{202e}y\u{200b}\u{feff}"), r#"TENANT="x\u{202e}y\u{200b}\u{feff}""#);
    // What has no `Display` is shown as `{:?}` shows it, and what has neither by its type.
    let ctx = Context::new().with(&POINT, Point { x: 1 }).with(&OPAQUE, Opaque);
    assert_eq!(ctx.to_string(), format!("POINT=\"Point {{ x: 1 }}\", OPAQUE=<{}>", std::any::type_name::<Opaque>()));
}

#[derive(Debug)]
struct Point {
    #[expect(dead_code, reason = "it is shown")]
    x: i32,
}

struct Opaque;

#[context_var]
static POINT: Point;

#[context_var]
static OPAQUE: Opaque;

/// Tags each event with the variables of the code that reports it.
#[expect(clippy::unnecessary_wraps, reason = "sentry asks whether to send it")]
fn tag(mut event: Event<'static>) -> Option<Event<'static>> {
    for (variable, value) in &shown() {
        event.tags.insert(variable.name().to_owned(), value.to_string());
    }
    Some(event)
}

#[test]
fn what_sentry_is_told_has_the_variables_of_the_reporting_task_for_tags() {
    let transport = TestTransport::new();
    let options = ClientOptions {
        dsn: Some("https://public@sentry.invalid/1".parse().unwrap()),
        transport: Some(Arc::new(transport.clone())),
        before_send: Some(Arc::new(tag)),
        ..ClientOptions::default()
    };
    let hub = Arc::new(Hub::new(Some(Arc::new(options.into())), Arc::default()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        for id in 1..=3 {
            let hub = Arc::clone(&hub);
            let report = async move {
                tokio::task::yield_now().await;
                hub.capture_message("no stock", Level::Error);
            };
            tokio::spawn(report.in_context(request(id))).await.unwrap();
        }
    });
    with_context!({ hub.capture_message("started", Level::Info) });
    let events = transport.fetch_and_clear_events();
    let tags: Vec<Vec<_>> = events.iter().map(|event| event.tags.values().map(String::as_str).collect()).collect();
    let of = |id| vec!["<redacted>", id, "acme"];
    assert_eq!(tags, [of("1"), of("2"), of("3"), vec![]]);
    assert!(events[0].tags.keys().eq(["PASSWORD", "REQUEST", "TENANT"]));
}

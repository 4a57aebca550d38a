//! A carrier of a program's own: children in spans of their own, which follow from the span of the request.
//!
//! A process of its own: the carrier and the subscriber are the process's.

use std::sync::Mutex;

use contextvars::carry::{self, Carried};
use contextvars::tokio;
use tracing::level_filters::LevelFilter;
use tracing::span::{EnteredSpan, Id};
use tracing::{Span, Subscriber, info_span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

/// A new span for a child.
struct Following(Span);

impl Carried for Following {
    type Undo = EnteredSpan;

    fn capture() -> Option<Self> {
        let current = Span::current();
        if current.is_none() {
            return None;
        }
        let span = info_span!(parent: None, "child");
        span.follows_from(&current);
        Some(Self(span))
    }

    fn enter(&self) -> Option<EnteredSpan> {
        Some(self.0.clone().entered())
    }
}

/// The names of spans that follow from others, with those, and of spans that closed.
static SEEN: Mutex<Vec<(&str, Option<&str>)>> = Mutex::new(Vec::new());

struct Recorder;

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Recorder {
    fn on_follows_from(&self, span: &Id, follows: &Id, cx: Context<'_, S>) {
        let name = |id| cx.span(id).unwrap().name();
        SEEN.lock().unwrap().push((name(span), Some(name(follows))));
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        SEEN.lock().unwrap().push((cx.span(&id).unwrap().name(), None));
    }
}

#[tokio::test]
async fn children_in_spans_that_follow_from_the_request_do_not_keep_it_open() {
    carry::register::<Following>();
    // With `--cfg tokio_unstable`, tokio makes spans of its own.
    let filter = Targets::new().with_default(LevelFilter::TRACE).with_target("tokio", LevelFilter::OFF);
    tracing_subscriber::registry().with(filter).with(Recorder).init();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let here = || Span::current().metadata().map(tracing::Metadata::name);
    let request = info_span!("request");
    let child = request.in_scope(|| tokio::spawn(async move { (ended.await.unwrap_err(), here()).1 }));
    drop(request);
    assert_eq!(*SEEN.lock().unwrap(), [("child", Some("request")), ("request", None)]);
    drop(end);
    assert_eq!(child.await.unwrap(), Some("child"));
    assert_eq!(SEEN.lock().unwrap().last(), Some(&("child", None)));
}

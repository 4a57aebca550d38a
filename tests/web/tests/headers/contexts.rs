//! In which context code of the user's runs while headers are read and written: the `FromStr` and `Display` of types,
//! formats, carriers, generators, and the functions that layers are given.

use std::convert::Infallible;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::str::FromStr;
use std::task::{self, Poll, Waker};

use axum::body::{Body, to_bytes};
use contextvars::baggage::{self, Baggage, BaggageLayer, InjectBaggageLayer};
use contextvars::headers::{
    self, ExtractLayer, Extractor, Format, HeadersLayer, InjectHeadersLayer, Injector, Skipped,
};
use contextvars::tower::ContextLayer;
use contextvars::{Context, ContextExt, context_var, with_context};
use futures_util::stream;
use http::{Request, Response};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// The ticket that was read last.
#[context_var(default = 0)]
static READ: u64;

/// The ticket that was written last.
#[context_var(default = 0)]
static WRITTEN: u64;

#[context_var(header = "x-ticket", baggage = "ticket")]
static TICKET: Ticket;

#[context_var(header = "x-seat")]
static SEAT: u64;

#[context_var(header = "x-lease", inherit = false)]
static LEASE: u64;

/// Sets variables when it is read and when it is written, as no type should. 13 is none; 666 panics.
struct Ticket(u64);

impl FromStr for Ticket {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = text.parse().map_err(drop)?;
        READ.set(number);
        assert_ne!(number, 666, "the type's");
        if number == 13 { Err(()) } else { Ok(Self(number)) }
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        WRITTEN.set(self.0);
        assert_ne!(self.0, 667, "the type's");
        self.0.fmt(f)
    }
}

#[context_var(baggage = "seated")]
static SEATED: Seated;

/// Is written as the number of the seat.
struct Seated;

impl fmt::Display for Seated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SEAT.get().fmt(f)
    }
}

impl FromStr for Seated {
    type Err = ();

    fn from_str(_: &str) -> Result<Self, ()> {
        Ok(Self)
    }
}

/// Sets a variable where it is called, and not in the context that it returns.
#[derive(Clone)]
struct Careless;

impl Format for Careless {
    fn extract(&self, headers: &dyn Extractor, context: Context) -> (Context, Vec<Skipped>) {
        headers.each_value("x-ticket", &mut |_| drop(READ.set(7)));
        (context, Vec::new())
    }

    fn inject(&self, _: &mut dyn Injector) -> Vec<Skipped> {
        Vec::new()
    }

    fn remove(&self, _: &mut dyn Injector) {}
}

fn request(headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder();
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    request.body(()).expect("it is valid")
}

fn list(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

/// Answers with what was read for its request.
async fn read(_: Request<()>) -> Result<Response<u64>, Infallible> {
    Ok(Response::new(READ.get()))
}

/// What is seen to be read in each of these requests, which come over one connection.
async fn over_one_connection<F: Format + Clone>(layer: ExtractLayer<F>, requests: [(&str, &str); 3]) -> Vec<u64> {
    let mut service = layer.layer(service_fn(read));
    let mut seen = Vec::new();
    for header in requests {
        let Ok(response) = service.call(request(&[header])).await;
        seen.push(response.into_body());
    }
    assert_eq!(READ.get(), 0, "nothing stays with the connection");
    seen
}

/// The same on a connection whose task has a context, and on one whose task has none.
async fn seen<F>(layer: ExtractLayer<F>, requests: [(&'static str, &'static str); 3]) -> Vec<u64>
where
    F: Format + Clone + Send + Sync + 'static,
{
    let with_context = over_one_connection(layer.clone(), requests).in_context(Context::new());
    let with_context = tokio::spawn(with_context).await.expect("no request panics");
    let without = tokio::spawn(over_one_connection(layer, requests)).await.expect("no request panics");
    assert_eq!(with_context, without);
    without
}

#[tokio::test]
async fn a_variable_that_from_str_sets_is_set_in_the_request_and_not_in_the_next_on_the_connection() {
    let in_header = [("x-ticket", "7"), ("accept", "*/*"), ("x-ticket", "8")];
    assert_eq!(seen(HeadersLayer::new(), in_header).await, [7, 0, 8]);
    let in_baggage = [("baggage", "ticket=7"), ("baggage", "plan=pro"), ("baggage", "ticket=8")];
    assert_eq!(seen(BaggageLayer::new(), in_baggage).await, [7, 0, 8]);
    let both = ExtractLayer::of((headers::Settings::new(), baggage::Settings::new()));
    assert_eq!(seen(both, [("x-ticket", "7"), ("accept", "*/*"), ("baggage", "ticket=8")]).await, [7, 0, 8]);
}

#[tokio::test]
async fn a_variable_that_a_format_sets_where_it_is_called_is_set_in_no_request() {
    assert_eq!(
        seen(ExtractLayer::of(Careless), [("x-ticket", "7"), ("accept", "*/*"), ("x-ticket", "8")]).await,
        [0; 3]
    );
}

#[test]
fn the_functions_read_in_the_context_that_they_return() {
    let (context, _) = headers::extract(&list("x-ticket", "7"), Context::new());
    assert_eq!((context[&READ], READ.get()), (7, 0));
    let (context, _) = baggage::extract(&list("baggage", "ticket=7"), Context::new());
    assert_eq!((context[&READ], READ.get()), (7, 0));
    let (context, _) = Baggage::parse(["ticket=7"]).0.apply(Context::new());
    assert_eq!((context[&READ], READ.get()), (7, 0));
}

#[test]
fn a_from_str_that_fails_sets_nothing() {
    let before = Context::new().with(&READ, 5);
    let (context, skipped) = headers::extract(&list("x-ticket", "13"), before.clone());
    assert_eq!((context == before, skipped.len(), READ.get()), (true, 1, 0));
    let (context, skipped) = baggage::extract(&list("baggage", "ticket=13"), before.clone());
    assert_eq!((context[&READ], skipped.len(), READ.get()), (5, 1, 0));
}

#[test]
fn after_a_from_str_that_panics_the_next_request_is_served_and_sees_nothing_of_it() {
    for header in [("x-ticket", "666"), ("baggage", "ticket=666")] {
        let call = |header| {
            let both = (headers::Settings::new(), baggage::Settings::new());
            let service = ExtractLayer::of(both).layer(service_fn(read));
            catch_unwind(AssertUnwindSafe(|| polled(service.oneshot(request(&[header])))))
        };
        assert!(call(header).is_err(), "{header:?}");
        assert_eq!((READ.get(), TICKET.is_set()), (0, false));
        let Ok(Ok(response)) = call(("accept", "*/*")) else { panic!("it is served") };
        assert_eq!(response.into_body(), 0);
    }
}

#[test]
fn what_is_sent_changes_no_context() {
    let both = (headers::Settings::new(), baggage::Settings::new());
    // Whose value is read again, for comparison with what came in, which is written in another way.
    let (mut context, _) = baggage::extract(&list("baggage", "ticket=007"), Context::new());
    context.run(|| {
        READ.set(9);
        let (sent, skipped) = headers::current(&both);
        assert!(sent["x-ticket"] == "7" && sent["baggage"] == "ticket=007" && skipped.is_empty(), "{sent:?}");
        assert_eq!((READ.get(), WRITTEN.is_set()), (9, false));
    });
    let (sent, _) = Baggage::of(&context);
    assert_eq!(sent.to_string(), "ticket=007");
    assert_eq!((context[&READ], context.contains(&WRITTEN), READ.is_set(), WRITTEN.is_set()), (9, false, false, false));
}

#[test]
fn a_value_is_written_in_a_copy_of_its_own_context_even_if_another_is_current() {
    let context = Context::new().with(&SEATED, Seated).with(&SEAT, 7);
    let (sent, _) = with_context!(SEAT = 8, { Baggage::of(&context) });
    assert_eq!(sent.to_string(), "seated=7");
}

#[tokio::test]
async fn the_echo_is_written_in_a_copy_of_the_requests_context() {
    let service = HeadersLayer::new().echo([TICKET.variable()]).layer(service_fn(read));
    let Ok(response) = service.clone().oneshot(request(&[("x-ticket", "7")])).await;
    assert_eq!(response.headers()["x-ticket"], "7");
    assert_eq!((WRITTEN.get(), READ.get()), (0, 0));
}

#[test]
fn a_display_that_panics_in_the_echo_leaves_nothing_and_the_next_request_is_served() {
    let service = HeadersLayer::new().echo([TICKET.variable()]).layer(service_fn(read));
    let call =
        |number| catch_unwind(AssertUnwindSafe(|| polled(service.clone().oneshot(request(&[("x-ticket", number)])))));
    assert!(call("667").is_err());
    assert_eq!((READ.get(), WRITTEN.get(), TICKET.is_set()), (0, 0, false));
    let Ok(Ok(response)) = call("7") else { panic!("it is served") };
    assert_eq!(response.headers()["x-ticket"], "7");
}

#[tokio::test]
async fn a_generator_and_a_servers_reports_run_in_the_requests_context() {
    let layer = HeadersLayer::new()
        .generate(&SEAT, || {
            READ.set(100);
            1
        })
        .on_skipped(|_| drop(READ.set(READ.get() + SEAT.get())));
    assert_eq!(seen(layer, [("x-seat", "none"), ("x-seat", "7"), ("accept", "*/*")]).await, [101, 0, 100]);
}

#[tokio::test]
async fn the_functions_of_a_client_are_called_where_the_request_is_made() {
    let sends = service_fn(async |request: Request<()>| Ok::<_, Infallible>(request.headers().clone()));
    let headers = InjectHeadersLayer::new().by_destination(|_| {
        READ.set(SEAT.get());
        Some(headers::Settings::new().most_bytes(0))
    });
    let headers = headers.on_skipped(|_| drop(WRITTEN.set(SEAT.get()))).layer(sends);
    let baggage = InjectBaggageLayer::of(baggage::Settings::new().most_bytes(0));
    let baggage = baggage.on_skipped(|_| drop(READ.set(READ.get() + SEAT.get()))).layer(sends);
    with_context!(SEAT = 7, async move {
        let Ok(_) = headers.oneshot(request(&[])).await;
        assert_eq!((READ.get(), WRITTEN.get()), (7, 7));
        TICKET.set(Ticket(1));
        let Ok(_) = baggage.oneshot(request(&[])).await;
        assert_eq!((READ.get(), WRITTEN.get()), (14, 7));
    })
    .await;
    assert_eq!((READ.get(), WRITTEN.get()), (0, 0));
}

#[test]
fn a_carrier_is_called_in_the_current_context() {
    /// Sets a variable when it is read and when it is written to.
    struct Carrier;
    impl Extractor for Carrier {
        fn each_value(&self, _: &str, _: &mut dyn FnMut(&[u8])) {
            READ.set(7);
        }
    }
    impl Injector for Carrier {
        fn set(&mut self, _: &str, _: Option<String>) {
            WRITTEN.set(7);
        }
    }
    Context::new().run(|| {
        let (context, _) = headers::extract(&Carrier, Context::new());
        let _ = headers::inject(&mut Carrier);
        assert_eq!((READ.get(), WRITTEN.get(), context.is_empty()), (7, 7, true));
    });
    Context::new().run(|| {
        let (context, _) = baggage::extract(&Carrier, Context::new());
        let _ = baggage::inject(&mut Carrier);
        assert_eq!((READ.get(), WRITTEN.get(), context.is_empty()), (7, 7, true));
    });
}

#[tokio::test]
async fn a_body_that_was_given_the_requests_context_is_made_in_it() {
    let handler = service_fn(async |_: Request<()>| {
        SEAT.set(8);
        let frames = stream::once(async { Ok::<_, Infallible>(format!("{} {}", SEAT.get(), LEASE.get())) });
        Ok::<_, Infallible>(Response::new(Body::from_stream(frames)))
    });
    let service = ServiceBuilder::new()
        .layer(HeadersLayer::new().echo([SEAT.variable()]))
        .map_response(|response: Response<_>| response.map(ContextExt::in_current_context))
        .service(handler);
    let Ok(response) = service.oneshot(request(&[("x-seat", "7"), ("x-lease", "5")])).await;
    assert_eq!(response.headers()["x-seat"], "8");
    let body = to_bytes(Body::new(response.into_body()), usize::MAX).await.expect("it arrives");
    assert_eq!((body.as_ref(), SEAT.is_set()), (&b"8 5"[..], false));
}

#[tokio::test]
async fn in_a_context_layer_inside_what_is_not_inherited_is_missing_and_what_is_set_is_not_echoed() {
    let handler = service_fn(async |_: Request<()>| {
        let received = (SEAT.get(), LEASE.is_set());
        SEAT.set(8);
        Ok::<_, Infallible>(Response::new(received))
    });
    let service = ServiceBuilder::new()
        .layer(HeadersLayer::new().echo([SEAT.variable(), LEASE.variable()]))
        .layer(ContextLayer::new())
        .service(handler);
    let Ok(response) = service.oneshot(request(&[("x-seat", "7"), ("x-lease", "5")])).await;
    assert!(response.headers()["x-seat"] == "7" && response.headers()["x-lease"] == "5");
    assert_eq!(response.into_body().into_parts().0, (7, false));
}

#[tokio::test]
async fn inside_of_a_buffer_a_client_sends_no_variable_and_removes_what_was_set_by_hand() {
    let sends = service_fn(async |request: Request<()>| {
        Ok::<_, BoxError>(request.headers().get("x-seat").map(|it| it.to_str().expect("it is ASCII").to_owned()))
    });
    let inside = ServiceBuilder::new().buffer(4).layer(InjectHeadersLayer::new()).service(sends);
    let outside = ServiceBuilder::new().layer(InjectHeadersLayer::new()).buffer(4).service(sends);
    with_context!(SEAT = 7, async move {
        let sent = inside.oneshot(request(&[("x-seat", "5")])).await.expect("it answers");
        assert_eq!(sent, None);
        let sent = outside.oneshot(request(&[("x-seat", "5")])).await.expect("it answers");
        assert_eq!(sent.as_deref(), Some("7"));
    })
    .await;
}

#[tokio::test]
async fn inside_of_a_buffer_a_service_has_the_variables_of_headers_and_inherits_nothing() {
    let handler =
        service_fn(async |_: Request<()>| Ok::<_, BoxError>(Response::new((SEAT.try_get().ok(), READ.get()))));
    let inside = ServiceBuilder::new().buffer(4).layer(HeadersLayer::new()).service(handler);
    let outside = ServiceBuilder::new().layer(HeadersLayer::new()).buffer(4).service(handler);
    with_context!(READ = 9, async move {
        let response = inside.oneshot(request(&[("x-seat", "7")])).await.expect("it answers");
        assert_eq!(response.into_body(), (Some(7), 0));
        let response = outside.oneshot(request(&[("x-seat", "7")])).await.expect("it answers");
        assert_eq!(response.into_body(), (Some(7), 9));
    })
    .await;
}

/// Polls a future that does not wait.
fn polled<F: Future>(future: F) -> F::Output {
    let mut cx = task::Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut cx) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("it does not wait"),
    }
}

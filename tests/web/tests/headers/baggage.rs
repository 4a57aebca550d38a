//! Variables that travel through real services: each hop is HTTP over a socket of its own.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{self, Poll, Waker};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::routing::get;
use contextvars::baggage::{Baggage, BaggageLayer, InjectBaggage, InjectBaggageLayer, Settings, Skipped};
use contextvars::tower::ContextLayer;
use contextvars::{Context, ContextExt, context_var, tokio, with_context};
use futures_util::stream;
use http::Response;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

/// Whose request it is; every service knows.
#[context_var(baggage = "tenant")]
static TENANT: String;

/// How many services were passed.
#[context_var(baggage = "hops", default = 0)]
static HOPS: u32;

/// Of no concern to other processes.
#[context_var]
static SECRET: String;

/// The caller of a service keeps this to itself.
#[context_var(inherit = false)]
static TRANSACTION: u32;

type HttpClient = InjectBaggage<Client<HttpConnector, Body>>;

fn client() -> HttpClient {
    InjectBaggageLayer::new().layer(Client::builder(TokioExecutor::new()).build_http())
}

/// What a service does with a request before it passes it on.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// Knows a secret, and asks another service.
    Front,
    /// Asks another service in a spawned task.
    Middle,
    /// Answers.
    Back,
}

#[derive(Clone)]
struct Service {
    role: Role,
    next: Option<SocketAddr>,
    client: HttpClient,
    /// All the headers that were received, as they came over the wire.
    received: Arc<Mutex<Vec<String>>>,
}

async fn body_of(
    response: Response<
        impl axum::body::HttpBody<Data = axum::body::Bytes, Error: std::error::Error + Send + Sync + 'static>
        + Send
        + 'static,
    >,
) -> Value {
    let bytes = to_bytes(Body::new(response.into_body()), usize::MAX).await.expect("the body arrives");
    serde_json::from_slice(&bytes).expect("the body is JSON")
}

impl Service {
    /// What this service and all behind it saw, the last first.
    async fn handle(self, request: Request) -> Value {
        let headers = format!("{:?}", request.headers());
        self.received.lock().unwrap_or_else(PoisonError::into_inner).push(headers);
        let seen = json!({
            "tenant": TENANT.try_get().ok(),
            "hops": HOPS.get(),
            "knows_secret": SECRET.is_set(),
        });
        HOPS.set(HOPS.get() + 1);
        let Some(next) = self.next else { return json!([seen]) };
        let ask = async move {
            let request = Request::builder().uri(format!("http://{next}/")).body(Body::empty()).expect("it is valid");
            body_of(self.client.oneshot(request).await.expect("the next service answers")).await
        };
        let answer = match self.role {
            Role::Front => {
                SECRET.set("hunter2".to_owned());
                ask.await
            }
            _ => tokio::spawn(ask).await.expect("the task ends"),
        };
        let mut all = answer.as_array().expect("a list").clone();
        all.push(seen);
        Value::Array(all)
    }
}

/// Three services, each of which asks the next.
struct Chain {
    front: SocketAddr,
    received: [Arc<Mutex<Vec<String>>>; 3],
    skipped: Arc<Mutex<Vec<Skipped>>>,
}

impl Chain {
    async fn start() -> Self {
        let skipped = Arc::new(Mutex::new(Vec::new()));
        let received = [(); 3].map(|()| Arc::default());
        let mut next = None;
        for (role, received) in [Role::Front, Role::Middle, Role::Back].into_iter().zip(&received).rev() {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
            let addr = listener.local_addr().expect("it is bound");
            let service = Service { role, next, client: client(), received: Arc::clone(received) };
            let report = Arc::clone(&skipped);
            let layer = BaggageLayer::new()
                .on_skipped(move |it| report.lock().unwrap_or_else(PoisonError::into_inner).push(it.clone()));
            let handler =
                |State(service): State<Service>, request: Request| async { axum::Json(service.handle(request).await) };
            let routes = Router::new().route("/", get(handler)).layer(layer).with_state(service);
            // A server has no parent: it starts from nothing, as another process would.
            let server = async { axum::serve(listener, routes).await };
            tokio::spawn(server.in_context(Context::new()));
            next = Some(addr);
        }
        Self { front: next.expect("there are services"), received, skipped }
    }

    async fn ask(&self, headers: &[(&str, &str)]) -> Value {
        let mut request = Request::builder().uri(format!("http://{}/", self.front));
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        // Past the layer, whose business the header would be.
        let plain = Client::builder(TokioExecutor::new()).build_http();
        body_of(plain.request(request.body(Body::empty()).expect("it is valid")).await.expect("it answers")).await
    }

    fn received(&self, service: usize) -> Vec<String> {
        self.received[service].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[tokio::test]
async fn a_variable_travels_three_hops_and_through_a_spawned_task() {
    let chain = Chain::start().await;
    let seen = chain.ask(&[("baggage", "tenant=R%C3%B6d%20&%20Co")]).await;
    assert_eq!(
        seen,
        json!([
            { "tenant": "Röd & Co", "hops": 2, "knows_secret": false },
            { "tenant": "Röd & Co", "hops": 1, "knows_secret": false },
            { "tenant": "Röd & Co", "hops": 0, "knows_secret": false },
        ])
    );
}

#[tokio::test]
async fn what_is_not_declared_to_travel_is_not_in_any_byte_that_leaves() {
    let chain = Chain::start().await;
    chain.ask(&[("baggage", "tenant=acme")]).await;
    for service in [1, 2] {
        let headers = chain.received(service).concat();
        assert!(headers.contains("tenant=acme"), "{headers}");
        assert!(!headers.contains("hunter2") && !headers.to_lowercase().contains("secret"), "{headers}");
    }
}

#[tokio::test]
async fn what_the_services_do_not_know_reaches_the_last_of_them_with_the_encoding_that_it_came_with() {
    let chain = Chain::start().await;
    chain.ask(&[("baggage", "vendor = x%2c;ttl=5"), ("baggage", "tenant=ac%6de;sealed,broken,other=1")]).await;
    let headers = chain.received(2).concat();
    assert!(headers.contains("\"vendor=x%2c;ttl=5,tenant=ac%6de;sealed,other=1,hops=2\""), "{headers}");
    let skipped = chain.skipped.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(skipped.len() == 1 && skipped[0].key() == "broken", "reported once, where it came in: {skipped:?}");
}

#[tokio::test]
async fn requests_at_the_same_time_keep_their_own_values() {
    let chain = Arc::new(Chain::start().await);
    let requests: Vec<_> = (0..50)
        .map(|number| {
            let chain = Arc::clone(&chain);
            tokio::spawn(async move { (number, chain.ask(&[("baggage", &format!("tenant=t{number}"))]).await) })
        })
        .collect();
    for request in requests {
        let (number, seen) = request.await.expect("the task ends");
        for service in seen.as_array().expect("a list") {
            assert_eq!(service["tenant"], format!("t{number}"));
        }
    }
    let seen = chain.ask(&[]).await;
    assert!(seen.as_array().expect("a list").iter().all(|service| service["tenant"].is_null()), "{seen}");
}

#[tokio::test]
async fn a_request_takes_along_what_is_set_when_it_is_made() {
    let echo = service_fn(async |request: Request<()>| {
        let header = request.headers().get("baggage").map(|value| value.to_str().expect("ASCII").to_owned());
        Ok::<_, Infallible>(header)
    });
    let client = InjectBaggageLayer::new().layer(echo);
    let sent = async |request: Request<()>| client.clone().oneshot(request).await.expect("it cannot fail");
    let in_context = with_context!(TENANT = "acme".to_owned(), async { sent(Request::new(())).await }).await;
    assert_eq!(in_context.as_deref(), Some("tenant=acme"));
    let stale = Request::builder().header("baggage", "tenant=old").body(()).expect("it is valid");
    assert_eq!(sent(stale).await, None, "what the context does not say does not leave");
}

#[tokio::test]
async fn a_client_says_what_did_not_fit() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let layer = InjectBaggageLayer::new().on_skipped(move |skipped: &Skipped| {
        tell.lock().unwrap_or_else(PoisonError::into_inner).push(skipped.key().to_owned());
    });
    assert!(format!("{layer:?}").ends_with("on_skipped: a function }"));
    assert!(format!("{:?}", InjectBaggageLayer::new()).ends_with("on_skipped: nothing }"));
    let client = layer.layer(service_fn(async |request: http::Request<()>| Ok::<_, Infallible>(request)));
    let sent =
        with_context!(TENANT = "x".repeat(8192), HOPS = 1, async { client.oneshot(http::Request::new(())).await });
    let Ok(sent) = sent.await;
    assert_eq!(sent.headers()["baggage"], "hops=1");
    assert_eq!(*told.lock().unwrap_or_else(PoisonError::into_inner), ["tenant"]);
}

/// A client that answers with the header that it would have sent.
async fn answer_with_header(request: http::Request<()>) -> Result<Option<String>, Infallible> {
    let header = request.headers().get("baggage");
    Ok(header.map(|value| value.to_str().expect("it is ASCII").to_owned()))
}

/// What was sent to where, by a client within this layer, for a request that came with baggage.
async fn sent_to(layer: &InjectBaggageLayer, uri: &str) -> Option<String> {
    let client = layer.layer(service_fn(answer_with_header));
    let service = BaggageLayer::new().layer(service_fn(|_: http::Request<()>| {
        let request = http::Request::get(uri).header("baggage", "old=1").body(()).expect("it is valid");
        let sent = client.clone().oneshot(request);
        async { sent.await.map(Response::new) }
    }));
    let request = http::Request::builder().header("baggage", "vendor=x,tenant=acme;p").body(()).expect("it is valid");
    let Ok(sent) = service.oneshot(request).await;
    sent.into_body()
}

#[tokio::test]
async fn what_goes_out_is_decided_by_destination() {
    let layer = InjectBaggageLayer::new().by_destination(|request| match request.uri.host()? {
        "stock.internal" => Some(Settings::new()),
        "partner.example" => Some(Settings::new().variables_only()),
        _ => None,
    });
    assert!(format!("{layer:?}").contains("by destination"));
    assert_eq!(sent_to(&layer, "http://stock.internal/").await.as_deref(), Some("vendor=x,tenant=acme;p"));
    assert_eq!(sent_to(&layer, "http://partner.example/").await.as_deref(), Some("tenant=acme;p"));
    assert_eq!(sent_to(&layer, "http://elsewhere.example/").await, None, "and what was there before is removed");
    assert_eq!(sent_to(&layer, "/without/a/host").await, None);
}

#[tokio::test]
async fn a_client_sends_by_its_settings() {
    let by_default = InjectBaggageLayer::new();
    assert_eq!(sent_to(&by_default, "http://stock.internal/").await.as_deref(), Some("vendor=x,tenant=acme;p"));
    let own = InjectBaggageLayer::of(Settings::new().variables_only());
    assert_eq!(sent_to(&own, "http://stock.internal/").await.as_deref(), Some("tenant=acme;p"));
    let again = own.by_destination(|_| Some(Settings::new()));
    assert_eq!(sent_to(&again, "http://stock.internal/").await.as_deref(), Some("vendor=x,tenant=acme;p"));
}

#[tokio::test]
async fn a_service_reads_by_its_settings() {
    let handler =
        service_fn(async |_: http::Request<()>| Ok::<_, Infallible>(Response::new(Baggage::current().0.to_string())));
    let header = format!("{},tenant=acme", (0..100).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(","));
    let seen = async |layer: BaggageLayer| {
        let request = http::Request::builder().header("baggage", &header).body(()).expect("it is valid");
        let Ok(seen) = layer.layer(handler).oneshot(request).await;
        seen.into_body()
    };
    assert!(!seen(BaggageLayer::new()).await.contains("tenant"), "the specification's limits");
    assert!(seen(BaggageLayer::of(Settings::new().most_members(180))).await.contains("tenant"));
    assert_eq!(seen(BaggageLayer::of(Settings::new().variables_only())).await, "tenant=acme");
}

#[test]
fn services_with_baggage_are_ready_when_what_is_inside_is() {
    /// Is never ready.
    #[derive(Clone)]
    struct Busy;
    impl tower::Service<http::Request<()>> for Busy {
        type Response = Response<()>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<()>, Infallible>>;
        fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn call(&mut self, _: http::Request<()>) -> Self::Future {
            unreachable!("it is never ready")
        }
    }
    let cx = &mut task::Context::from_waker(Waker::noop());
    assert!(tower::Service::poll_ready(&mut InjectBaggageLayer::new().layer(Busy), cx).is_pending());
    assert!(tower::Service::poll_ready(&mut BaggageLayer::new().layer(Busy), cx).is_pending());
}

#[tokio::test]
async fn a_request_inherits_the_same_through_a_baggage_layer_as_through_a_context_layer() {
    let handler = service_fn(async |_: http::Request<Body>| {
        Ok::<_, Infallible>(Response::new(Body::from(format!("{:?} {}", TENANT.try_get().ok(), TRANSACTION.is_set()))))
    });
    let baggage = BaggageLayer::new().layer(handler);
    let context = ContextLayer::new().layer(handler);
    let both = BaggageLayer::new().layer(ContextLayer::new().layer(handler));
    let seen = async |response: Response<Body>| to_bytes(response.into_body(), usize::MAX).await.expect("it arrives");
    with_context!(TENANT = "acme".to_owned(), TRANSACTION = 7, async move {
        let Ok(through_baggage) = baggage.oneshot(Request::new(Body::empty())).await;
        let Ok(through_context) = context.oneshot(Request::new(Body::empty())).await;
        let Ok(through_both) = both.oneshot(Request::new(Body::empty())).await;
        let expected = r#"Some("acme") false"#;
        assert_eq!(seen(through_baggage).await, expected);
        assert_eq!(seen(through_context.map(Body::new)).await, expected);
        assert_eq!(seen(through_both.map(Body::new)).await, expected);
    })
    .await;
}

#[tokio::test]
async fn inside_of_a_context_layer_the_body_is_made_with_what_came_along_too() {
    let streamed = service_fn(async |_: http::Request<Body>| {
        let frames = stream::once(async { Ok::<_, Infallible>(format!("for {}", TENANT.get())) });
        Ok::<_, Infallible>(Response::new(Body::from_stream(frames)))
    });
    let service = ServiceBuilder::new().layer(BaggageLayer::new()).layer(ContextLayer::new()).service(streamed);
    let request = Request::builder().header("baggage", "tenant=acme").body(Body::empty()).expect("it is valid");
    let response = service.oneshot(request).await.expect("it cannot fail");
    let body = to_bytes(Body::new(response.into_body()), usize::MAX).await.expect("the body arrives");
    assert_eq!(body, "for acme");
}

#[tokio::test]
async fn a_request_that_panics_or_is_given_up_leaves_nothing_of_its_baggage() {
    let (sender, receiver) = mpsc::channel();
    let service = BaggageLayer::new().layer(service_fn(move |request: Request<bool>| {
        let witness = Witness(sender.clone());
        async move {
            let _witness = witness;
            assert!(!request.body(), "the handler's");
            pending::<Result<Response<()>, Infallible>>().await
        }
    }));
    for panics in [true, false] {
        let request = Request::builder().header("baggage", "tenant=acme").body(panics).expect("it is valid");
        let mut response = Box::pin(service.clone().oneshot(request));
        let polled =
            catch_unwind(AssertUnwindSafe(|| response.as_mut().poll(&mut task::Context::from_waker(Waker::noop()))));
        assert_eq!(polled.is_err(), panics);
        assert!(!TENANT.is_set());
        drop(response);
        assert!(!TENANT.is_set());
    }
    drop(service);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), ["acme", "acme"], "both were dropped in their contexts");
}

/// Tells whose request it is when it is dropped.
struct Witness(mpsc::Sender<String>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.send(TENANT.get_or_else(String::new)).expect("the test listens");
    }
}

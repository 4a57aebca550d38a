//! Variables in headers of their own, through real servers and clients: each hop is HTTP over a socket.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{self, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use contextvars::headers::{self, HeadersLayer, InjectHeadersLayer, InjectService, Settings, Skipped};
use contextvars::{Context, ContextExt, context_var, tokio, with_context};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::support::{REQUEST, text};

/// Tells requests apart.
#[context_var(header = "x-request-id", default = 0)]
static REQUEST_ID: u64;

/// Who may do what; the services tell each other.
#[context_var(header = "x-role")]
static ROLE: Arc<str>;

type HttpClient = InjectService<Client<HttpConnector, Body>, Settings>;

fn client() -> HttpClient {
    InjectHeadersLayer::new().layer(Client::builder(TokioExecutor::new()).build_http())
}

/// Serves the routes in a context that starts empty, as in a process of its own.
async fn serve(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let addr = listener.local_addr().expect("it is bound");
    tokio::spawn(async { axum::serve(listener, routes).await }.in_context(Context::new()));
    addr
}

fn request_to(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = Request::builder().uri(format!("http://{addr}{path}"));
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Body::empty()).expect("it is valid")
}

/// Asks past the layer, as a client elsewhere does: the status, the id in the response's header, and the body.
async fn ask(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, Option<String>, String) {
    let plain = Client::builder(TokioExecutor::new()).build_http();
    let response = plain.request(request_to(addr, path, headers)).await.expect("it answers");
    let id = response.headers().get("x-request-id").map(|id| id.to_str().expect("it is ASCII").to_owned());
    (response.status().as_u16(), id, text(response).await)
}

/// Answers with the headers that came in.
async fn received(request: Request) -> String {
    let value = |name: &str| {
        let values: Vec<_> = request.headers().get_all(name).iter().map(|it| it.to_str().expect("ASCII")).collect();
        values.join("|")
    };
    format!("{} {}", value("x-request-id"), value("x-role"))
}

/// The layer of a service at the edge: makes ids, echoes them, and lets nothing else in.
fn at_the_edge() -> HeadersLayer {
    static NEXT: AtomicU64 = AtomicU64::new(1_000_000);
    HeadersLayer::of(Settings::new().only([REQUEST_ID.variable()]).most_bytes(20))
        .generate(&REQUEST_ID, || NEXT.fetch_add(1, Ordering::Relaxed))
        .echo([REQUEST_ID.variable()])
}

/// A service at the edge whose `/` asks another in a spawned task, and what was reported there.
async fn front(back: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<Skipped>>>) {
    let skipped = Arc::new(Mutex::new(Vec::new()));
    let report = Arc::clone(&skipped);
    let layer = at_the_edge().on_skipped(move |it| {
        assert!(REQUEST_ID.is_set(), "a report knows its request");
        report.lock().unwrap_or_else(PoisonError::into_inner).push(it.clone());
    });
    let handler = async move |State(client): State<HttpClient>| {
        let before = REQUEST_ID.get();
        let asked = tokio::spawn(async move { client.oneshot(request_to(back, "/", &[])).await });
        let seen = text(asked.await.expect("the task ends").expect("it answers")).await;
        assert_eq!(before, REQUEST_ID.get());
        seen
    };
    (serve(Router::new().route("/", get(handler)).layer(layer).with_state(client())).await, skipped)
}

#[tokio::test]
async fn a_variable_travels_in_its_header_through_a_spawned_task_and_comes_back_in_the_response() {
    let (front, skipped) = front(serve(Router::new().route("/", get(received))).await).await;
    assert_eq!(ask(front, "/", &[("X-Request-Id", "7")]).await, (200, Some("7".to_owned()), "7 ".to_owned()));
    assert!(skipped.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hundreds_of_requests_at_the_same_time_keep_their_own_values() {
    const REQUESTS: usize = 300;
    // Two hops, with two ends each, and some to spare.
    rlimit::increase_nofile_limit(4 * REQUESTS as u64 + 300).expect("a limit can be raised up to the hard one");
    // All are under way before the first is answered.
    let barrier = Arc::new(Barrier::new(REQUESTS));
    let wait = async move |request: Request| {
        barrier.wait().await;
        received(request).await
    };
    let (front, _) = front(serve(Router::new().route("/", get(wait))).await).await;
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..REQUESTS {
        requests.spawn(async move {
            let id = number.to_string();
            // A third of them have no id, or none that can be read.
            let headers = [("x-request-id", if number % 3 == 0 { "none" } else { &id })];
            (number, ask(front, "/", &headers[usize::from(number % 6 == 0)..]).await)
        });
    }
    let mut generated = HashSet::new();
    while let Some(done) = requests.join_next().await {
        let (number, (status, echoed, seen)) = done.expect("the task ends");
        let echoed: u64 = echoed.expect("it is echoed").parse().expect("a number");
        assert_eq!((status, seen), (200, format!("{echoed} ")));
        if number % 3 == 0 {
            assert!(echoed >= 1_000_000 && generated.insert(echoed), "{number} got {echoed}");
        } else {
            assert_eq!(echoed, number as u64);
        }
    }
    assert_eq!(generated.len(), REQUESTS / 3);
}

#[tokio::test]
async fn what_is_not_let_in_does_not_reach_the_next_service_even_if_the_request_is_passed_on_whole() {
    let back = serve(Router::new().route("/", get(received))).await;
    let proxy = async move |State(client): State<HttpClient>, request: Request| {
        assert!(request.headers().contains_key("x-role") && !ROLE.is_set());
        let (mut head, body) = request.into_parts();
        head.uri = format!("http://{back}/").parse().expect("it is valid");
        client.oneshot(Request::from_parts(head, body)).await.expect("it answers")
    };
    let proxy = serve(Router::new().route("/", get(proxy)).layer(at_the_edge()).with_state(client())).await;
    let (_, _, seen) = ask(proxy, "/", &[("x-request-id", "7"), ("x-role", "admin")]).await;
    assert_eq!(seen, "7 ");
}

#[tokio::test]
async fn malformed_and_oversized_headers_are_left_out_reported_and_replaced_by_generated_ones() {
    type Is = fn(&Skipped) -> bool;
    let (front, skipped) = front(serve(Router::new().route("/", get(received))).await).await;
    let cases: [(&[u8], Is); 5] = [
        (b"x-request-id: 1\r\nx-request-id: 2\r\n", Skipped::is_malformed),
        (b"x-request-id: \xff7\r\n", Skipped::is_malformed),
        (b"x-request-id: 000000000000000000007\r\n", Skipped::is_over_limit),
        (b"x-request-id: -7\r\n", Skipped::is_wrong_value),
        (b"x-request-id:\r\n", Skipped::is_malformed),
    ];
    for (lines, is_it) in cases {
        let mut stream = TcpStream::connect(front).await.expect("it listens");
        let head = [b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n", lines, b"\r\n"].concat();
        stream.write_all(&head).await.expect("it is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("it answers");
        assert!(response.starts_with("HTTP/1.1 200") && response.contains("\r\nx-request-id: 1000"), "{response}");
        let told = std::mem::take(&mut *skipped.lock().unwrap_or_else(PoisonError::into_inner));
        assert!(told.len() == 1 && told[0].key() == "x-request-id" && is_it(&told[0]), "{told:?}");
    }
}

#[tokio::test]
async fn early_responses_errors_and_panics_have_the_echo_too() {
    let guard = async |request: Request, next: Next| {
        if request.uri().path() == "/secret" {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        next.run(request).await
    };
    let failing = service_fn(async |_: Request| Err::<Response, _>(std::io::Error::other("the disk is full")));
    let failing = HandleErrorLayer::new(async |error: std::io::Error| (StatusCode::BAD_GATEWAY, error.to_string()))
        .layer(failing);
    let routes = Router::new()
        .route("/", get(async || StatusCode::NO_CONTENT))
        .route("/wrong", get(async || Err::<(), _>((StatusCode::CONFLICT, "no"))))
        .route("/panics", get(async || -> StatusCode { panic!("the handler's") }))
        .route("/other", get(async || [("x-request-id", "another"), ("x-role", "guest")]))
        .route_service("/fails", failing)
        .layer(ServiceBuilder::new().layer(at_the_edge()).layer(CatchPanicLayer::new()).layer(from_fn(guard)));
    let server = serve(routes).await;
    for (path, status) in [
        ("/", 204),
        ("/wrong", 409),
        ("/panics", 500),
        ("/secret", 401),
        ("/fails", 502),
        ("/nowhere", 404),
        ("/other", 200),
    ] {
        let (got, id, _) = ask(server, path, &[("x-request-id", "7")]).await;
        assert_eq!((got, id.as_deref()), (status, Some("7")), "{path}");
    }
}

#[tokio::test]
async fn the_echo_is_as_the_variable_is_when_the_response_is_ready_and_leaves_other_headers_alone() {
    let handler = service_fn(async |request: Request<()>| {
        match request.uri().path() {
            "/sets" => drop(REQUEST_ID.set(8)),
            "/cannot" => drop(ROLE.set("a\r\nb".into())),
            _ => {}
        }
        Ok::<_, Infallible>(http::Response::builder().header("x-role", "guest").body(()).expect("it is valid"))
    });
    let (sender, skipped) = mpsc::channel();
    let layer = HeadersLayer::new()
        .echo([REQUEST_ID.variable(), ROLE.variable()])
        .on_skipped(move |it| sender.send(it.clone()).expect("the test listens"));
    let service = layer.layer(handler);
    let answer = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = Request::get(path);
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        let Ok(response) = service.clone().oneshot(request.body(()).expect("it is valid")).await;
        let header = |name| response.headers().get(name).map(|it| it.to_str().expect("it is ASCII").to_owned());
        (header("x-request-id"), header("x-role"))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(answer("/", &[]).await, (None, some("guest")), "a default is not echoed");
    assert_eq!(answer("/sets", &[("x-request-id", "7")]).await, (some("8"), some("guest")));
    assert_eq!(answer("/", &[("x-role", "admin")]).await, (None, some("admin")));
    assert!(skipped.try_recv().is_err());
    assert_eq!(answer("/cannot", &[]).await, (None, some("guest")), "what no header can have");
    assert!(skipped.try_recv().expect("it is reported").is_malformed());
}

#[test]
fn an_echo_of_a_variable_without_a_header_is_refused() {
    let refused = catch_unwind(|| HeadersLayer::new().echo([REQUEST.variable()])).expect_err("it panics");
    assert!(refused.downcast_ref::<String>().expect("a text").contains("`REQUEST`"));
}

#[tokio::test]
async fn a_generator_is_called_in_the_requests_context_and_only_for_what_is_missing() {
    let calls = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&calls);
    let layer = HeadersLayer::new().generate(&REQUEST_ID, || 5).generate(&ROLE, move || {
        count.fetch_add(1, Ordering::Relaxed);
        format!("guest of {}", REQUEST_ID.get()).into()
    });
    let service = layer
        .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(http::Response::new(ROLE.get().to_string()))));
    let role = async |request: http::request::Builder| {
        let Ok(response) = service.clone().oneshot(request.body(()).expect("it is valid")).await;
        response.into_body()
    };
    assert_eq!(role(Request::builder()).await, "guest of 5");
    assert_eq!(role(Request::builder().header("x-role", "admin")).await, "admin");
    assert_eq!(role(Request::builder().header("x-role", "")).await, "guest of 5", "an empty one is none");
    assert_eq!(with_context!(ROLE = "host".into(), async { role(Request::builder()).await }).await, "host");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert!(!ROLE.is_set() && !REQUEST_ID.is_set());
}

#[tokio::test]
async fn headers_go_only_where_the_filter_lets_them_not_even_over_a_redirect() {
    let elsewhere = serve(Router::new().route("/", get(received))).await;
    let redirect = async move || Redirect::temporary(&format!("http://localhost:{}/", elsewhere.port()));
    let own = serve(Router::new().route("/", get(received)).route("/away", get(redirect))).await;
    let filtered = InjectHeadersLayer::new().by_destination(|request| match request.uri.host()? {
        "127.0.0.1" => Some(Settings::new()),
        _ => None,
    });
    assert!(format!("{filtered:?}").contains("by destination"));
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(filtered)
        .service(Client::builder(TokioExecutor::new()).build_http::<Body>());
    let seen = async |path| {
        let stale = request_to(own, path, &[("x-role", "stale")]);
        text(client.clone().oneshot(stale).await.expect("it answers").map(BodyExt::boxed)).await
    };
    with_context!(REQUEST_ID = 7, ROLE = "admin".into(), async {
        assert_eq!(seen("/").await, "7 admin");
        assert_eq!(seen("/away").await, " ", "not even what was there before");
    })
    .await;
}

#[tokio::test]
async fn some_destinations_get_some_of_the_variables() {
    let some = Settings::new().only([REQUEST_ID.variable()]);
    let layer = InjectHeadersLayer::new().by_destination(move |request| match request.uri.host()? {
        "partner.example" => Some(some.clone()),
        host => host.ends_with(".internal").then(Settings::new),
    });
    let client = layer.layer(service_fn(async |request: http::Request<()>| {
        Ok::<_, Infallible>(["x-request-id", "x-role"].map(|name| request.headers().contains_key(name)))
    }));
    for (uri, expected) in [
        ("http://stock.internal/", [true, true]),
        ("http://partner.example/", [true, false]),
        ("http://stock.internal.example/", [false, false]),
        ("/without/a/host", [false, false]),
    ] {
        let request = http::Request::get(uri).header("x-role", "stale").body(()).expect("it is valid");
        let sent =
            with_context!(REQUEST_ID = 7, ROLE = "admin".into(), async { client.clone().oneshot(request).await });
        assert_eq!(sent.await, Ok(expected), "{uri}");
    }
}

#[tokio::test]
async fn a_client_of_another_kind_gets_the_headers_from_a_function() {
    let server = serve(Router::new().route("/", get(received))).await;
    let client = reqwest::Client::new();
    let seen = with_context!(REQUEST_ID = 7, ROLE = "admin".into(), async {
        let request = client.get(format!("http://{server}/")).headers(headers::current(&Settings::new()).0);
        request.send().await.expect("it answers").text().await.expect("it arrives")
    });
    assert_eq!(seen.await, "7 admin");
}

#[tokio::test]
async fn a_client_that_follows_redirects_by_itself_takes_the_headers_along() {
    let elsewhere = serve(Router::new().route("/", get(received))).await;
    let redirect = async move || Redirect::temporary(&format!("http://localhost:{}/", elsewhere.port()));
    let own = serve(Router::new().route("/", get(redirect))).await;
    let seen = async |client: reqwest::Client| {
        let headers = headers::current(&Settings::new()).0;
        let response = client.get(format!("http://{own}/")).headers(headers).send().await.expect("it answers");
        (response.status().as_u16(), response.text().await.expect("it arrives"))
    };
    with_context!(REQUEST_ID = 7, ROLE = "admin".into(), async {
        assert_eq!(seen(reqwest::Client::new()).await, (200, "7 admin".to_owned()), "which is in the pitfalls");
        let careful = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        assert_eq!(seen(careful.expect("it can be built")).await.0, 307);
    })
    .await;
}

#[test]
fn services_with_headers_are_ready_when_what_is_inside_is() {
    /// Is never ready.
    #[derive(Clone)]
    struct Busy;
    impl tower::Service<http::Request<()>> for Busy {
        type Response = http::Response<()>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<http::Response<()>, Infallible>>;
        fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn call(&mut self, _: http::Request<()>) -> Self::Future {
            unreachable!("it is never ready")
        }
    }
    let cx = &mut task::Context::from_waker(Waker::noop());
    assert!(tower::Service::poll_ready(&mut InjectHeadersLayer::new().layer(Busy), cx).is_pending());
    assert!(tower::Service::poll_ready(&mut HeadersLayer::new().layer(Busy), cx).is_pending());
}

#[tokio::test]
async fn a_request_that_panics_or_is_given_up_leaves_nothing_of_its_headers() {
    /// Tells the request's id when it is dropped.
    struct Witness(mpsc::Sender<u64>);
    impl Drop for Witness {
        fn drop(&mut self) {
            self.0.send(REQUEST_ID.get()).expect("the test listens");
        }
    }
    let (sender, receiver) = mpsc::channel();
    let service = at_the_edge().layer(service_fn(move |request: Request<bool>| {
        let witness = Witness(sender.clone());
        async move {
            let _witness = witness;
            assert!(!request.body(), "the handler's");
            pending::<Result<http::Response<()>, Infallible>>().await
        }
    }));
    for panics in [true, false] {
        let request = Request::builder().header("x-request-id", "7").body(panics).expect("it is valid");
        let mut response = Box::pin(service.clone().oneshot(request));
        let polled =
            catch_unwind(AssertUnwindSafe(|| response.as_mut().poll(&mut task::Context::from_waker(Waker::noop()))));
        assert_eq!(polled.is_err(), panics);
        assert!(!REQUEST_ID.is_set());
        drop(response);
        assert!(!REQUEST_ID.is_set());
    }
    drop(service);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [7, 7], "both were dropped in their contexts");
}

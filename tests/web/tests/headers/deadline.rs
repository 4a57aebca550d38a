//! A deadline that goes from service to service: through two of tonic's, over sockets, and into one of axum's.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request as AxumRequest;
use axum::middleware::{Next, from_fn};
use axum::response::Response as AxumResponse;
use axum::routing::{MethodRouter, get};
use contextvars::deadline::{self, DEADLINE, Deadline, GrpcTimeout, run_until_deadline};
use contextvars::headers::{ExtractLayer, InjectLayer, InjectService, Settings};
use contextvars::tower::ContextLayer;
use contextvars::{Context, ContextExt, context_var, tokio, with_context};
use http::StatusCode;
use http::uri::PathAndQuery;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::codec::Text;

/// Tells when it is dropped.
struct GivenUp(UnboundedSender<&'static str>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        // The test may have heard enough.
        let _ = self.0.send("given up");
    }
}

/// Asks the next service, if there is one, and answers with the time that is left here and there.
#[derive(Clone)]
struct Relay {
    next: Option<Channel>,
    /// Where work that hangs says that it began, and that it is given up.
    told: UnboundedSender<&'static str>,
}

fn remaining() -> Option<Duration> {
    DEADLINE.try_with(Deadline::remaining).ok()
}

impl Relay {
    async fn ask(self) -> Result<Response<String>, Status> {
        let here = remaining().map_or(0, |left| left.as_micros());
        let Some(next) = self.next else { return Ok(Response::new(format!("{here}"))) };
        // In a task, which inherits the deadline.
        let there =
            tokio::spawn(async move { ask(&next, "/relay.Relay/Ask").await }).await.expect("it does not panic")?;
        Ok(Response::new(format!("{here} {there}")))
    }

    async fn hang(self) -> Result<Response<String>, Status> {
        let _ = self.told.send("began");
        let given_up = GivenUp(self.told);
        let work = async move {
            let _given_up = given_up;
            pending::<()>().await;
        };
        let result = run_until_deadline(work).await;
        result.map(|()| Response::new(String::new())).map_err(|_| Status::deadline_exceeded("too late"))
    }
}

impl NamedService for Relay {
    const NAME: &'static str = "relay.Relay";
}

impl Service<http::Request<Body>> for Relay {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let relay = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Text);
            Ok(if request.uri().path().ends_with("/Hang") {
                grpc.unary(service_fn(|_: Request<String>| relay.clone().hang()), request).await
            } else {
                grpc.unary(service_fn(|_: Request<String>| relay.clone().ask()), request).await
            })
        })
    }
}

/// Serves a relay whose requests have the deadline that came with them.
async fn serve(relay: Relay) -> Channel {
    let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).expect("a port is free");
    let addr = incoming.local_addr().expect("it is bound");
    let layer = ContextLayer::new().init(|request: &http::Request<Body>| {
        if let Ok(Some(deadline)) = deadline::extract(request.headers()) {
            DEADLINE.set(deadline);
        }
    });
    let server = Server::builder().layer(layer).add_service(relay);
    tokio::spawn_detached(server.serve_with_incoming(incoming));
    Endpoint::from_shared(format!("http://{addr}")).expect("a valid address").connect().await.expect("it listens")
}

/// Calls a method, with the time that is left.
async fn ask(channel: &Channel, method: &'static str) -> Result<String, Status> {
    let send_deadline = |mut request: http::Request<Body>| {
        deadline::inject(request.headers_mut());
        request
    };
    let mut client = Grpc::new(ServiceBuilder::new().map_request(send_deadline).service(channel.clone()));
    client.ready().await.expect("the server listens");
    let request = Request::new(String::new());
    Ok(client.unary(request, PathAndQuery::from_static(method), Text).await?.into_inner())
}

#[tokio::test]
async fn a_deadline_goes_through_two_services_and_a_task_and_only_shrinks_on_the_way() {
    let (told, _) = unbounded_channel();
    let last = serve(Relay { next: None, told: told.clone() }).await;
    let first = serve(Relay { next: Some(last), told }).await;
    let allowed = Duration::from_secs(300);
    let answer = with_context!(DEADLINE = Deadline::within(allowed), async { ask(&first, "/relay.Relay/Ask").await });
    let answer = answer.await.unwrap();
    let left: Vec<u128> = answer.split(' ').map(|left| left.parse().unwrap()).collect();
    assert_eq!(left.len(), 2);
    assert!(allowed.as_micros() >= left[0] && left[0] >= left[1] && left[1] > 0, "{left:?}");
    // A request without a deadline has none.
    assert_eq!(ask(&first, "/relay.Relay/Ask").await.unwrap(), "0 0");
}

#[tokio::test]
async fn at_the_deadline_client_and_server_give_up() {
    let (told, mut tells) = unbounded_channel();
    let channel = serve(Relay { next: None, told }).await;
    // The call may take longer to get there than it is allowed, if the machine is busy: then it is allowed more.
    for allowed in (5..).map(|doublings| Duration::from_millis(1 << doublings)) {
        let deadline = Deadline::within(allowed);
        let call = with_context!(DEADLINE = deadline, async {
            let (client, server) = tokio::join!(
                run_until_deadline(pending::<()>()),
                // Without giving up by itself, to see what the server says.
                ask(&channel, "/relay.Relay/Hang"),
            );
            (client.map_err(|error| error.deadline()), server.map_err(|status| status.code()))
        });
        let (client, server) = call.await;
        assert_eq!(client, Err(deadline));
        // tonic's server gives up by itself, too, and says so in its way; either may be first.
        assert!(matches!(server, Err(Code::DeadlineExceeded | Code::Cancelled)), "{server:?}");
        if tells.try_recv() == Ok("began") {
            break;
        }
    }
    while tells.recv().await.expect("the server lives") != "given up" {}
}

/// Gives each request the deadline that came with it, and keeps it.
async fn keep_deadline(request: AxumRequest, next: Next) -> Result<AxumResponse, StatusCode> {
    if let Some(deadline) = deadline::extract(request.headers()).map_err(|_| StatusCode::BAD_REQUEST)? {
        DEADLINE.set(deadline);
    }
    run_until_deadline(next.run(request)).await.map_err(|_| StatusCode::GATEWAY_TIMEOUT)
}

#[tokio::test]
async fn a_middleware_of_axum_keeps_the_deadline_of_each_request() {
    let app = Router::new()
        .route("/left", get(async || remaining().map_or(0, |left| left.as_secs()).to_string()))
        .route("/hang", get(async || pending::<()>().await))
        .layer(from_fn(keep_deadline))
        .layer(ContextLayer::new());
    let status = async |path, timeout| {
        let request = http::Request::builder().uri(path).header("grpc-timeout", timeout);
        let request = request.body(axum::body::Body::empty()).unwrap();
        // A server in whose context nothing is set.
        app.clone().oneshot(request).in_context(Context::new()).await.unwrap().status()
    };
    assert_eq!(status("/left", "5M").await, StatusCode::OK);
    assert_eq!(status("/hang", "50m").await, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(status("/hang", "0n").await, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(status("/left", "soon").await, StatusCode::BAD_REQUEST);
    assert!(!DEADLINE.is_set());
}

#[context_var(header = "x-request-with-deadline", default = 0)]
static REQUEST_ID: u64;

/// Headers and the deadline, as one format.
type Sent = (Settings, GrpcTimeout);

type HttpClient = InjectService<Client<HttpConnector, axum::body::Body>, Sent>;

fn http_client(sends_to: SocketAddr) -> HttpClient {
    let format = (Settings::new(), GrpcTimeout::new());
    let port = sends_to.port();
    InjectLayer::of(format.clone())
        .by_destination(move |head| (head.uri.port_u16() == Some(port)).then(|| format.clone()))
        .layer(Client::builder(TokioExecutor::new()).build_http())
}

async fn get_from(client: HttpClient, addr: SocketAddr, timeout: Option<&str>) -> (StatusCode, String) {
    let mut request = http::Request::builder().uri(format!("http://{addr}/"));
    if let Some(timeout) = timeout {
        request = request.header("grpc-timeout", timeout);
    }
    let response = client.oneshot(request.body(axum::body::Body::empty()).unwrap()).await.expect("it answers");
    let status = response.status();
    let body = response.into_body().collect().await.expect("it is whole").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("it is text"))
}

/// Serves a route in whose requests the deadline is kept, in a context of its own; tells what the layer left out.
async fn serve_with_layer(route: MethodRouter) -> (SocketAddr, UnboundedReceiver<String>) {
    let (sender, skipped) = unbounded_channel();
    let layer = ExtractLayer::of((Settings::new(), GrpcTimeout::new())).on_skipped(move |it| {
        // The test may have ended.
        let _ = sender.send(it.to_string());
    });
    let keep = async |request: AxumRequest, next: Next| {
        run_until_deadline(next.run(request)).await.map_err(|_| StatusCode::GATEWAY_TIMEOUT)
    };
    let app = Router::new().route("/", route).layer(from_fn(keep)).layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let addr = listener.local_addr().expect("it is bound");
    tokio::spawn_detached(async { axum::serve(listener, app).await });
    (addr, skipped)
}

#[tokio::test]
async fn beside_headers_a_deadline_goes_through_the_layers_and_two_services_of_axum_and_only_shrinks() {
    let left = async || format!("{} {}", REQUEST_ID.get(), remaining().map_or(0, |left| left.as_micros()));
    let (back, mut skipped) = serve_with_layer(get(left)).await;
    let ask_back = async move || {
        let asked = tokio::spawn(get_from(http_client(back), back, None));
        format!("{} {}", left().await, asked.await.expect("it does not panic").1)
    };
    let (front, _) = serve_with_layer(get(ask_back)).await;
    let allowed = Duration::from_secs(300);
    let call = with_context!(REQUEST_ID = 7, DEADLINE = Deadline::within(allowed), async move {
        get_from(http_client(front), front, None).await
    });
    let (status, answer) = call.await;
    let seen: Vec<u128> = answer.split(' ').map(|it| it.parse().unwrap()).collect();
    let [7, here, 7, there] = seen[..] else { panic!("{status} {answer}") };
    assert!(allowed.as_micros() >= here && here >= there && there > 0, "{answer}");
    // The next request has neither.
    assert_eq!(get_from(http_client(front), front, None).await.1, "0 0 0 0");
    assert!(skipped.try_recv().is_err());
}

#[tokio::test]
async fn a_deadline_that_comes_through_the_layer_is_kept_and_a_malformed_one_reported_and_left_out() {
    let (hangs, _) = serve_with_layer(get(async || pending::<()>().await)).await;
    let in_short = Deadline::within(Duration::from_millis(50));
    let call = in_short.scope(get_from(http_client(hangs), hangs, None));
    assert_eq!(call.await.0, StatusCode::GATEWAY_TIMEOUT);
    let (answers, mut skipped) = serve_with_layer(get(async || DEADLINE.is_set().to_string())).await;
    let request = http::Request::builder().uri(format!("http://{answers}/")).header("grpc-timeout", "soon");
    let client = Client::builder(TokioExecutor::new()).build_http::<axum::body::Body>();
    let response = client.request(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "false");
    assert!(skipped.recv().await.unwrap().starts_with("the header \"grpc-timeout\" was left out"));
}

#[tokio::test]
async fn the_deadline_is_sent_to_the_destinations_that_are_named_and_removed_from_what_goes_elsewhere() {
    let received = async |request: AxumRequest| {
        let values = request.headers().get_all("grpc-timeout").iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>().join("|")
    };
    let (named, _) = serve_with_layer(get(received)).await;
    let (stranger, _) = serve_with_layer(get(received)).await;
    let calls = Deadline::within(Duration::from_secs(300)).scope(async {
        let client = http_client(named);
        (get_from(client.clone(), named, Some("9H")).await.1, get_from(client, stranger, Some("9H")).await.1)
    });
    let (to_named, to_stranger) = calls.await;
    assert!(to_named.ends_with('m') || to_named.ends_with('u'), "{to_named}");
    assert_eq!(to_stranger, "");
}

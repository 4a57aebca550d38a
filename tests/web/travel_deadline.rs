//! A deadline that goes from service to service: through two of tonic's, over sockets, and into one of axum's.

#[path = "support/text.rs"]
mod text;

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request as AxumRequest;
use axum::middleware::{Next, from_fn};
use axum::response::Response as AxumResponse;
use axum::routing::get;
use contextvars::deadline::{self, DEADLINE, Deadline, run_until_deadline};
use contextvars::tower::ContextLayer;
use contextvars::{Context, ContextExt, tokio, with_context};
use http::StatusCode;
use http::uri::PathAndQuery;
use text::Text;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

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

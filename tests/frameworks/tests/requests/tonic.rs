//! tonic: the layers of a server and of a client, interceptors, and streams in both directions.

#[path = "../../../web/tests/support/codec.rs"]
mod codec;

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use codec::Text;
use contextvars::ContextExt;
use contextvars::headers::{HeadersLayer, InjectHeadersLayer, InjectService, Settings};
use contextvars::tower::ContextLayer;
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use http::uri::PathAndQuery;
use tokio::sync::Barrier;
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::server::NamedService;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use tower::{BoxError, Service, ServiceBuilder, service_fn};

use crate::support::{REQUEST_ID, both_callers, none, own};

/// The service, as generators write it; both calls of a test wait for each other.
#[derive(Clone)]
struct Desk(Arc<Barrier>);

impl Desk {
    fn new() -> Self {
        Self(Arc::new(Barrier::new(2)))
    }

    /// One message for one.
    async fn tell(self) -> Result<Response<String>, Status> {
        self.0.wait().await;
        Ok(Response::new(REQUEST_ID.get().to_string()))
    }

    /// A stream, whose message is made when this function has returned.
    fn watch(self) -> Response<impl Stream<Item = Result<String, Status>>> {
        Response::new(stream::once(self.tell()).map(|told| told.map(Response::into_inner)))
    }

    /// One message for a stream.
    async fn gather(self, call: Request<Streaming<String>>) -> Result<Response<String>, Status> {
        self.0.wait().await;
        let messages: Vec<_> = call.into_inner().map(|it| it.expect("no error")).collect().await;
        Ok(Response::new(messages.join(" ")))
    }
}

impl NamedService for Desk {
    const NAME: &'static str = "desk.Desk";
}

impl Service<http::Request<Body>> for Desk {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let desk = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Text);
            Ok(match request.uri().path() {
                "/desk.Desk/Tell" => grpc.unary(service_fn(|_: Request<String>| desk.clone().tell()), request).await,
                "/desk.Desk/Watch" => {
                    let watch = service_fn(|_: Request<String>| ready(Ok(desk.clone().watch())));
                    grpc.server_streaming(watch, request).await
                }
                _ => grpc.client_streaming(service_fn(|call| desk.clone().gather(call)), request).await,
            })
        })
    }
}

/// The client, as generators write it.
struct DeskClient<T>(Grpc<T>);

impl<T, B> DeskClient<T>
where
    T: GrpcService<Body, ResponseBody = B, Error: Into<BoxError>>,
    B: hyper::body::Body<Data = bytes::Bytes, Error: Into<BoxError> + Send> + Send + 'static,
{
    fn new(inner: T) -> Self {
        Self(Grpc::new(inner))
    }

    async fn ready(&mut self) -> &mut Grpc<T> {
        self.0.ready().await.map_err(Into::into).expect("the server listens");
        &mut self.0
    }

    async fn try_tell(&mut self) -> Result<String, Status> {
        let path = PathAndQuery::from_static("/desk.Desk/Tell");
        self.ready().await.unary(Request::new(String::new()), path, Text).await.map(Response::into_inner)
    }

    async fn tell(&mut self) -> String {
        self.try_tell().await.expect("it answers")
    }

    async fn watch(&mut self) -> String {
        let path = PathAndQuery::from_static("/desk.Desk/Watch");
        let call = Request::new(String::new());
        let response = self.ready().await.server_streaming(call, path, Text).await.expect("it answers");
        response.into_inner().message().await.expect("no error").expect("a message")
    }

    async fn gather(&mut self, call: Request<impl Stream<Item = String> + Send + 'static>) -> String {
        let path = PathAndQuery::from_static("/desk.Desk/Gather");
        self.ready().await.client_streaming(call, path, Text).await.expect("it answers").into_inner()
    }
}

/// Where a server listens, and a connection to it.
fn listen() -> (TcpIncoming, Channel) {
    let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).expect("a port is free");
    let addr = incoming.local_addr().expect("it is bound");
    (incoming, Endpoint::from_shared(format!("http://{addr}")).expect("a valid address").connect_lazy())
}

/// A connection to a server whose layers are those of the guide.
fn serve() -> Channel {
    let (incoming, channel) = listen();
    let server = Server::builder()
        // The first layer is the outermost.
        .layer(HeadersLayer::new())
        .layer(ContextLayer::new()) // for streams
        .add_service(Desk::new());
    tokio::spawn(server.serve_with_incoming(incoming));
    channel
}

/// A client in the layer that sends variables.
fn injecting(channel: Channel) -> DeskClient<InjectService<Channel, Settings>> {
    let channel = ServiceBuilder::new().layer(InjectHeadersLayer::new()).service(channel);
    DeskClient::new(channel)
}

#[tokio::test]
async fn a_call_has_the_values_of_its_caller_which_the_layers_send_and_read() {
    let channel = serve();
    assert_eq!(both_callers(async || injecting(channel.clone()).tell().await).await, own(1));
}

#[tokio::test]
async fn without_the_layer_of_the_client_the_server_knows_nothing_of_the_caller() {
    let channel = serve();
    assert_eq!(both_callers(async || DeskClient::new(channel.clone()).tell().await).await, none(1));
}

#[tokio::test]
async fn without_a_layer_of_the_server_a_call_has_no_values() {
    let (incoming, channel) = listen();
    tokio::spawn(Server::builder().add_service(Desk::new()).serve_with_incoming(incoming));
    assert_eq!(both_callers(async || injecting(channel.clone()).tell().await).await, none(1));
}

#[tokio::test]
async fn a_stream_of_the_server_has_the_values_of_its_call_after_the_handler_has_returned() {
    let channel = serve();
    assert_eq!(both_callers(async || injecting(channel.clone()).watch().await).await, own(1));
}

#[tokio::test]
async fn under_the_headers_layer_alone_a_stream_of_the_server_has_no_values() {
    let (incoming, channel) = listen();
    let server = Server::builder().layer(HeadersLayer::new()).add_service(Desk::new());
    tokio::spawn(server.serve_with_incoming(incoming));
    assert_eq!(both_callers(async || injecting(channel.clone()).watch().await).await, none(1));
}

/// Two messages that a client makes while it sends them.
fn messages() -> impl Stream<Item = String> + Send + 'static {
    stream::iter(0..2).then(async |_| {
        tokio::task::yield_now().await;
        REQUEST_ID.get().to_string()
    })
}

#[tokio::test]
async fn a_stream_of_the_client_takes_the_callers_context_along() {
    let channel = serve();
    let call = async || {
        let call = Request::new(messages().in_current_context());
        injecting(channel.clone()).gather(call).await
    };
    assert_eq!(both_callers(call).await, own(2));
}

#[tokio::test]
async fn a_stream_of_the_client_without_a_context_has_no_values() {
    let channel = serve();
    assert_eq!(both_callers(async || injecting(channel.clone()).gather(Request::new(messages())).await).await, none(2));
}

/// Sets the variable before the handler.
fn identify(call: Request<()>) -> Result<Request<()>, Status> {
    let id = call.metadata().get("x-request-id").and_then(|id| id.to_str().ok()?.parse().ok());
    REQUEST_ID.try_set(id.unwrap_or_default()).map_err(|error| Status::internal(error.to_string()))?;
    Ok(call)
}

#[tokio::test]
async fn an_interceptor_sets_variables_for_handlers_inside_of_a_context_layer() {
    let (incoming, channel) = listen();
    let desk = InterceptedService::new(Desk::new(), identify);
    tokio::spawn(Server::builder().layer(ContextLayer::new()).add_service(desk).serve_with_incoming(incoming));
    assert_eq!(both_callers(async || injecting(channel.clone()).watch().await).await, own(1));
}

#[tokio::test]
async fn an_interceptor_without_a_layer_cannot_set() {
    let (incoming, channel) = listen();
    let desk = InterceptedService::new(Desk::new(), identify);
    tokio::spawn(Server::builder().add_service(desk).serve_with_incoming(incoming));
    let status = injecting(channel).try_tell().await.expect_err("the interceptor refuses");
    assert!(status.message().contains("REQUEST_ID"), "{status}");
}

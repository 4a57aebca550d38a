//! `ContextLayer` in tonic, on real sockets: the calls and streams of one connection each have their request's context.

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Poll};

use contextvars::tower::ContextLayer;
use contextvars::{context_var, tokio, with_context};
use futures_util::stream::Stream;
use futures_util::{FutureExt, StreamExt};
use http::uri::PathAndQuery;
use tokio::sync::Barrier;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::server::NamedService;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status, Streaming};
use tower::{Service, service_fn};

use crate::support::codec::Text;
use crate::support::{REQUEST, TRANSACTION, Witness, Witnesses, id_of};

/// Set by handlers, seen by what comes after them.
#[context_var(default = 0)]
static PAGE: u32;

/// A value that tells when it is freed.
#[context_var]
static OWNED: Witness;

/// The requests that are under way at once in the test of many.
const MANY: usize = 100;

/// A stream whose messages the test dictates; each tells what its making saw, and the end is an error that does.
struct Dictated {
    messages: UnboundedReceiver<&'static str>,
    has_ended: bool,
    _dropped: Witness,
}

impl Stream for Dictated {
    type Item = Result<String, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        self.messages.poll_recv(cx).map(|message| {
            let seen = format!("{} {}", REQUEST.get(), PAGE.get());
            self.has_ended = message.is_none();
            Some(message.map(|text| format!("{text} {seen}")).ok_or(Status::aborted(seen)))
        })
    }
}

/// The service, as generators write it but for its state.
#[derive(Clone)]
struct Desk {
    /// What `Watch` answers, once.
    dictated: Arc<Mutex<Option<Dictated>>>,
    /// Where all calls of `Meet` wait for each other.
    in_step: Arc<Barrier>,
}

impl Desk {
    fn new(dictated: Option<Dictated>) -> Self {
        Self { dictated: Arc::new(Mutex::new(dictated)), in_step: Arc::new(Barrier::new(MANY)) }
    }

    /// One message for one: what an interceptor saw, the handler does, and its children do.
    async fn tell(call: Request<String>) -> Result<Response<String>, Status> {
        let intercepted = call.metadata().get("x-intercepted").expect("an interceptor was here").to_str().unwrap();
        TRANSACTION.set(1);
        let seen = || format!("{} {}", REQUEST.get(), TRANSACTION.get());
        let task = tokio::spawn(async move { seen() }).await.expect("it does not panic");
        let blocking = tokio::task::spawn_blocking(seen).await.expect("it does not panic");
        Ok(Response::new(format!("{intercepted}; {}; {task}; {blocking}", seen())))
    }

    /// A stream for a message.
    fn watch(&self) -> Response<Dictated> {
        PAGE.set(5);
        Response::new(self.dictated.lock().unwrap().take().expect("one call"))
    }

    /// A stream for a stream: message by message.
    fn talk(call: Request<Streaming<String>>) -> Response<impl Stream<Item = Result<String, Status>>> {
        Response::new(call.into_inner().map(|message| {
            PAGE.set(PAGE.get() + 1);
            message.map(|text| format!("{text} {} {}", REQUEST.get(), PAGE.get()))
        }))
    }

    /// One message for one, with all callers under way at once.
    async fn meet(self) -> Result<Response<String>, Status> {
        let id = REQUEST.get();
        PAGE.set(id);
        for _ in 0..3 {
            self.in_step.wait().await;
            assert_eq!((REQUEST.get(), PAGE.get()), (id, id));
            let task = tokio::spawn(async { (REQUEST.get(), PAGE.get()) });
            assert_eq!(task.await.expect("it does not panic"), (id, id));
        }
        Ok(Response::new(format!("{} {}", REQUEST.get(), PAGE.get())))
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
            let method = request.uri().path().rsplit('/').next().map(str::to_owned);
            Ok(match method.as_deref() {
                Some("Tell") => grpc.unary(service_fn(Desk::tell), request).await,
                Some("Watch") => grpc.server_streaming(service_fn(|_| ready(Ok(desk.watch()))), request).await,
                Some("Talk") => grpc.streaming(service_fn(|call| ready(Ok(Desk::talk(call)))), request).await,
                Some("Meet") => grpc.unary(service_fn(|_: Request<String>| desk.clone().meet()), request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

/// Serves the desk behind the layer under test.
async fn serve(desk: Desk, owned: Witnesses) -> Channel {
    let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).expect("a port is free");
    let addr = incoming.local_addr().expect("it is bound");
    let layer = ContextLayer::new().init(move |request: &http::Request<Body>| {
        REQUEST.set(id_of(request));
        OWNED.set(owned.witness());
    });
    let desk = InterceptedService::new(desk, |mut call: Request<()>| {
        call.metadata_mut().insert("x-intercepted", REQUEST.get().into());
        Ok(call)
    });
    let server = Server::builder().layer(layer).add_service(desk);
    tokio::spawn(server.serve_with_incoming(incoming));
    Endpoint::from_shared(format!("http://{addr}")).expect("a valid address").connect().await.expect("it listens")
}

/// A client that is ready for a call; its interceptor takes the caller's id along.
async fn client(channel: &Channel) -> Grpc<InterceptedService<Channel, impl Interceptor>> {
    let take_along = |mut call: Request<()>| {
        call.metadata_mut().insert("x-request", REQUEST.get().into());
        Ok(call)
    };
    let mut client = Grpc::new(InterceptedService::new(channel.clone(), take_along));
    client.ready().await.expect("the server listens");
    client
}

fn path(method: &'static str) -> PathAndQuery {
    PathAndQuery::from_static(method)
}

/// Calls a method that has one message for one.
async fn ask(channel: &Channel, method: &'static str) -> String {
    let request = Request::new(String::new());
    client(channel).await.unary(request, path(method), Text).await.expect("it answers").into_inner()
}

/// Calls `Watch`.
async fn watch(channel: &Channel) -> Streaming<String> {
    let request = Request::new(String::new());
    let response = client(channel).await.server_streaming(request, path("/desk.Desk/Watch"), Text).await;
    response.expect("it answers").into_inner()
}

#[tokio::test]
async fn interceptors_handlers_and_tasks_see_their_request() {
    let channel = serve(Desk::new(None), Witnesses::new().0).await;
    for id in 1..=3 {
        let answer = with_context!(REQUEST = id, async { ask(&channel, "/desk.Desk/Tell").await }).await;
        assert_eq!(answer, format!("{id}; {id} 1; {id} 0; {id} 0"));
    }
}

#[tokio::test]
async fn a_stream_that_is_sent_after_the_handler_has_returned_sees_what_the_handler_set_up_to_its_last_status() {
    let (dictate, messages) = unbounded_channel();
    let (witnesses, mut dropped) = Witnesses::new();
    let dictated = Dictated { messages, has_ended: false, _dropped: witnesses.witness() };
    let channel = serve(Desk::new(Some(dictated)), Witnesses::new().0).await;
    // The response is here, so the handler is done.
    let mut stream = with_context!(REQUEST = 7, async { watch(&channel).await }).await;
    for word in ["one", "two", "three"] {
        dictate.send(word).expect("the stream listens");
        assert_eq!(stream.message().await.expect("no error"), Some(format!("{word} 7 5")));
    }
    drop(dictate);
    let status = stream.message().await.expect_err("it ends so");
    assert_eq!((status.code(), status.message()), (Code::Aborted, "7 5"));
    assert_eq!(dropped.recv().await, Some(7));
}

#[tokio::test]
async fn when_the_client_leaves_in_mid_stream_the_stream_is_dropped_in_the_context_and_the_context_is_freed() {
    let (dictate, messages) = unbounded_channel();
    let (witnesses, mut dropped) = Witnesses::new();
    let (owned, mut freed) = Witnesses::new();
    let dictated = Dictated { messages, has_ended: false, _dropped: witnesses.witness() };
    let channel = serve(Desk::new(Some(dictated)), owned).await;
    let mut stream = with_context!(REQUEST = 7, async { watch(&channel).await }).await;
    dictate.send("one").expect("the stream listens");
    assert_eq!(stream.message().await.expect("no error").as_deref(), Some("one 7 5"));
    assert!(freed.recv().now_or_never().is_none());
    drop(stream);
    assert_eq!(dropped.recv().await, Some(7));
    assert!(freed.recv().await.is_some());
}

#[tokio::test]
async fn two_streams_of_one_connection_that_take_turns_never_see_each_others_values() {
    let channel = serve(Desk::new(None), Witnesses::new().0).await;
    let talk = async |id: u32| {
        let (say, said) = unbounded_channel::<String>();
        let said = futures_util::stream::unfold(said, |mut said| async { said.recv().await.map(|text| (text, said)) });
        let call = async {
            let response = client(&channel).await.streaming(Request::new(said), path("/desk.Desk/Talk"), Text).await;
            response.expect("it answers").into_inner()
        };
        (say, with_context!(REQUEST = id, async { call.await }).await)
    };
    let mut talks = [talk(1).await, talk(2).await];
    for page in 1..=3 {
        for (id, (say, stream)) in (1..).zip(&mut talks) {
            say.send("hello".to_owned()).expect("the call listens");
            assert_eq!(stream.message().await.expect("no error"), Some(format!("hello {id} {page}")));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_calls_at_once_over_one_connection_never_see_each_others_values() {
    let channel = serve(Desk::new(None), Witnesses::new().0).await;
    let mut calls = tokio::task::JoinSet::new();
    for id in 1..=u32::try_from(MANY).expect("it is small") {
        let channel = channel.clone();
        let call = async move { assert_eq!(ask(&channel, "/desk.Desk/Meet").await, format!("{id} {id}")) };
        with_context!(REQUEST = id, { calls.spawn(call) });
    }
    assert_eq!(calls.join_all().await.len(), MANY);
}

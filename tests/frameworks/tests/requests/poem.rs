//! poem: a function around an endpoint, and streamed bodies.

use std::net::SocketAddr;
use std::sync::LazyLock;

use contextvars::{ContextExt, headers, inherit_context};
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use poem::listener::TcpAcceptor;
use poem::{Body, Endpoint, EndpointExt, Route, Server, get, handler};
use tokio::sync::Barrier;

use crate::support::{REQUEST_ID, both, listen, none, own};

async fn serve(app: impl Endpoint + 'static) -> SocketAddr {
    let (listener, addr) = listen().await;
    let listener = listener.into_std().expect("it is registered");
    let acceptor = TcpAcceptor::from_std(listener).expect("it listens");
    tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
    addr
}

/// The routes of a test in the function that the guide shows.
fn identified(routes: Route) -> impl Endpoint {
    routes.around(|endpoint, request| async move {
        let (ctx, _) = headers::extract(request.headers(), inherit_context());
        endpoint.call(request).in_context(ctx).await
    })
}

#[tokio::test]
async fn a_request_has_its_own_values_in_handlers_and_in_what_they_call() {
    static MEETING: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    #[handler]
    async fn orders() -> String {
        MEETING.wait().await;
        REQUEST_ID.get().to_string()
    }
    let app = Route::new().at("/orders", get(orders));
    assert_eq!(both(serve(identified(app)).await, "/orders").await, own(1));
}

#[tokio::test]
async fn without_the_function_a_handler_has_no_values_and_cannot_set_any() {
    #[handler]
    fn orders() -> String {
        format!("{} {}", REQUEST_ID.get(), REQUEST_ID.try_set(7).is_err())
    }
    let refused = || "0 true".to_owned();
    assert_eq!(both(serve(Route::new().at("/", get(orders))).await, "/").await, (refused(), refused()));
}

/// Two lines that are made when the handler has long returned.
fn lines() -> impl Stream<Item = Result<String, std::io::Error>> {
    stream::iter(["", " "]).then(async |separator| {
        tokio::task::yield_now().await;
        Ok(format!("{separator}{}", REQUEST_ID.get()))
    })
}

#[tokio::test]
async fn a_streamed_body_takes_its_requests_context_along() {
    #[handler]
    fn export() -> Body {
        Body::from_bytes_stream(lines().in_current_context())
    }
    let addr = serve(identified(Route::new().at("/", get(export)))).await;
    assert_eq!(both(addr, "/").await, own(2));
}

#[tokio::test]
async fn a_streamed_body_without_a_context_has_no_values() {
    #[handler]
    fn export() -> Body {
        Body::from_bytes_stream(lines())
    }
    let addr = serve(identified(Route::new().at("/", get(export)))).await;
    assert_eq!(both(addr, "/").await, none(2));
}

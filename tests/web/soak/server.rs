//! The server: its connections, and what it does with a request.

mod bodies;
mod handlers;

use std::any::Any;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::{get, post};
use contextvars::hyper::ContextExecutor;
use contextvars::rayon::{ThreadPool, ThreadPoolBuilder};
use contextvars::tower::ContextLayer;
use http::{Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tower_http::catch_panic::CatchPanicLayer;

use crate::values;

/// A number of things that come and go.
pub(crate) struct Count {
    now: AtomicU64,
    none_is_left: Notify,
}

impl Count {
    const fn new() -> Self {
        Self { now: AtomicU64::new(0), none_is_left: Notify::const_new() }
    }

    async fn none(&self) {
        loop {
            let notified = self.none_is_left.notified();
            if self.now.load(Ordering::SeqCst) == 0 {
                return;
            }
            notified.await;
        }
    }
}

/// One of a number.
pub(crate) struct Counted(&'static Count);

impl Counted {
    pub(crate) fn one_of(count: &'static Count) -> Self {
        count.now.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.now.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.none_is_left.notify_waiters();
        }
    }
}

/// The requests of which any context has something.
pub(crate) static REQUESTS: Count = Count::new();

static CONNECTIONS: Count = Count::new();

/// What the clients' connections run in.
pub(crate) static CLIENT_TASKS: Count = Count::new();

/// Where requests have rayon's jobs run.
static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
    let pool = ThreadPoolBuilder::new().num_threads(2).build();
    pool.expect("a pool can be had")
});

/// Waits until every request and every connection is gone with all that it had, and looks for what they left behind.
pub(crate) async fn nothing_is_left() {
    REQUESTS.none().await;
    CONNECTIONS.none().await;
    CLIENT_TASKS.none().await;
    let tasks: Vec<_> = (0..8).map(|_| ::tokio::spawn(async { values::check_none("a plain task") })).collect();
    for task in tasks {
        task.await.expect("it does not panic");
    }
    // rayon's own function, which hands no context down.
    let plain: &<ThreadPool as Deref>::Target = &POOL;
    plain.broadcast(|_| values::check_none("a thread of the pool"));
}

pub(crate) fn what_is_left() -> String {
    let counts = [&REQUESTS, &CONNECTIONS, &CLIENT_TASKS].map(|count| count.now.load(Ordering::SeqCst));
    format!("{} requests, {} connections, {} tasks of clients are left", counts[0], counts[1], counts[2])
}

/// Begins to serve, in tasks that know nothing of contexts.
pub(crate) async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let addr = listener.local_addr().expect("it is bound");
    let app = app();
    ::tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("connections can be had");
            stream.set_nodelay(true).expect("it is a socket");
            let (open, service) = (Counted::one_of(&CONNECTIONS), TowerToHyperService::new(app.clone()));
            ::tokio::spawn(async move {
                let _open = open;
                let mut server = auto::Builder::new(ContextExecutor::detached(TokioExecutor::new()));
                // That clients take back many requests at once is no attack here.
                server.http2().max_pending_accept_reset_streams(10_000).max_local_error_reset_streams(None);
                // A client may leave as it likes.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    addr
}

fn app() -> Router {
    let context = ContextLayer::new().init(|request: &Request| values::set_for(handlers::id_of(request.headers())));
    Router::new()
        .route("/plain", get(handlers::plain))
        .route("/scopes", get(handlers::scopes))
        .route("/tasks", get(handlers::tasks))
        .route("/blocking", get(handlers::blocking))
        .route("/jobs", get(handlers::jobs))
        .route("/streamed", get(bodies::streamed))
        .route("/echo", post(bodies::echo))
        .route("/endless", get(bodies::endless))
        .route("/broken", get(bodies::broken))
        .route("/panic", get(handlers::panic))
        .route("/never", get(handlers::never))
        .layer(context)
        .layer(CatchPanicLayer::custom(caught))
        .layer(from_fn(outside))
}

async fn outside(request: Request, next: Next) -> axum::response::Response {
    values::check_none("before a request");
    let response = next.run(request).await;
    values::check_none("after a request");
    response
}

fn caught(_: Box<dyn Any + Send>) -> Response<String> {
    values::check_none("where a panic is caught");
    let mut response = Response::new("caught".to_owned());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

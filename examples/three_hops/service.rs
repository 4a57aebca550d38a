//! The services. None of their functions takes a tenant, a number, or a logger.

use std::error::Error;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use contextvars::headers::{ExtractLayer, HeadersLayer, InjectLayer};
use contextvars::tracing::{ContextFilter, ContextFormat};
use contextvars::{baggage, headers, tokio};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};
use tracing::level_filters::LevelFilter;
use tracing::{debug, error, info, warn};
use tracing_subscriber::{fmt, prelude::*};

use crate::{CARD, LOG_LEVEL, REQUEST_ID, TENANT};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Clone)]
pub(crate) enum Role {
    Gateway { orders: String },
    Orders { stock: String },
    Stock,
}

/// How variables travel: in headers of their own, and as baggage.
type Formats = (headers::Settings, baggage::Settings);

/// Asks another service. Nothing is said here about what travels along.
async fn ask(addr: &str, path: &str) -> Result<String> {
    let client = InjectLayer::<Formats>::new().layer(Client::builder(TokioExecutor::new()).build_http());
    let request = Request::builder().uri(format!("http://{addr}{path}")).body(Body::empty())?;
    let response = client.oneshot(request).await?;
    let body = to_bytes(Body::new(response.into_body()), 64 * 1024).await?;
    Ok(String::from_utf8(body.to_vec())?)
}

async fn order(orders: &str) -> Result<String> {
    info!("an order came in");
    debug!("the card is charged");
    ask(orders, "/orders").await
}

async fn reserve(stock: &str) -> Result<String> {
    info!("an order is written down");
    let stock = stock.to_owned();
    let reserved = tokio::spawn(async move {
        debug!("asking for the goods, in a task of their own");
        ask(&stock, "/stock").await
    });
    reserved.await?
}

fn take_from_stock() -> String {
    info!("the goods are reserved");
    debug!("shelf 7 is empty now");
    format!("request {} of {}: goods reserved", REQUEST_ID.get(), TENANT.get())
}

async fn handle(State(role): State<Role>) -> std::result::Result<String, StatusCode> {
    let result = match role {
        Role::Gateway { orders } => order(&orders).await,
        Role::Orders { stock } => reserve(&stock).await,
        Role::Stock => Ok(take_from_stock()),
    };
    result.map_err(|reason| {
        error!(%reason, "the request failed");
        StatusCode::BAD_GATEWAY
    })
}

/// What the gateway lets in from the world, of headers that have variables. It numbers the requests itself, and tells the
/// client the number.
fn edge_layer() -> HeadersLayer {
    static REQUESTS: AtomicU64 = AtomicU64::new(1);
    HeadersLayer::of(headers::Settings::new().only([TENANT.variable()]).most_bytes(64))
        .generate(&REQUEST_ID, || REQUESTS.fetch_add(1, Ordering::Relaxed))
        .echo([REQUEST_ID.variable()])
        .on_skipped(|skipped| warn!("{skipped}"))
}

/// What the gateway reads by itself: it does not take the world's baggage for granted, and cards do not travel.
async fn at_the_edge(request: Request, next: Next) -> Response {
    let [level, card] = ["x-log-level", "x-card"]
        .map(|name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned));
    if let Some(card) = card {
        CARD.set(card);
    }
    if let Some(level) = level.and_then(|level| level.parse().ok()) {
        LOG_LEVEL.set(level);
    }
    next.run(request).await
}

/// Every line has the variables that are declared with `log`, and a request's `LOG_LEVEL` can ask for more of them.
fn start_logging() {
    let lines = fmt::layer()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .map_event_format(ContextFormat::line)
        .with_filter(ContextFilter::new(LevelFilter::INFO, &LOG_LEVEL).at_most(LevelFilter::DEBUG));
    tracing_subscriber::registry().with(lines).init();
}

/// Serves requests until the input is closed.
pub(crate) async fn serve(role: Role) -> Result<()> {
    start_logging();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    let routes = Router::new();
    let routes = match role {
        Role::Gateway { .. } => {
            routes.route("/order", get(handle)).layer(middleware::from_fn(at_the_edge)).layer(edge_layer())
        }
        Role::Orders { .. } => routes.route("/orders", get(handle)).layer(inner_layer()),
        Role::Stock => routes.route("/stock", get(handle)).layer(inner_layer()),
    };
    let (mut input, mut rest) = (tokio::io::stdin(), Vec::new());
    tokio::select! {
        result = axum::serve(listener, routes.with_state(role)) => result?,
        _ = input.read_to_end(&mut rest) => {}
    }
    Ok(())
}

/// What comes from the gateway's side can be relied on.
fn inner_layer() -> ExtractLayer<Formats> {
    ExtractLayer::new().on_skipped(|skipped| warn!("{skipped}"))
}

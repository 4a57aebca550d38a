//! A web server with a page that shows every context variable of the program, as the request at hand sees it.
//!
//! Run it with `cargo run --example debug_page`, and look at <http://127.0.0.1:8082/debug/context?user=ada>; the same
//! as JSON is at `/debug/context.json`. Another address can be given as the argument. Ctrl-C ends the server.
//!
//! Such a page tells what the program knows about a request: in a real service it would ask who wants to see it.

mod page;

use std::env;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Extension, Query, Request};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{Html, Json, Response};
use axum::routing::get;
use axum::{Router, serve};
use contextvars::{Context, context_var, copy_context, tokio, variables, with_context};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal;

/// The number of the request, counted from the start of the server.
#[context_var(log = "request_id")]
static REQUEST_ID: u64;

/// Who asks, as far as the request says.
#[context_var(log, baggage = "user", default = "nobody".to_owned())]
static USER: String;

/// What the client signed in with.
#[context_var(redact, inherit = false)]
static CREDENTIALS: HeaderValue;

/// The language of the answer.
#[context_var(default = "en".to_owned())]
static LOCALE: String;

/// How far a batch has come. No request sets it.
#[context_var]
static PROGRESS: f64;

/// What a request may say about itself.
#[derive(Deserialize)]
struct Parameters {
    user: Option<String>,
    locale: Option<String>,
}

/// The context as it was before the handler ran.
#[derive(Clone)]
struct AtFirst(Context);

/// Gives each request a context of its own.
async fn in_context_of_request(parameters: Query<Parameters>, mut request: Request, next: Next) -> Response {
    static REQUESTS: AtomicU64 = AtomicU64::new(1);
    with_context!(REQUEST_ID = REQUESTS.fetch_add(1, Ordering::Relaxed), async move {
        if let Some(user) = &parameters.user {
            USER.set(user.clone());
        }
        if let Some(credentials) = request.headers().get(AUTHORIZATION) {
            CREDENTIALS.set(credentials.clone());
        }
        request.extensions_mut().insert(AtFirst(copy_context()));
        next.run(request).await
    })
    .await
}

/// Stands for what handlers do in the course of a request.
fn choose_locale(parameters: &Parameters, headers: &HeaderMap) {
    let accepted = headers.get("accept-language").and_then(|it| it.to_str().ok()).and_then(|it| it.split(',').next());
    if let Some(locale) = parameters.locale.as_deref().or(accepted) {
        LOCALE.set(locale.to_owned());
    }
}

async fn as_page(
    Extension(AtFirst(at_first)): Extension<AtFirst>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Html<String> {
    choose_locale(&parameters, &headers);
    Html(page::render(&at_first, &copy_context()))
}

async fn as_json(
    Extension(AtFirst(at_first)): Extension<AtFirst>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Json<Value> {
    choose_locale(&parameters, &headers);
    let now = copy_context();
    let changed: Vec<_> = at_first.diff(&now).iter().map(ToString::to_string).collect();
    Json(json!({ "context": now, "changed": changed, "variables": variables().collect::<Vec<_>>() }))
}

#[tokio::main]
async fn main() -> ExitCode {
    let addr = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8082".to_owned());
    let listener = match TcpListener::bind(&addr).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {addr}: {error}; give another address as the first argument");
            return ExitCode::FAILURE;
        }
    };
    match listener.local_addr() {
        Ok(addr) => println!("listening on {addr}; see http://{addr}/debug/context?user=ada; Ctrl-C ends"),
        Err(error) => eprintln!("listening on {addr}, whose port is unknown: {error}"),
    }
    let routes = Router::new()
        .route("/debug/context", get(as_page))
        .route("/debug/context.json", get(as_json))
        .layer(middleware::from_fn(in_context_of_request));
    tokio::select! {
        result = serve(listener, routes) => match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("the server ended: {error}");
                ExitCode::FAILURE
            }
        },
        _ = signal::ctrl_c() => ExitCode::SUCCESS,
    }
}

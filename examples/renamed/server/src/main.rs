//! A server in which every task, blocking function and job knows its request, though it says `tokio::spawn` and names
//! no module of `contextvars` for it: `tokio` is `contextvars-tokio`, by one line under `[workspace.dependencies]`.
//!
//! Run it with `cargo run -p contextvars-renamed-server`, or with another address: `cargo run -p
//! contextvars-renamed-server -- 127.0.0.1:9000`. Then `curl http://127.0.0.1:8083/total/tea,jam`; Ctrl-C ends it.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, io};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::routing::get;
use contextvars::tower::ContextLayer;
use contextvars_renamed_orders::audit::Notebook;
use contextvars_renamed_orders::{REQUEST_ID, log, total};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::{fs, process, signal};

/// Runs in each new request's context.
fn identify(_: &Request) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    REQUEST_ID.set(NEXT.fetch_add(1, Ordering::Relaxed));
}

async fn price(State(notebook): State<Notebook>, Path(goods): Path<String>) -> String {
    let goods = goods.split(',').map(str::to_owned).collect();
    // A task, so that the order is priced even if the client has gone.
    let total = tokio::spawn(total(goods)).await.expect("the task does not panic");
    notebook.note("priced");
    format!("{total}\n")
}

/// What the server finds around it when it starts.
async fn surroundings() -> io::Result<String> {
    let (manifest, version) = tokio::try_join!(
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")),
        process::Command::new("rustc").arg("--version").output(),
    )?;
    Ok(format!("{} lines, {}", manifest.lines().count(), String::from_utf8_lossy(&version.stdout).trim()))
}

#[tokio::main]
async fn main() -> ExitCode {
    match surroundings().await {
        Ok(found) => log(&found),
        Err(error) => log(&format!("the surroundings are unknown: {error}")),
    };
    let (sender, mut notes) = mpsc::unbounded_channel::<String>();
    let notebook = Notebook::new(sender);
    let reader = tokio::spawn(async move {
        let mut count = 0;
        while notes.recv().await.is_some() {
            count += 1;
        }
        count
    });
    let app = Router::new()
        .route("/total/{goods}", get(price))
        .layer(ContextLayer::new().init(identify))
        .with_state(notebook.clone());

    let addr = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8083".to_owned());
    let listener = match TcpListener::bind(&addr).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {addr}: {error}; give another address as the first argument");
            return ExitCode::FAILURE;
        }
    };
    match listener.local_addr() {
        Ok(addr) => println!("listening on {addr}; Ctrl-C ends"),
        Err(error) => eprintln!("listening on {addr}, whose port is unknown: {error}"),
    }
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        // Without the signal the server just goes on.
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    if let Err(error) = server.await {
        eprintln!("the server failed: {error}");
        return ExitCode::FAILURE;
    }
    notebook.close().await;
    let written = reader.await.expect("the task does not panic");
    println!("bye; {written} noted");
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_order_is_priced() {
        let (sender, mut notes) = mpsc::unbounded_channel();
        let notebook = Notebook::new(sender);
        let priced = price(State(notebook.clone()), Path("tea,jam".to_owned()));
        assert_eq!(contextvars::with_context!(REQUEST_ID = 7, async { priced.await }).await, "9\n");
        notebook.close().await;
        assert_eq!(notes.recv().await.as_deref(), Some("[7] priced"));
    }
}

//! AWS Lambda: the runtime itself, in a process of its own, asks an API on a socket for its invocations.

use std::env;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use contextvars::context_var;
use contextvars::tower::AnyContextLayer;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use tokio::process::Command;
use tokio::sync::Barrier;
use tokio::sync::mpsc::unbounded_channel;
use tower::Layer;

use crate::support::listen;

/// The invocation that the code works for.
#[context_var(default = "none".to_owned())]
static INVOCATION: String;

/// What the function is invoked with.
type Order = u32;

/// Whether this process is the function, and not the test that invokes it.
fn is_function() -> bool {
    env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

/// Runs this test in a process of its own, as a function that it invokes twice, and returns the answers in order.
async fn answers(test: &str, concurrency: u32) -> Vec<(String, String)> {
    let (answer, mut answers) = unbounded_channel();
    let invoked = Arc::new(AtomicU32::new(0));
    let next = async move || {
        let number = invoked.fetch_add(1, Ordering::Relaxed) + 1;
        if number > 2 {
            std::future::pending::<()>().await;
        }
        let id = ("lambda-runtime-aws-request-id", format!("invocation-{number}"));
        let deadline = ("lambda-runtime-deadline-ms", u32::MAX.to_string());
        ([id, deadline, ("lambda-runtime-invoked-function-arn", "test".to_owned())], "7")
    };
    let told = async move |Path((id, _)): Path<(String, String)>, body: String| {
        answer.send((id, body)).expect("the test listens");
    };
    let api = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(told));
    let (listener, addr) = listen().await;
    tokio::spawn(async { axum::serve(listener, api).await });

    let mut function = Command::new(env::current_exe().expect("this test"))
        .args(["--exact", test])
        .env("AWS_LAMBDA_RUNTIME_API", addr.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "test")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut received = Vec::new();
    while received.len() < 2 {
        tokio::select! {
            answer = answers.recv() => received.push(answer.expect("the API is served")),
            status = function.wait() => panic!("the function has ended: {status:?}"),
        }
    }
    received.sort();
    received
}

fn answered(first: &str, second: &str) -> Vec<(String, String)> {
    let answer = |id: &str, answer| (id.to_owned(), format!("\"{answer}\""));
    vec![answer("invocation-1", first), answer("invocation-2", second)]
}

/// Answers when both invocations are here.
async fn handle(_: LambdaEvent<Order>) -> Result<String, Error> {
    static MEETING: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    MEETING.wait().await;
    Ok(INVOCATION.get())
}

/// The program of a function.
async fn serve() -> Result<(), Error> {
    let layer = AnyContextLayer::new().init(|event: &LambdaEvent<Order>| {
        INVOCATION.set(event.context.request_id.clone());
    });
    lambda_runtime::run_concurrent(layer.layer(service_fn(handle))).await
}

#[tokio::test]
async fn concurrent_invocations_have_their_own_values() -> Result<(), Error> {
    if is_function() {
        return serve().await;
    }
    let answers = answers("lambda::concurrent_invocations_have_their_own_values", 2).await;
    assert_eq!(answers, answered("invocation-1", "invocation-2"));
    Ok(())
}

/// Sets the variable itself, and answers with what it was before.
async fn set(event: LambdaEvent<Order>) -> Result<String, Error> {
    let before = INVOCATION.get();
    INVOCATION.set(event.context.request_id);
    Ok(before)
}

#[tokio::test]
async fn without_the_layer_an_invocation_sees_what_the_one_before_has_set() -> Result<(), Error> {
    if is_function() {
        return lambda_runtime::run(service_fn(set)).await;
    }
    let answers = answers("lambda::without_the_layer_an_invocation_sees_what_the_one_before_has_set", 1).await;
    assert_eq!(answers, answered("none", "invocation-1"));
    Ok(())
}

//! reqwest: variables in the headers of a request, in redirected ones, and in a streamed body.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::Redirect;
use axum::routing::{get, post};
use contextvars::ContextExt;
use contextvars::headers::{self, Settings};
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Error};

use crate::support::{REQUEST_ID, both_callers, listen, none, own};

/// A service that answers with the id that it was sent, or with the body.
pub(crate) async fn echo() -> SocketAddr {
    let id = async |headers: HeaderMap| match headers.get("x-request-id") {
        Some(id) => id.to_str().expect("it is ASCII").to_owned(),
        None => "0".to_owned(),
    };
    serve(Router::new().route("/id", get(id)).route("/body", post(async |body: String| body))).await
}

async fn serve(app: Router) -> SocketAddr {
    let (listener, addr) = listen().await;
    tokio::spawn(async { axum::serve(listener, app).await });
    addr
}

/// Sends the variables of the caller.
async fn ask(client: &Client, url: String) -> Result<String, Error> {
    client.get(url).headers(headers::current(&Settings::new()).0).send().await?.text().await
}

#[tokio::test]
async fn the_headers_of_a_request_have_the_values_of_its_caller() {
    let url = format!("http://{}/id", echo().await);
    let client = Client::new();
    assert_eq!(both_callers(async || ask(&client, url.clone()).await.expect("it answers")).await, own(1));
}

#[tokio::test]
async fn without_the_headers_nothing_is_sent() {
    let url = format!("http://{}/id", echo().await);
    let client = Client::new();
    let ask = async || client.get(&url).send().await.expect("it answers").text().await.expect("the body is whole");
    assert_eq!(both_callers(ask).await, none(1));
}

#[tokio::test]
async fn headers_follow_a_redirect_to_another_server_unless_redirects_are_off() {
    let elsewhere = format!("http://{}/id", echo().await);
    let redirecting = serve(Router::new().route("/", get(async move || Redirect::temporary(&elsewhere)))).await;
    let url = format!("http://{redirecting}/");
    let client = Client::new();
    assert_eq!(both_callers(async || ask(&client, url.clone()).await.expect("it answers")).await, own(1));

    let client = Client::builder().redirect(Policy::none()).build().expect("a valid client");
    let answers = both_callers(async || ask(&client, url.clone()).await.expect("it answers")).await;
    assert_eq!(answers, (String::new(), String::new()));
}

/// Two lines that are made while the request is sent.
fn lines() -> impl Stream<Item = Result<String, Infallible>> {
    stream::iter(["", " "]).then(async |separator| {
        tokio::task::yield_now().await;
        Ok(format!("{separator}{}", REQUEST_ID.get()))
    })
}

/// Sends a body, and returns what has arrived.
async fn send(addr: SocketAddr, body: Body) -> String {
    let response = Client::new().post(format!("http://{addr}/body")).body(body).send().await.expect("it answers");
    response.text().await.expect("the body is whole")
}

#[tokio::test]
async fn a_streamed_body_takes_its_callers_context_along() {
    let addr = echo().await;
    let call = async || {
        let body = Body::wrap_stream(lines().in_current_context());
        send(addr, body).await
    };
    assert_eq!(both_callers(call).await, own(2));
}

#[tokio::test]
async fn a_streamed_body_without_a_context_has_no_values() {
    let addr = echo().await;
    assert_eq!(both_callers(async || send(addr, Body::wrap_stream(lines())).await).await, none(2));
}

//! reqwest-middleware: a function that sends the variables with every request of a client.

use contextvars::headers;
use futures_util::future::BoxFuture;
use http::Extensions;
use reqwest::{Client, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Next, Result};

use crate::reqwest::echo;
use crate::support::{both_callers, none, own};

fn send_variables<'a>(
    mut request: Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
) -> BoxFuture<'a, Result<Response>> {
    headers::inject(request.headers_mut());
    next.run(request, extensions)
}

async fn ask(client: &ClientWithMiddleware, url: &str) -> String {
    client.get(url).send().await.expect("it answers").text().await.expect("the body is whole")
}

#[tokio::test]
async fn each_request_of_the_client_has_the_values_of_its_caller() {
    let url = format!("http://{}/id", echo().await);
    let client = ClientBuilder::new(Client::new()).with(send_variables).build();
    assert_eq!(both_callers(async || ask(&client, &url).await).await, own(1));
}

#[tokio::test]
async fn without_the_function_nothing_is_sent() {
    let url = format!("http://{}/id", echo().await);
    let client = ClientBuilder::new(Client::new()).build();
    assert_eq!(both_callers(async || ask(&client, &url).await).await, none(1));
}

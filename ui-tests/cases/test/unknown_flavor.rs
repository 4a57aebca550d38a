// A runtime that tokio does not have.

#[contextvars::test(flavor = "multi")]
async fn runs() {}

fn main() {}

// A runtime in the place of the function that runs a future.

#[contextvars::test(block_on = Runtime::new())]
async fn runs() {}

fn main() {}

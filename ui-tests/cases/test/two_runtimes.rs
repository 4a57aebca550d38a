// A runtime of tokio's, and another one.

#[contextvars::test(block_on = run, worker_threads = 4)]
async fn runs() {}

fn run(_: impl Future<Output = ()>) {}

fn main() {}

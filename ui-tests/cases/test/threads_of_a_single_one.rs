// Threads for a runtime that has one.

#[contextvars::test(worker_threads = 4)]
async fn runs() {}

fn main() {}

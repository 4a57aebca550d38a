// An argument that does not exist.

#[contextvars::test(threads = 4)]
async fn runs() {}

fn main() {}

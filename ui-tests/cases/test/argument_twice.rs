// Two values for one argument.

#[contextvars::test(flavor = "current_thread", flavor = "multi_thread")]
async fn runs() {}

fn main() {}

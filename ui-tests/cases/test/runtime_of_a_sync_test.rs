// A runtime for a test that needs none.

#[contextvars::test(flavor = "multi_thread")]
fn runs() {}

fn main() {}

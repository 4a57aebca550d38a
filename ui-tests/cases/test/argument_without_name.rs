// The value of an argument alone.

#[contextvars::test("multi_thread")]
async fn runs() {}

fn main() {}

// The crate's path in quotes.

#[contextvars::test(crate = "contextvars")]
fn runs() {}

fn main() {}

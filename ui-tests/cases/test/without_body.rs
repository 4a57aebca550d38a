// A test that does nothing, not even that.

#[contextvars::test]
fn does_nothing();

fn main() {}

// The attribute on something that is no function.

#[contextvars::test]
struct NotATest;

fn main() {}

// A test attribute above another.

#[contextvars::test]
#[test]
fn runs_once() {}

fn main() {}

// A test that its harness could not call.

#[contextvars::test]
unsafe extern "C" fn cannot_be_called() {}

fn main() {}

// A test that waits for arguments.

#[contextvars::test]
fn adds(a: u32, b: u32) {
    assert_eq!(a + b, b + a);
}

fn main() {}

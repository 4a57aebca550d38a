// A test that could be many.

#[contextvars::test]
fn is_itself<T: Default + PartialEq>() {
    assert!(T::default() == T::default());
}

fn main() {}

// The attribute that passes arguments, in the wrong place. The name stands for that of the crate `rstest`.

use core::prelude::v1::test as rstest;

#[contextvars::test]
#[rstest]
fn is_positive() {
    assert!(1 > 0);
}

fn main() {}

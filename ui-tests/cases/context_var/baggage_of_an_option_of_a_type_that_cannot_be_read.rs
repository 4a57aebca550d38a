// An `Option` travels as what is in it, and this type has no `FromStr` to be read with.

use std::fmt;

use contextvars::context_var;

struct Opaque;

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("opaque")
    }
}

#[context_var(baggage = "opaque")]
static X: Option<Opaque>;

fn main() {
    assert!(!X.is_set());
}

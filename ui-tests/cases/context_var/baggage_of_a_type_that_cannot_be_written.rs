// Values that travel are written and read, and this type has no `Display` to be written with.

use std::str::FromStr;

use contextvars::context_var;

struct Opaque;

impl FromStr for Opaque {
    type Err = std::convert::Infallible;

    fn from_str(_: &str) -> Result<Self, Self::Err> {
        Ok(Self)
    }
}

#[context_var(baggage = "opaque")]
static X: Opaque;

fn main() {
    assert!(!X.is_set());
}

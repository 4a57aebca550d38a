// A facade where its feature is off: the note names the feature.

use contextvars::{context_var, tokio};

#[context_var(default = 0)]
static REQUEST_ID: u64;

fn main() {
    tokio::spawn(async { REQUEST_ID.get() });
}

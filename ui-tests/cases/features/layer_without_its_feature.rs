// A layer where its feature is off: the note names the feature.

use contextvars::tower::ContextLayer;

fn main() {
    let _layer = ContextLayer::new();
}

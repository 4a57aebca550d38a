//! The tests that examples have in themselves, and that `cargo test` would leave out.

#[expect(dead_code, reason = "`main`, and what only it needs, is run in `examples_run.rs`")]
#[path = "../metrics_labels.rs"]
mod metrics_labels;
#[expect(dead_code, reason = "`main` is for those who run the example")]
#[path = "../test_overrides.rs"]
mod test_overrides;

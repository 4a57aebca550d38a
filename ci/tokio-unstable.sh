#!/usr/bin/env bash
# Tests what stands on tokio's unstable parts: task hooks, and tasks with names.
set -euo pipefail
cd "$(dirname "$0")/.."

export RUSTFLAGS="--cfg tokio_unstable"
export RUSTDOCFLAGS="--cfg tokio_unstable"
# A target folder of its own: other flags would throw away what the other steps built.
export CARGO_TARGET_DIR=target/tokio-unstable
# By kind, since a filter by name leaves out the examples of the documentation.
cargo test -p contextvars --all-features --lib tokio
cargo test -p contextvars --all-features --doc tokio
# Without `tokio-tracing`, tasks with names are refused.
cargo test -p contextvars --features full --doc no_task_builder
cargo test -p contextvars-tests --test main -- propagation:: tasks::detached::
cargo test -p contextvars-tests --test spans
# The same by the name that a program has for tokio, with each of tokio's features.
cargo test -p contextvars-tokio --all-features --test named_tasks
cargo build -p contextvars-examples --example whole_program
cargo test -p contextvars-examples --test examples_run whole_program
cargo clippy -p contextvars -p contextvars-tests --all-features --tests -- -D warnings

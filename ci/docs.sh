#!/usr/bin/env bash
# Builds the documentation; a warning, such as a broken link, is an error. Where a nightly toolchain is installed, also as
# docs.rs does, with what is behind `--cfg tokio_unstable`.
set -euo pipefail
cd "$(dirname "$0")/.."
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "skipped: no nightly toolchain is installed, without which the documentation cannot be built as docs.rs does"
    exit 0
fi
# A target folder of its own: other flags would throw away what the other steps built.
RUSTFLAGS="--cfg tokio_unstable" RUSTDOCFLAGS="-D warnings --cfg docsrs --cfg tokio_unstable" CARGO_TARGET_DIR=target/docs-rs \
    cargo +nightly doc -p contextvars --all-features --no-deps

#!/usr/bin/env bash
# Builds the crates with the oldest compiler that they promise to build with, with all that stable Rust has, and runs their
# tests with it; with `short`, builds them only. Left out are the measurements, whose peers ask for a newer compiler, and the
# compiler's messages, which are another one's.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/sourced/toolchain.sh
. ci/sourced/toolchain.sh

use_version "$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)" || exit 0
# A target folder of its own: another compiler would throw away what the other steps built.
export CARGO_TARGET_DIR=target/msrv
# Nobody who uses a crate builds what only its tests need, which can switch on what the crate forgot to.
for features in "" full; do
    RUSTFLAGS="-D warnings" cargo check --locked -p contextvars --features "$features"
done
for crate in contextvars-opentelemetry contextvars-rayon contextvars-smol contextvars-tokio contextvars-tokio-util; do
    RUSTFLAGS="-D warnings" cargo check --locked -p "$crate"
done
[ "${1:-}" = short ] && exit 0
# Nobody looks at a backtrace here.
export CARGO_PROFILE_DEV_DEBUG=0
cargo test --locked -p contextvars-macros -p contextvars -p contextvars-opentelemetry -p contextvars-tests -p contextvars-web-tests \
    -p contextvars-examples -p contextvars-rayon -p contextvars-smol -p contextvars-tokio -p contextvars-tokio-util \
    -p contextvars-renamed-orders -p contextvars-renamed-server

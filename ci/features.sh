#!/usr/bin/env bash
# Checks `contextvars` without features and with each feature alone; with `pairs`, with every two of them as well, by
# cargo-hack. A warning is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

# The names under `[features]`, which ends at the next table.
features=$(sed -n '/^\[features\]/,/^\[dep/s/^\([a-z][a-z0-9-]*\) = .*/\1/p' contextvars/Cargo.toml)
export RUSTFLAGS="-D warnings"
# A target folder of its own: other flags would throw away what the other steps built.
export CARGO_TARGET_DIR=target/features
if [ "${1:-}" = pairs ]; then
    # shellcheck source=ci/sourced/tool.sh
    . ci/sourced/tool.sh
    use_tool cargo-hack || exit 0
    # What it leaves out is in `full`, or needs `--cfg tokio_unstable`.
    cargo hack check -p contextvars --feature-powerset --depth 2 --exclude-features default,full,tokio-hooks,tokio-tracing
    exit
fi
cargo check -p contextvars --no-default-features
for feature in $features; do
    [ "$feature" = default ] && continue
    echo "-- $feature"
    cargo check -p contextvars --no-default-features --features "$feature"
done

#!/usr/bin/env bash
# Checks `contextvars` without features and with each feature alone; a warning is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

# The names under `[features]`, which ends at the next table.
features=$(sed -n '/^\[features\]/,/^\[dep/s/^\([a-z][a-z0-9-]*\) = .*/\1/p' contextvars/Cargo.toml)
export RUSTFLAGS="-D warnings"
# A target folder of its own: other flags would throw away what the other steps built.
export CARGO_TARGET_DIR=target/features
cargo check -p contextvars --no-default-features
for feature in $features; do
    [ "$feature" = default ] && continue
    echo "-- $feature"
    cargo check -p contextvars --no-default-features --features "$feature"
done

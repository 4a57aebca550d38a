#!/usr/bin/env bash
# Checks that the code is formatted as `cargo fmt` would.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
# Workspaces of their own.
cargo fmt --manifest-path fuzz/Cargo.toml --all --check
cargo fmt --manifest-path tests/frameworks/Cargo.toml --check

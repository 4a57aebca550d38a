#!/usr/bin/env bash
# Runs the snippets of the guide to frameworks against the frameworks, in a workspace of their own, whose lock file has
# them all.
set -euo pipefail
cd "$(dirname "$0")/.."
# What is built already is used again.
export CARGO_TARGET_DIR="$PWD/target"
cd tests/frameworks
cargo clippy --all-targets -- -D warnings
cargo test --locked

#!/usr/bin/env bash
# Runs clippy on everything; a warning is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo clippy --workspace --all-targets --all-features -- -D warnings

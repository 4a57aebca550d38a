#!/usr/bin/env bash
# Runs the tests of every package; those of tokio's unstable parts are in `tokio-unstable.sh`.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test

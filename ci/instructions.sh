#!/usr/bin/env bash
# Counts the instructions of each operation under valgrind and compares them with those stored in the repository. After a
# change that is meant to change them: cargo run --release -p contextvars-benches --bin instructions -- --bless
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v valgrind >/dev/null; then
    echo "skipped: valgrind is not installed, without which instructions cannot be counted"
    exit 0
fi
cargo run --release -p contextvars-benches --bin instructions

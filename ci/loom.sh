#!/usr/bin/env bash
# Runs the models of what threads share in every order that the memory model allows.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo run -p contextvars-loom-tests

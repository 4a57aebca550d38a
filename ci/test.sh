#!/usr/bin/env bash
# Runs every test of every package.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test

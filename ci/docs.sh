#!/usr/bin/env bash
# Builds the documentation; a warning, such as a broken link, is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps

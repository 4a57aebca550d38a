#!/usr/bin/env bash
# Changes the code in one place after the other and sees whether a test fails; `tests/mutants.md` explains what no test
# notices. Takes hours. What it is given goes to cargo-mutants: `--in-diff FILE`, `--file '**/state/**'`, `--shard 1/8`.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo mutants --version >/dev/null 2>&1; then
    echo "skipped: cargo-mutants is not installed (cargo install cargo-mutants)"
    exit 0
fi
# tokio's unstable parts are mutated with all else, so they are built with all else.
export RUSTFLAGS="--cfg tokio_unstable"
# Nobody looks at a backtrace of a mutant.
export CARGO_PROFILE_DEV_DEBUG=0
cargo mutants --output target "$@"

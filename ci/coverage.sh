#!/usr/bin/env bash
# Measures which lines of `contextvars/src` the tests run, with all features and tokio's unstable parts; below 97 % it fails.
# What it is given goes to the report, such as `--show-missing-lines`. `tests/coverage.md` lists the lines that are not run.
set -euo pipefail
cd "$(dirname "$0")/.."

least=97
# The compiler's own flags would have crates of their own: tokio's unstable parts are in the same build as all else.
export RUSTFLAGS="--cfg tokio_unstable"
# The map of the lines is not in the debug information.
export CARGO_PROFILE_DEV_DEBUG=0
packages=(-p contextvars -p contextvars-tests -p contextvars-web-tests -p contextvars-opentelemetry)
# What tests and macros consist of is not counted.
others='/(tests|contextvars-macros|contextvars-opentelemetry)/|/tests\.rs$'

# The LLVM tools of the toolchain, or the system's of the compiler's own version, which alone read what it writes.
llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
if [ -z "$(find "$(rustc --print sysroot)" -name llvm-profdata)" ] && command -v "llvm-profdata-$llvm" >/dev/null; then
    export LLVM_COV=llvm-cov-$llvm LLVM_PROFDATA=llvm-profdata-$llvm
fi
if cargo llvm-cov --version >/dev/null 2>&1 && { [ -n "${LLVM_COV:-}" ] || [ -n "$(find "$(rustc --print sysroot)" -name llvm-profdata)" ]; }; then
    # What earlier runs left behind would be counted as well.
    cargo llvm-cov clean --workspace
    cargo llvm-cov --no-report --no-fail-fast --all-features "${packages[@]}"
    cargo llvm-cov report --ignore-filename-regex "$others" --fail-under-lines "$least" "$@"
elif cargo tarpaulin --version >/dev/null 2>&1; then
    cargo tarpaulin --engine llvm --all-features "${packages[@]}" --include-files 'contextvars/src/*' \
        --exclude-files 'contextvars/src/state/trie/tests.rs' --fail-under "$least" "$@"
else
    echo "skipped: neither cargo-llvm-cov with llvm-tools nor cargo-tarpaulin is installed"
fi

#!/usr/bin/env bash
# Runs the tests of what the unsafe code does in Miri, which knows the rules that the compiler relies on: by Stacked Borrows
# and by Tree Borrows, with strict provenance, in isolation from the machine, and with leaks as errors.
#
# The tests do less there, where each step takes a hundred times as long.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo +nightly miri --version >/dev/null 2>&1; then
    echo "skipped: Miri is not installed (rustup toolchain install nightly --component miri,rust-src)"
    exit 0
fi
tests=()
# Coroutines are assembly, and programs that need a runtime's threads or sockets are slow: those are for the sanitizers.
for name in allocators contexts disorder lent_scopes lifetimes panics races reentrancy scope_contexts scopes shared_contexts \
    threads variables; do
    tests+=(--test "$name")
done
export CARGO_TARGET_DIR=target/miri
for rules in "" -Zmiri-tree-borrows; do
    # Within Miri there is no environment but this: proptest is to make up few cases, and to keep no files.
    export MIRIFLAGS="$rules -Zmiri-strict-provenance -Zmiri-env-set=PROPTEST_CASES=4 \
        -Zmiri-env-set=PROPTEST_DISABLE_FAILURE_PERSISTENCE=true"
    cargo +nightly miri test -p contextvars --lib state:: -- --skip a_hundred_thousand_ids_fit
    cargo +nightly miri test -p contextvars-tests "${tests[@]}" -- --skip a_reader_may_live_as_long_as_the_program \
        --skip whatever_can_be_forgotten_may_be_in_the_middle_of_a_scope
done

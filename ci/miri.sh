#!/usr/bin/env bash
# Runs the tests of what the unsafe code does in Miri, which knows the rules that the compiler relies on: by Stacked Borrows
# and by Tree Borrows, with strict provenance, in isolation from the machine, and with leaks as errors.
#
# The tests do less there, where each step takes a hundred times as long. With both rule sets it is a matter of twenty
# minutes; `ci/miri.sh stacked` and `ci/miri.sh tree` are half of it each. NIGHTLY names the toolchain to use (nightly).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/sourced/core-tests.sh
. ci/sourced/core-tests.sh

nightly=${NIGHTLY:-nightly}
if ! cargo "+$nightly" miri --version >/dev/null 2>&1; then
    echo "skipped: Miri is not installed (rustup toolchain install $nightly --component miri,rust-src)"
    exit 0
fi
# A hundred thousand variables, and programs that need a runtime's threads, are slow: those are for the sanitizers. So are
# coroutines, which are assembly; their files leave themselves out.
left_out=(freed_contexts many_variables)
options=(--skip a_reader_may_live_as_long_as_the_program --skip whatever_can_be_forgotten_may_be_in_the_middle_of_a_scope)
export CARGO_TARGET_DIR=target/miri
[ $# -gt 0 ] || set -- stacked tree
for rules in "$@"; do
    case $rules in
    stacked) flags= ;;
    tree) flags=-Zmiri-tree-borrows ;;
    *)
        echo "there are no rules \`$rules\`: stacked, or tree" >&2
        exit 1
        ;;
    esac
    echo "-- $rules"
    # Within Miri there is no environment but this: proptest is to make up few cases, and to keep no files.
    export MIRIFLAGS="$flags -Zmiri-strict-provenance -Zmiri-env-set=PROPTEST_CASES=4 \
        -Zmiri-env-set=PROPTEST_DISABLE_FAILURE_PERSISTENCE=true"
    cargo "+$nightly" miri test -p contextvars --lib state:: -- --skip a_hundred_thousand_ids_fit
    core_tests cargo "+$nightly" miri test
done

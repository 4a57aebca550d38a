#!/usr/bin/env bash
# Runs the tests of what the unsafe code does under valgrind's memcheck, which sees what is read before it was written and
# what is lost, in the standard library, too, and in code that no sanitizer was built into.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v valgrind >/dev/null; then
    echo "skipped: valgrind is not installed"
    exit 0
fi
# shellcheck source=ci/sourced/core-tests.sh
. ci/sourced/core-tests.sh
# Coroutines have stacks of their own, and the others do too much: those are for the sanitizers.
left_out=(coroutines lifetimes many_variables)
options=(--test-threads=1)
# Cargo hands each test program to this. What is lost for certain is an error; what merely looks like it is libtest's own.
runner="valgrind --quiet --error-exitcode=1 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
host=$(rustc -vV | sed -n 's/^host: //p')
# What is made up is little, where each step takes fifty times as long.
export PROPTEST_CASES=8
cargo test --config "target.$host.runner = \"$runner\"" -p contextvars --lib -- "${options[@]}"
core_tests cargo test --config "target.$host.runner = \"$runner\""

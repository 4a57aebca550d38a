#!/usr/bin/env bash
# Runs the tests under AddressSanitizer, which looks for leaks, too, under LeakSanitizer alone and under ThreadSanitizer.
#
#   ci/sanitizers.sh [address] [leak] [thread]    every test under those named, or under all three
#   ci/sanitizers.sh short                        AddressSanitizer on the tests of what the unsafe code does
#
# NIGHTLY names the toolchain to use (nightly). ThreadSanitizer has to see how the standard library orders memory, which
# takes its sources: those of the component rust-src, or else the compiler and the sources are Debian's. Without either it
# runs the tests in which nothing but this crate orders what threads do. `ci/tsan-suppressions` says what it must not take
# for a race, by names, which takes LLVM's symbolizer.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/sourced/core-tests.sh
. ci/sourced/core-tests.sh
# shellcheck source=ci/sourced/toolchain.sh
. ci/sourced/toolchain.sh

own=(-p contextvars -p contextvars-tests -p contextvars-web-tests -p contextvars-opentelemetry)
everything=("${own[@]}" -p contextvars-examples --tests)
# rayon never frees a pool that the thread which builds it is one of.
but_for=(--skip the_building_thread_can_be_one_of_the_pool)

# Takes a nightly compiler, which alone has sanitizers.
use_nightly() {
    if ! cargo "+${NIGHTLY:-nightly}" --version >/dev/null 2>&1; then
        echo "skipped: the toolchain ${NIGHTLY:-nightly} is not installed"
        return 1
    fi
    export RUSTUP_TOOLCHAIN=${NIGHTLY:-nightly}
}

# Whether the compiler has the sanitizer's runtime; `asan` is AddressSanitizer's.
has_runtime() {
    host=$(rustc -vV | sed -n 's/^host: //p')
    if compgen -G "$(rustc --print sysroot)/lib/rustlib/$host/lib/librustc*_rt.$1*" >/dev/null; then
        return 0
    fi
    echo "skipped: the toolchain has no runtime of this sanitizer for $host"
    return 1
}

# Tests under a sanitizer, with a target folder of its own: other flags would throw away what the other steps built. The
# compiler's own programs, such as build scripts, are spared, since the target is named.
run() {
    local sanitizer=$1
    shift
    RUSTFLAGS="-Zsanitizer=$sanitizer ${flags:-}" CARGO_TARGET_DIR=target/sanitizers/$sanitizer \
        cargo "$1" --target "$host" "${@:2}"
}

# The tests of task hooks, which switch contexts where no stack says when. Their flags differ, so they have a target
# folder of their own.
hooks() {
    RUSTFLAGS="-Zsanitizer=$1 --cfg tokio_unstable" CARGO_TARGET_DIR=target/sanitizers/$1-unstable \
        cargo test --target "$host" -p contextvars-tests --test main --test spans -- hooks:: named_tasks:: policies::
}

address() {
    use_nightly && has_runtime asan || return 0
    run address build -p contextvars-examples --examples
    run address test "${everything[@]}" -- "${but_for[@]}"
    unpooled
    hooks address
}

leak() {
    use_nightly && has_runtime lsan || return 0
    run leak build -p contextvars-examples --examples
    run leak test "${everything[@]}" -- "${but_for[@]}"
}

thread() {
    if ! use_sources; then
        echo "only the tests in which nothing but this crate orders what threads do:"
        use_nightly && has_runtime tsan || return 0
        # The standard library and the crate differ in what they are built with.
        local flags="-Cunsafe-allow-abi-mismatch=sanitizer"
        TSAN_OPTIONS="suppressions=$PWD/ci/tsan-suppressions/without-sources.txt" run thread test -p contextvars-tests --test main -- core::races::
        return
    fi
    has_runtime tsan || return 0
    local symbolizer
    if ! symbolizer=$(command -v llvm-symbolizer); then
        echo "skipped: llvm-symbolizer is not installed, without which no report has a name by which to suppress it"
        return 0
    fi
    export CARGO_UNSTABLE_BUILD_STD=std,panic_unwind,proc_macro,test
    # A test of `lifetimes` forgets a thread, and would be told so.
    export TSAN_OPTIONS="suppressions=$PWD/ci/tsan-suppressions/with-sources.txt:report_thread_leaks=0"
    TSAN_OPTIONS+=":external_symbolizer_path=$symbolizer"
    # The sanitizer's runtime has room for some 64,000 calls within one another.
    run thread test "${own[@]}" --tests -- --skip a_hundred_thousand_contexts_nest --skip a_hundred_thousand_scopes_and_readers_nest
    local file examples=()
    for file in examples/tests/*.rs; do
        # SQLite is C, which is not instrumented: what it orders looks like a race.
        case $file in */transactions.rs) ;; *) examples+=(--test "$(basename "$file" .rs)") ;; esac
    done
    run thread build -p contextvars-examples --examples
    # A server of tokio alone does not end when it is interrupted, either.
    run thread test -p contextvars-examples "${examples[@]}" -- --skip ctrl_c_ends_the_server_cleanly
    hooks thread
}

short() {
    use_nightly && has_runtime asan || return 0
    # Those do too much: `address` has them.
    left_out=(lifetimes)
    unpooled
}

# The core tests with memory that is never used again, so that the sanitizer sees each block end.
unpooled() {
    local -x RUSTFLAGS="-Zsanitizer=address --cfg contextvars_unpooled" CARGO_TARGET_DIR=target/sanitizers/address-unpooled
    cargo test --target "$host" -p contextvars --lib
    core_tests cargo test --target "$host"
}

[ $# -gt 0 ] || set -- address leak thread
for step in "$@"; do
    case $step in
    address | leak | thread | short)
        echo "-- $step"
        # Each chooses a toolchain of its own.
        ("$step")
        ;;
    *)
        echo "there is no sanitizer \`$step\`: address, leak, thread, or short" >&2
        exit 1
        ;;
    esac
done

#!/usr/bin/env bash
# Runs the tests under AddressSanitizer, which looks for leaks, too, under LeakSanitizer alone and under ThreadSanitizer.
#
#   ci/sanitizers.sh [address] [leak] [thread]    every test under those named, or under all three
#   ci/sanitizers.sh short                        AddressSanitizer on the tests of what the unsafe code does
#
# ThreadSanitizer has to see how the standard library orders memory, which takes its sources:
# `rustup component add rust-src --toolchain nightly`. Without them it runs the tests in which nothing but this crate orders
# what threads do, and `ci/tsan-suppressions.txt` says what else it must not take for a race.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "skipped: no nightly toolchain is installed, which alone has sanitizers"
    exit 0
fi
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
everything=(-p contextvars -p contextvars-tests -p contextvars-web-tests -p contextvars-opentelemetry -p contextvars-examples --tests)
# rayon never frees a pool that the thread which builds it is one of.
but_for=(--skip the_building_thread_can_be_one_of_the_pool)
core=(-p contextvars -p contextvars-tests --lib)
for name in allocators contexts coroutines disorder freed_contexts lent_scopes many_variables panics races reentrancy scopes \
    threads unwinding variables; do
    core+=(--test "$name")
done

# Whether the compiler has the sanitizer's runtime; `asan` is AddressSanitizer's.
has_runtime() {
    if compgen -G "$(rustc +nightly --print sysroot)/lib/rustlib/$host/lib/librustc*_rt.$1*" >/dev/null; then
        return 0
    fi
    echo "skipped: the nightly toolchain has no runtime of this sanitizer for $host"
    return 1
}

# Tests under a sanitizer, with a target folder of its own: other flags would throw away what the other steps built. The
# compiler's own programs, such as build scripts, are spared, since the target is named.
run() {
    local sanitizer=$1
    shift
    RUSTFLAGS="-Zsanitizer=$sanitizer ${flags:-}" CARGO_TARGET_DIR=target/sanitizers/$sanitizer \
        cargo +nightly "$1" --target "$host" ${options:-} "${@:2}"
}

address() {
    has_runtime asan || return 0
    run address build -p contextvars-examples --examples
    run address test "${everything[@]}" -- "${but_for[@]}"
    # Task hooks switch contexts where no stack says when; they have a target folder of their own, as their flags differ.
    RUSTFLAGS="-Zsanitizer=address --cfg tokio_unstable" CARGO_TARGET_DIR=target/sanitizers/address-unstable \
        cargo +nightly test -p contextvars-tests --test travel_hooks --test travel_named_tasks --test policies --target "$host"
}

leak() {
    has_runtime lsan || return 0
    run leak build -p contextvars-examples --examples
    run leak test "${everything[@]}" -- "${but_for[@]}"
}

thread() {
    has_runtime tsan || return 0
    if [ -d "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library" ]; then
        local options="-Zbuild-std"
        run thread build -p contextvars-examples --examples
        run thread test "${everything[@]}"
    else
        echo "without the component rust-src: only the tests in which nothing but this crate orders what threads do"
        # The standard library and the crate differ in what they are built with.
        local flags="-Cunsafe-allow-abi-mismatch=sanitizer"
        TSAN_OPTIONS="suppressions=$PWD/ci/tsan-suppressions.txt" run thread test -p contextvars-tests --test races
    fi
}

short() {
    has_runtime asan || return 0
    run address test "${core[@]}"
}

[ $# -gt 0 ] || set -- address leak thread
for step in "$@"; do
    case $step in
    address | leak | thread | short)
        echo "-- $step"
        "$step"
        ;;
    *)
        echo "there is no sanitizer \`$step\`: address, leak, thread, or short" >&2
        exit 1
        ;;
    esac
done

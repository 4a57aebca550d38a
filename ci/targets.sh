#!/usr/bin/env bash
# Runs the core tests on other processors, in qemu where this one cannot: `ci/targets.sh [i686] [s390x] [powerpc]`, or all.
#
#   i686       pointers of 32 bits
#   s390x      the most significant byte comes first
#   powerpc    both, and no atomics of 64 bits
#
# The C compiler and library for each, and qemu, are unpacked from Debian's packages into `target/debian`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/sourced/core-tests.sh
. ci/sourced/core-tests.sh
# shellcheck source=ci/sourced/debian.sh
. ci/sourced/debian.sh
# shellcheck source=ci/sourced/toolchain.sh
. ci/sourced/toolchain.sh

has_debian || { echo "skipped: without Debian's packages, there is no C compiler for other processors"; exit 0; }
use_sources || exit 0
host=$(uname -m)
# The programs find no libraries of their processor here.
export RUSTFLAGS="-C target-feature=+crt-static" CARGO_UNSTABLE_BUILD_STD=std,panic_unwind,test
# A target folder of its own, since the compiler may be another one. Nobody looks at a backtrace here.
export CARGO_TARGET_DIR=target/targets CARGO_PROFILE_DEV_DEBUG=0
# Made up is little, where each step takes many times as long in qemu.
export PROPTEST_CASES=16

# Unpacks the compiler for processor $1, which Debian's C library calls $2, and builds and tests with it. What runs the
# programs is the third argument, if this machine cannot.
tests_on() {
    local cpu=$1 libc=$2 runner=${3:-} name packages=()
    local target=$cpu-unknown-linux-gnu folder=$PWD/target/debian/$cpu
    echo "-- $target"
    for name in "gcc-$cpu-linux-gnu" "libc6-dev-$libc-cross" ${runner:+qemu-user}; do
        packages+=("$name=$(debian_version "$name")")
    done
    debian_unpack "$folder" "${packages[@]}"
    # They look for their libraries in the system's folders.
    for name in "$cpu-linux-gnu-gcc" $runner; do
        cat >"$folder/$name" <<WRAPPER
#!/bin/sh
LD_LIBRARY_PATH="$folder/usr/lib/$host-linux-gnu" exec "$folder/usr/bin/$name" "\$@"
WRAPPER
        chmod +x "$folder/$name"
    done
    # Within the quotes of TOML.
    local config="target.$target.linker = \"$folder/$cpu-linux-gnu-gcc\""
    local run="target.$target.runner = \"${runner:+$folder/}${runner:-env}\""
    cargo build --config "$config" --target "$target" -p contextvars-opentelemetry
    # It does too much for qemu.
    options=(${runner:+--skip no_input_panics_and_what_is_read_can_be_written_and_read_again})
    local test=(cargo test --config "$config" --config "$run" --target "$target")
    "${test[@]}" -p contextvars --lib -- "${options[@]}"
    core_tests "${test[@]}"
    "${test[@]}" -p contextvars-tests --test main -- propagation::threads:: propagation::round_trip:: headers::baggage "${options[@]}"
}

i686() {
    tests_on i686 i386
}

s390x() {
    tests_on s390x s390x qemu-s390x
}

powerpc() {
    tests_on powerpc powerpc qemu-ppc
}

[ $# -gt 0 ] || set -- i686 s390x powerpc
for step in "$@"; do
    case $step in
    i686 | s390x | powerpc) "$step" ;;
    *)
        echo "there are no tests on \`$step\`: i686, s390x, or powerpc" >&2
        exit 1
        ;;
    esac
done

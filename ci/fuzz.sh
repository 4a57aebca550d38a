#!/usr/bin/env bash
# Runs the fuzzer on each target of `fuzz/`, for a minute or as many seconds as are named: `ci/fuzz.sh 600`.
#
# It starts from the inputs that are kept in `fuzz/corpus`, and what it finds anew stays outside of them, in
# `fuzz/target/corpus`. An input that makes a target fail is kept in `fuzz/artifacts`, and
# `cargo +nightly fuzz run TARGET FILE` runs it again. To have the fewest inputs in FOLDER that reach what the others do:
#
#   cargo +nightly fuzz run TARGET FOLDER fuzz/corpus/TARGET fuzz/target/corpus/TARGET -- -set_cover_merge=1 -use_counters=0
#
# Those that are kept reach more than a few places that no other does; what they leave out is found again in a minute.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "skipped: no nightly toolchain is installed, which the fuzzer is built with"
    exit 0
fi
# shellcheck source=ci/sourced/tool.sh
. ci/sourced/tool.sh
use_tool cargo-fuzz || exit 0
# Memory that the library uses again would hide from AddressSanitizer that it was freed.
export RUSTFLAGS="${RUSTFLAGS:-} --cfg contextvars_unpooled"
seconds=${1:-60}
targets=$(cargo +nightly fuzz list)
[ -n "$targets" ]
for target in $targets; do
    echo "-- $target"
    mkdir -p "fuzz/target/corpus/$target"
    # What is found anew goes into the first of the folders. AddressSanitizer and the fuzzer keep 1.5 GiB after 450,000
    # programs; the programs alone keep nothing.
    cargo +nightly fuzz run "$target" "fuzz/target/corpus/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -max_len=10000 -rss_limit_mb=16384 -print_final_stats=1
done

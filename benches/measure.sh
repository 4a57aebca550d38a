#!/usr/bin/env bash
# Measures everything, the benchmarks several times over (3, or the first argument), and writes `benches/results/` and
# `benches/chart.svg`. Takes a quarter of an hour and wants a machine to itself.
#
# CPython is `$CONTEXTVARS_PYTHON`, or `python3`; it must be 3.11 or newer, or is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-3}
folder=$PWD/target/measured
rm -rf "$folder"
mkdir -p "$folder"

for run in $(seq "$runs"); do
    CRITERION_HOME=$folder/run-$run cargo bench -p contextvars-benches --bench operations
done
cargo bench -p contextvars-benches --bench memory >"$folder/memory.txt"
cargo bench -p contextvars-benches --bench requests >"$folder/requests.txt"
bash benches/compile_time/measure.sh >"$folder/compile_time.txt"
bash ci/instructions.sh >"$folder/instructions.txt" || echo "instruction counts have grown; see the results"
cargo run --release -p contextvars-benches --example collect -- "$folder"
cargo run --release -p contextvars-benches --example chart

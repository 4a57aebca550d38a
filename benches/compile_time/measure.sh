#!/usr/bin/env bash
# What declarations add to `cargo check`: generates crates with many of them, in one module and in modules of 20, and, to
# compare, with as many plain statics; checks each from scratch (not incrementally) several times, taking turns, and prints the shortest times.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
folder=${CARGO_TARGET_DIR:-$root/target}/compile-time
turns=${1:-5}
counts="500 1000 2000"
export CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=$folder/target

# One crate for each count and kind, all in one workspace, so that they share what they depend on.
rm -rf "$folder/crates"
members=
for count in $counts; do
    for kind in variables modules statics; do
        crate=$folder/crates/$kind$count
        mkdir -p "$crate/src"
        members="$members\"$kind$count\", "
        printf '[package]\nname = "%s"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\ncontextvars = { path = "%s" }\n' \
            "$kind$count" "$root/contextvars" >"$crate/Cargo.toml"
        for number in $(seq "$count"); do
            if [ "$kind" = modules ] && [ $((number % 20)) = 1 ]; then
                printf 'pub mod module_%s {\n' "$number"
            fi
            if [ "$kind" = statics ]; then
                printf 'pub static VARIABLE_%s: u64 = %s;\n' "$number" "$number"
            else
                printf '#[contextvars::context_var(default = %s)]\npub static VARIABLE_%s: u64;\n' "$number" "$number"
            fi
            if [ "$kind" = modules ] && [ $((number % 20)) = 0 ]; then
                printf '}\n'
            fi
        done >"$crate/src/lib.rs"
    done
done
printf '[workspace]\nresolver = "3"\nmembers = [%s]\n' "$members" >"$folder/crates/Cargo.toml"
cp "$root/Cargo.lock" "$folder/crates/Cargo.lock"
cd "$folder/crates"
cargo check --quiet --workspace

declare -A best
for _ in $(seq "$turns"); do
    for count in $counts; do
        for kind in variables modules statics; do
            touch "$kind$count/src/lib.rs"
            begin=$(date +%s%N)
            cargo check --quiet --package "$kind$count"
            took=$((($(date +%s%N) - begin) / 1000000))
            if [ "$took" -lt "${best[$kind$count]:-1000000}" ]; then
                best[$kind$count]=$took
            fi
        done
    done
done
for count in $counts; do
    variables=${best[variables$count]}
    modules=${best[modules$count]}
    statics=${best[statics$count]}
    echo "$((variables - statics)) ms: added by $count declarations in one module ($variables ms, with plain statics $statics ms)"
    echo "$((modules - statics)) ms: added by $count declarations in modules of 20"
done

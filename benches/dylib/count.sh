#!/usr/bin/env bash
# Counts the instructions of some operations in a program, and in a dynamic library, where each use of a thread-local
# goes through a function of the dynamic linker. Needs valgrind.
set -euo pipefail
cd "$(dirname "$0")"
operations=$PWD/operations.rs
root=$(cd ../.. && pwd)
folder=${CARGO_TARGET_DIR:-$root/target}/dylib
mkdir -p "$folder/library" "$folder/program/src"
cp "$root/Cargo.lock" "$folder/Cargo.lock"
cd "$folder"
export CARGO_TARGET_DIR=$folder/target

printf '[workspace]\nresolver = "3"\nmembers = ["library", "program"]\n' >Cargo.toml
printf '[package]\nname = "program"\nedition = "2024"\n[dependencies]\nlibrary = { path = "../library" }\n' >program/Cargo.toml
printf 'fn main() {\n    library::perform();\n}\n' >program/src/main.rs
for kind in rlib dylib; do
    printf '[package]\nname = "library"\nedition = "2024"\n[lib]\ncrate-type = ["%s"]\npath = "%s"\n[dependencies]\ncontextvars = { path = "%s" }\n' \
        "$kind" "$operations" "$root/contextvars" >library/Cargo.toml
    if [ "$kind" = dylib ]; then
        export RUSTFLAGS="-C prefer-dynamic"
    fi
    cargo build --quiet --release
    libraries=$folder/target/release:$folder/target/release/deps:$(rustc --print target-libdir)
    LD_LIBRARY_PATH=$libraries LD_BIND_NOW=1 valgrind --quiet --tool=callgrind --combine-dumps=yes \
        "--dump-before=*counting_begins_here*" "--dump-before=*counting_ends_here*" \
        --callgrind-out-file="$folder/counts" target/release/program >"$folder/names" 2>/dev/null
    echo "$kind:"
    # Every second part of the counts is that of an operation.
    sed -n 's/^summary: //p' counts | awk 'NR % 2 == 0 { printf "%8.1f\n", $1 / 4096 }' | paste -d ' ' - names
    rm counts
done

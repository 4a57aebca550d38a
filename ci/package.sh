#!/usr/bin/env bash
# Packages the crates as they would be published, and builds and tests each from its package alone.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
# Builds each from its package, with the others' packages.
crates=(contextvars-macros contextvars contextvars-opentelemetry contextvars-rayon contextvars-smol contextvars-tokio contextvars-tokio-util)
cargo package --quiet --allow-dirty "${crates[@]/#/--package=}"
folder=$target/packaged
rm -rf "$folder/crates"
mkdir -p "$folder/crates"
for crate in "${crates[@]}"; do
    tar --extract --file "$target/package/$crate-$version.crate" --directory "$folder/crates"
done
cd "$folder/crates"
export CARGO_TARGET_DIR=$folder/target
(cd "contextvars-macros-$version" && cargo test --quiet)
patch="patch.crates-io.contextvars-macros.path = \"$PWD/contextvars-macros-$version\""
(
    cd "contextvars-$version"
    cargo test --quiet --config "$patch"
    cargo test --quiet --config "$patch" --features full
)
for crate in "${crates[@]:2}"; do
    (cd "$crate-$version" && cargo test --quiet --config "$patch" --config "patch.crates-io.contextvars.path = \"$folder/crates/contextvars-$version\"")
done

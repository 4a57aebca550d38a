#!/usr/bin/env bash
# Builds the crates with the oldest version of each dependency that their `Cargo.toml` allows, without what only tests
# need.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "skipped: no nightly toolchain is installed, which alone can choose the oldest versions"
    exit 0
fi
root=$PWD
folder=${CARGO_TARGET_DIR:-$root/target}/minimal-versions
mkdir -p "$folder"
rm -rf "$folder/workspace"
mkdir "$folder/workspace"
# The crates as they are in the working tree; their dependencies for tests come last in `Cargo.toml`. Not those that stand in
# the place of tokio and tokio-util: of the features that they forward, the oldest versions lack some.
crates=(contextvars contextvars-macros contextvars-opentelemetry contextvars-rayon contextvars-smol)
cp -rL "${crates[@]}" "$folder/workspace/"
sed -i '/^\[dev-dependencies\]/,$d' "$folder/workspace/contextvars/Cargo.toml" \
    "$folder/workspace/contextvars-opentelemetry/Cargo.toml"
members=$(printf '"%s", ' "${crates[@]}")
sed "s/^members = .*/members = [$members]/; /^default-members/d" Cargo.toml >"$folder/workspace/Cargo.toml"
cd "$folder/workspace"
cargo +nightly update --quiet -Z direct-minimal-versions
CARGO_TARGET_DIR=$folder/target cargo check --workspace
CARGO_TARGET_DIR=$folder/target cargo check -p contextvars --features full
CARGO_TARGET_DIR=$folder/target cargo check -p contextvars-opentelemetry --features sdk

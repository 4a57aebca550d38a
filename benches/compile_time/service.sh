#!/usr/bin/env bash
# What this crate adds to the build of a service with axum: processor time, and packages in its lock file. Builds the same
# service from scratch without it, with the features that such a service uses, and with all of them.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
folder=${CARGO_TARGET_DIR:-$root/target}/compile-time/service
export CARGO_INCREMENTAL=0
unset CARGO_TARGET_DIR
rm -rf "$folder"

# Generates the crate $1, which has the line $2 among its dependencies.
service() {
    mkdir -p "$folder/$1/src"
    cat >"$folder/$1/Cargo.toml" <<MANIFEST
[package]
name = "service"
version = "0.0.0"
edition = "2024"
[workspace]
[dependencies]
axum = "0.8"
tokio = { version = "1", features = ["full"] }
tower = "0.5"
tracing = "0.1"
tracing-subscriber = "0.3"
$2
MANIFEST
    echo 'fn main() {}' >"$folder/$1/src/main.rs"
    (cd "$folder/$1" && cargo generate-lockfile --quiet && cargo fetch --quiet)
}
service without ''
service with "contextvars = { path = \"$root/contextvars\", features = [\"tokio\", \"tower\", \"tracing\"] }"
service full "contextvars = { path = \"$root/contextvars\", features = [\"full\"] }"

for name in without with full; do
    cd "$folder/$name"
    TIMEFORMAT='%U %S'
    used=$({ time cargo build --quiet 2>/dev/null; } 2>&1)
    echo "$name: $(awk -v used="$used" 'BEGIN { split(used, part, " "); printf "%.1f", part[1] + part[2] }') s of processor time," \
        "$(grep -c '^name = ' Cargo.lock) packages in the lock file"
done

#!/usr/bin/env bash
# Builds the crates with the oldest compiler that they promise to build with, with all that stable Rust has.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
toolchain=$(rustup toolchain list 2>/dev/null | sed -n "s/^\($version[.0-9]*-[^ ]*\).*/\1/p" | head -1)
if [ -z "$toolchain" ]; then
    echo "skipped: Rust $version is not installed (rustup toolchain install $version)"
    exit 0
fi
# A target folder of its own: another compiler would throw away what the other steps built.
export CARGO_TARGET_DIR=target/msrv
cargo "+$toolchain" check -p contextvars
cargo "+$toolchain" check -p contextvars --features full
cargo "+$toolchain" check -p contextvars-opentelemetry

#!/usr/bin/env bash
# Builds the crate for WebAssembly, without features and with all of `full`, and runs programs there in Node.js, alone and
# with WASI.
#
# Takes the targets that are installed (`rustup target add wasm32-unknown-unknown wasm32-wasip1`), or else a compiler that
# builds the standard library from its sources, and Debian's C library for WASI.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/sourced/debian.sh
. ci/sourced/debian.sh
# shellcheck source=ci/sourced/toolchain.sh
. ci/sourced/toolchain.sh

target=wasm32-unknown-unknown
wasi=wasm32-wasip1
wasi_flags=
if [ ! -d "$(rustc --print target-libdir --target $target)" ] || [ ! -d "$(rustc --print target-libdir --target $wasi)" ]; then
    if ! has_debian || ! use_sources; then
        echo "skipped: the targets $target and $wasi are not installed"
        exit 0
    fi
    export CARGO_UNSTABLE_BUILD_STD=std,panic_abort
    debian_unpack "$PWD/target/debian/wasi" "wasi-libc=$(debian_version wasi-libc)"
    library=$PWD/target/debian/wasi/usr/lib/wasm32-wasi
    wasi_flags="-C linker=rust-lld -C link-self-contained=no -L native=$library -C link-arg=$library/crt1-command.o"
fi
# A target folder of its own, since the compiler may be another one.
export CARGO_TARGET_DIR=target/wasm
cargo build -p contextvars --target $target
cargo build -p contextvars --target $target --features full
cargo build -p contextvars-wasm-tests --target $target --bin wasm
# As libraries for a browser are linked: the host calls the constructors, once.
cargo rustc -p contextvars-wasm-tests --target $target --bin exports -- -C link-arg=--export=__wasm_call_ctors
RUSTFLAGS=$wasi_flags cargo build -p contextvars-wasm-tests --target $wasi --bin wasm
if ! command -v node >/dev/null; then
    echo "skipped: Node.js is not installed, without which the programs cannot be run"
    exit 0
fi
node --no-warnings tests/wasm/run.js "$CARGO_TARGET_DIR/$target/debug" "$CARGO_TARGET_DIR/$wasi/debug"

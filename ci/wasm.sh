#!/usr/bin/env bash
# Builds the crate for WebAssembly, without features and with all, and runs a program there where Node.js is installed.
#
# Needs the target (`rustup target add wasm32-unknown-unknown`), or a compiler that builds it from source: then set
# CARGO_UNSTABLE_BUILD_STD=std,panic_abort.
set -euo pipefail
cd "$(dirname "$0")/.."

target=wasm32-unknown-unknown
if [ -z "${CARGO_UNSTABLE_BUILD_STD:-}" ] && [ ! -d "$("${RUSTC:-rustc}" --print target-libdir --target $target)" ]; then
    echo "skipped: the target $target is not installed"
    exit 0
fi
cargo build -p contextvars --target $target
cargo build -p contextvars --target $target --features full
cargo build -p contextvars-wasm-tests --target $target
if ! command -v node >/dev/null; then
    echo "skipped: Node.js is not installed, without which the program cannot be run"
    exit 0
fi
# An import or a panic makes this fail: the program needs nothing from outside, and a panic is a trap.
node -e '
    const program = new WebAssembly.Module(require("fs").readFileSync(process.argv[1]));
    const status = new WebAssembly.Instance(program, {}).exports.main();
    console.log("the program ended with status", status);
    process.exit(status);
' "${CARGO_TARGET_DIR:-target}/$target/debug/wasm.wasm"

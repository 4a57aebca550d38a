#!/usr/bin/env bash
# Keeps a server busy over sockets of this machine: no value may cross from one request to another, and what is allocated
# may not grow from the tenth to the last percent. `tests/web/soak/main.rs` says what the requests do.
#
#   ci/soak.sh [REQUESTS]    a million requests, or as many as are named
#   ci/soak.sh short         ten seconds' worth of them, without optimisation, as `ci/test.sh` has built it
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = short ]; then
    cargo run -p contextvars-web-tests --example soak -- 30000
else
    cargo run --release -p contextvars-web-tests --example soak -- "${1:-1000000}"
fi

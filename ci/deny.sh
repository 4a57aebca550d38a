#!/usr/bin/env bash
# Checks the dependencies against deny.toml: their licences, that each is there once, and where they are from. With
# --advisories, what is known of their defects as well, which must be fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo deny --version >/dev/null 2>&1; then
    echo "skipped: cargo-deny is not installed (cargo install cargo-deny --locked)"
    exit 0
fi
checks="bans licenses sources"
if [ "${1:-}" = --advisories ]; then
    checks="advisories $checks"
fi
# shellcheck disable=SC2086 # one word for each check
cargo deny --locked --workspace check --deny warnings $checks

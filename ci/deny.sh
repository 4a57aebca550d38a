#!/usr/bin/env bash
# Checks the dependencies against deny.toml: their licences, that each is there once, and where they are from. With
# --advisories, what is known of their defects as well, which must be fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=ci/sourced/tool.sh
. ci/sourced/tool.sh
use_tool cargo-deny || exit 0
checks="bans licenses sources"
if [ "${1:-}" = --advisories ]; then
    checks="advisories $checks"
fi
# shellcheck disable=SC2086 # one word for each check
cargo deny --locked --workspace check --deny warnings $checks

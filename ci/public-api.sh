#!/usr/bin/env bash
# Compares the public API with the one stored in ci/public-api, all features switched on, and checks that it names no types
# of other crates but those that each manifest allows. After a change that is meant to change it:
# bash ci/public-api.sh --bless
#
# A nightly compiler lists the API, and each in its own words. So a difference is an error only with the very nightly that
# the stored list is from; with another one it is shown, or, with --strict, an error all the same. NIGHTLY names the toolchain
# to use (nightly).
set -euo pipefail
cd "$(dirname "$0")/.."

nightly=${NIGHTLY:-nightly}
if ! cargo "+$nightly" --version >/dev/null 2>&1; then
    echo "skipped: the toolchain $nightly is not installed, without which the API cannot be listed"
    exit 0
fi
# shellcheck source=ci/sourced/tool.sh
. ci/sourced/tool.sh
# The version that the stored list is from.
use_tool cargo-public-api "$(sed -n '1s/^.*cargo-public-api \([0-9.]*\),.*/\1/p' ci/public-api/contextvars.txt)" || exit 0
tool=$(cargo "+$nightly" public-api --version)
by="// $tool, $(rustc "+$nightly" --version)"

# What stands behind tokio's unstable parts is in the list, too.
export RUSTFLAGS="--cfg tokio_unstable" RUSTDOCFLAGS="--cfg tokio_unstable"
# A target folder of its own: other flags would throw away what the other steps built.
CARGO_TARGET_DIR=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/public-api
export CARGO_TARGET_DIR
mkdir -p "$CARGO_TARGET_DIR"

for package in contextvars contextvars-opentelemetry contextvars-smol; do
    stored=ci/public-api/$package.txt
    [ "${1:-}" = --bless ] || [ -f "$stored" ] || { echo "error: $stored is missing" >&2; exit 1; }
    found=$CARGO_TARGET_DIR/$package.txt
    errors=$CARGO_TARGET_DIR/$package.errors
    echo "$by" >"$found"
    # Without the traits that exist in nightly compilers only.
    if ! cargo "+$nightly" public-api -p "$package" --all-features --omit blanket-impls 2>"$errors" |
        sed '/^impl.* !\?core::marker::\(Freeze\|StructuralPartialEq\|UnsafeUnpin\) for /d' >>"$found"; then
        if grep -q "Failed to parse rustdoc JSON" "$errors"; then
            echo "skipped: $tool does not understand what $(rustc "+$nightly" --version) writes"
            exit 0
        fi
        cat "$errors" >&2
        exit 1
    fi
    if [ "${1:-}" = --bless ]; then
        cp "$found" "$stored"
    elif diff --unified=0 <(tail -n +2 "$stored") <(tail -n +2 "$found"); then
        echo "$package: the public API is the stored one"
    elif [ "$(head -1 "$stored")" = "$by" ]; then
        echo "error: the public API of $package is not the stored one; if that is meant: bash ci/public-api.sh --bless" >&2
        exit 1
    elif [ "${1:-}" = --strict ]; then
        echo "error: the stored API is by $(head -1 "$stored" | cut -c4-), and this is by ${by#// }" >&2
        exit 1
    else
        echo "skipped: the stored API is by $(head -1 "$stored" | cut -c4-), and this is by ${by#// }: see above for yourself"
    fi
done

# A version of the tool understands what some nightlies write.
use_tool cargo-check-external-types 0.5.0 || exit 0
for package in contextvars contextvars-opentelemetry contextvars-smol; do
    output=$CARGO_TARGET_DIR/$package.external
    if cargo "+$nightly" check-external-types --all-features --manifest-path "$package/Cargo.toml" >"$output" 2>&1; then
        echo "$package: the public API names no types of other crates but those allowed"
    elif grep -q "rustdoc JSON\|format version" "$output"; then
        echo "skipped: cargo-check-external-types does not understand what $(rustc "+$nightly" --version) writes"
        exit 0
    else
        grep -A 3 "^error" "$output" >&2 || cat "$output" >&2
        echo "error: the public API of $package names types that its Cargo.toml does not allow" >&2
        exit 1
    fi
done

#!/usr/bin/env bash
# What must be true before version $1 is published, such as `ci/release.sh 0.1.0`: prints each point, and fails if one does
# not hold. With --checks, also runs the slow ones: the packages, and, after the first release, cargo-semver-checks.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:?the version, such as 0.1.0}

failed=0
# Prints point $1 with its outcome; the rest is the command that tells.
point() {
    if "${@:2}" >/dev/null 2>&1; then
        echo "ok   $1"
    else
        echo "NO   $1"
        failed=1
    fi
}
no() { ! "$@"; }
manifests=(contextvars{,-macros,-opentelemetry,-rayon,-smol,-tokio,-tokio-util}/Cargo.toml)
version_is() { grep -qF "version = \"$version\"" <(sed -n '/^\[workspace.package\]/,/^\[/p' Cargo.toml); }
same_everywhere() { [ "$(grep -cE "^(contextvars|rayon|tokio).*version = \"=?$version\"" Cargo.toml)" = 5 ]; }
has_repository() { [ "$(grep -l '^repository' "${manifests[@]}" | wc -l)" = "${#manifests[@]}" ]; }

point "nothing is left to commit" test -z "$(git status --porcelain)"
point "the workspace's version is $version" version_is
point "the packages require each other in version $version" same_everywhere
point "CHANGELOG.md has a heading for $version with a date" grep -qE "^## \[?$version\]? .*[0-9]{4}-[0-9]{2}-[0-9]{2}" CHANGELOG.md
point "each manifest names the repository" has_repository
point "the README's lines for Cargo.toml have no path" no grep -q 'path = "\.\./contextvars' README.md
point "the tag v$version does not exist yet" no git rev-parse --verify --quiet "v$version"

if [ "${2:-}" = --checks ]; then
    point "each package builds and passes its tests on its own" bash ci/package.sh
    point "the public API is the stored one" bash ci/public-api.sh
    last=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)
    if [ -z "$last" ]; then
        echo "--   no release to compare the public API with"
    else
        # shellcheck source=ci/sourced/tool.sh
        . ci/sourced/tool.sh
        use_tool cargo-semver-checks || exit 1
        for manifest in "${manifests[@]}"; do
            [ "$manifest" = contextvars-macros/Cargo.toml ] ||
                point "$(dirname "$manifest") breaks nothing that its version does not announce, since $last" \
                    cargo semver-checks --manifest-path "$manifest" --baseline-rev "$last"
        done
    fi
fi
[ "$failed" = 0 ] || { echo "not ready: mend what says NO" >&2; exit 1; }
echo "ready: cargo publish in the order of CONTRIBUTING.md, then git tag v$version"

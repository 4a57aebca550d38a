#!/usr/bin/env bash
# Runs the tests that tokio, tokio-util and rayon have for themselves with the packages that stand in their places by one line
# of `Cargo.toml`: `ci/peer-suites.sh [tokio] [tokio-util] [rayon]`, or all.
#
# With RUSTFLAGS="--cfg tokio_unstable" those of tokio's unstable parts run, too.
#
# The tests are taken from where Cargo keeps what it has fetched, in the versions of `Cargo.lock`; none of them is in this
# repository. What fails, or does not compile, has to be listed in `ci/peer-suites.txt`, with the reason, and what is listed has
# to fail. A test that fails with the original as well, in this place and at this time, does not count.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
folder=${CARGO_TARGET_DIR:-$root/target}/peer-suites
mkdir -p "$folder"
# Nobody looks at a backtrace here.
export CARGO_TARGET_DIR=$folder/target CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 RUST_BACKTRACE=0

# What the suite $1 asks of its subject; of tokio, what is stable.
features_of() {
    case $1 in
    tokio) echo '"full", "test-util"' ;;
    tokio-util) echo '"full"' ;;
    rayon) ;;
    *)
        echo "there is no suite \`$1\`: tokio, tokio-util, or rayon" >&2
        exit 1
        ;;
    esac
}

# The line of `Cargo.toml` for the crate $1 of version $2: its own, or, if $3 is `renamed`, that of the package in its place.
line_for() {
    local which="version = \"=$2\""
    [ "$3" = renamed ] && which="package = \"contextvars-$1\", path = \"$root/contextvars-$1\""
    echo "$1 = { $which, features = [$(features_of "$1")] }"
}

# Makes a package with the tests of the crate $1, whose sources are in $2, and of what they need; $3 is `renamed` or `original`.
make_package() {
    local name=$1 source=$2 how=$3 package=$folder/$1-$3
    rm -rf "$package"
    mkdir -p "$package/src"
    cp -r "$source/tests" "$package/"
    cp "$root/Cargo.lock" "$package/"
    touch "$package/src/lib.rs"
    {
        echo "[package]"
        echo "name = \"$name-tests\""
        # One test reads this file, and looks for the homepage.
        sed -n '/^edition = /p; /^homepage = /p' "$source/Cargo.toml"
        echo "[workspace]"
        echo "[dependencies]"
        line_for "$name" "${source##*"$name"-}" "$how"
        if [ "$name" = tokio-util ]; then
            line_for tokio "$tokio_version" "$how"
        fi
        # The tests ask which features their own package has.
        echo "[features]"
        echo "default = [$(features_named "$source" | sed 's/.*/"&",/' | tr -d '\n')]"
        features_named "$source" | sed 's/$/ = []/'
        # What the crate depends on its tests use, too. But for what only tests within it need, and for tokio, which stands above.
        awk '/^\[/ { wanted = /dependencies\./ && !/build-dependencies/ && !/\.(tokio|mockall|loom|tracing-mock)\]$/ }
            wanted && !/^optional = /' "$source/Cargo.toml"
    } >"$package/Cargo.toml"
}

# The features of the crate in $1 that do not need `--cfg tokio_unstable`.
features_named() {
    sed -n '/^\[features\]/,/^\[lib\]/s/^\([a-z][a-z-]*\) = .*/\1/p' "$1/Cargo.toml" |
        grep -vxE 'default|io-uring|schedule-latency|taskdump|tracing|web_spin_lock' || true
}

# Builds and runs the tests of the package $1, in the files that follow or in all, and prints what fails: a line for each, as
# `FILE does not compile` or `FILE::TEST`.
failures_of() {
    local package=$1 test log=$1/log arguments=()
    shift
    [ $# -gt 0 ] || set -- $(cd "$package/tests" && ls ./*.rs | sed 's/^\.\///; s/\.rs$//')
    for test in "$@"; do
        arguments+=(--test "$test")
    done
    cd "$package"
    cargo build --keep-going "${arguments[@]}" >"$log" 2>&1 || true
    local broken
    broken=$(sed -n 's/^error: could not compile .* (test "\([^"]*\)").*/\1/p' "$log" | sort -u)
    arguments=()
    for test in "$@"; do
        if grep -qx "$test" <<<"$broken"; then echo "$test does not compile"; else arguments+=(--test "$test"); fi
    done
    if [ ${#arguments[@]} -gt 0 ]; then
        timeout 3600 cargo test --no-fail-fast "${arguments[@]}" >>"$log" 2>&1 || true
        # A file that is not told to have run is as good as broken.
        for test in "${arguments[@]}"; do
            [ "$test" = --test ] || grep -q "Running tests/$test.rs" "$log" || echo "$test does not compile"
        done
        awk '/^ *Running tests\// { file = $2; gsub(/^tests\/|\.rs$/, "", file) }
            /^test .* \.\.\. FAILED$/ { print file "::" $2 }
            /^error: test failed, .*process didn.t exit successfully.*signal/ { print file "::" "ends by a signal" }' "$log"
    fi
    cd "$root"
}

# Where Cargo has the sources of the crate $1.
source_of() {
    cargo metadata --format-version=1 --locked | tr ',' '\n' |
        sed -n "s/.*\"manifest_path\":\"\(.*\/$1-[0-9][^/]*\)\/Cargo.toml\".*/\1/p" | head -1
}

[ $# -gt 0 ] || set -- tokio tokio-util rayon
tokio_version=$(basename "$(source_of tokio)")
tokio_version=${tokio_version#tokio-}
status=0
for name in "$@"; do
    features_of "$name" >/dev/null
    source=$(source_of "$name")
    echo "-- ${source##*/}"
    make_package "$name" "$source" renamed
    failures_of "$folder/$name-renamed" | sort -u >"$folder/$name.failed"
    if [ -s "$folder/$name.failed" ]; then
        make_package "$name" "$source" original
        # shellcheck disable=SC2046 # one word for each file
        failures_of "$folder/$name-original" $(sed 's/::.*//; s/ .*//' "$folder/$name.failed" | sort -u) | sort -u >"$folder/$name.failed-too"
        if grep "does not compile" "$folder/$name.failed-too"; then
            echo "error: with the original neither, so this script lacks something; see $folder/$name-original/log" >&2
            exit 1
        fi
        comm -23 "$folder/$name.failed" "$folder/$name.failed-too" >"$folder/$name.counted"
    else
        cp "$folder/$name.failed" "$folder/$name.counted"
    fi
    grep -c '^test .* \.\.\. ok$' "$folder/$name-renamed/log" | sed 's/$/ tests pass/' || true
    sed -n "s/^$name: \(.*\) # .*/\1/p" ci/peer-suites.txt | sort -u >"$folder/$name.listed"
    if ! diff --unified=0 "$folder/$name.listed" "$folder/$name.counted"; then
        echo "error: what fails of $name is not what ci/peer-suites.txt lists; the output is in $folder/$name-renamed/log" >&2
        status=1
    fi
done
exit $status

#!/usr/bin/env bash
# Runs random programs on this library and on CPython 3.14, and compares what they do: 10,000, or as many as are named. Older
# versions lack threads that inherit, and tokens that are context managers; `cargo test` takes the `python3` that is there.
#
# It is `python3.14` if that is installed, or else, on a Debian machine, one of Debian's unstable distribution. That is
# unpacked into `target/debian/python` with the C library that it needs; nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/sourced/debian.sh
. ci/sourced/debian.sh

# Has apt know the packages of unstable and none that is installed, by files of its own.
use_unstable() {
    local lists=$PWD/target/debian/unstable site key=/usr/share/keyrings/debian-archive-keyring.gpg
    site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' | sed -n 1p)
    if [ -z "$site" ] || [ ! -e "$key" ]; then
        echo "this is not a Debian machine: apt knows no packages of Debian's"
        return 1
    fi
    mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
    : >"$lists/status"
    echo "deb [signed-by=$key] $site unstable main" >"$lists/sources.list"
    cat >"$lists/apt.conf" <<CONF
Dir::Etc::sourcelist "$lists/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$lists/lists";
Dir::State::status "$lists/status";
Dir::Cache "$lists/cache";
APT::Sandbox::User "$(id -un)";
CONF
    export APT_CONFIG=$lists/apt.conf
    apt-get update -qq >/dev/null
    export DEBIAN_LISTS_ARE_NEW=1
}

# Sets `python` to the command of Debian's; fails, and says why, if there is none.
use_debian_python() {
    local folder=$PWD/target/debian/python version libraries
    has_debian && use_unstable || return
    version=$(debian_version python3.14)
    if [ -z "$version" ]; then
        echo "Debian has no python3.14 here"
        return 1
    fi
    debian_unpack "$folder" "python3.14=$version"
    # The system's own linker would take the system's C library, which is older.
    libraries=$folder/usr/lib/$(uname -m)-linux-gnu
    python=$folder/python3.14
    cat >"$python" <<WRAPPER
#!/bin/sh
export PYTHONHOME="$folder/usr"
exec $libraries/ld-linux-*.so.* --library-path "$libraries" "$folder/usr/bin/python3.14" "\$@"
WRAPPER
    chmod +x "$python"
}

if ! python=$(command -v python3.14); then
    if ! use_debian_python; then
        echo "skipped: no python3.14 is installed"
        exit 0
    fi
fi
unset APT_CONFIG
CONTEXTVARS_PYTHON=$python CONTEXTVARS_PROGRAMS=${1:-10000} \
    cargo test -p contextvars-tests --test main -- python::differential:: --nocapture

# Chooses the toolchain that `cargo` and `rustc` are of from here on: one of rustup's if there is a fitting one, else, on
# Debian, one unpacked by `ci/debian-toolchain.sh`. To be sourced. Each function fails, and says why, if there is neither.

# Takes Debian's toolchain of version $1, or the newest.
use_debian() {
    local said
    said=$(bash ci/debian-toolchain.sh ${1:+"$1"})
    echo "$said"
    case $said in *skipped:*) return 1 ;; esac
    export PATH="$PWD/target/toolchains/${1:-newest}/bin:$PATH"
}

# Takes the version $1, such as 1.85.
use_version() {
    local found
    found=$(rustup toolchain list 2>/dev/null | sed -n "s/^\($1[.0-9]*-[^ ]*\).*/\1/p" | head -1)
    if [ -z "$found" ]; then
        use_debian "$1"
        return
    fi
    export RUSTUP_TOOLCHAIN=$found
    rustc --version
}

# Takes a compiler that builds the standard library from its sources: rustup's nightly, or the one that NIGHTLY names, with
# the component rust-src, or Debian's, whose stable compiler is allowed what only a nightly is.
use_sources() {
    local sysroot
    if sysroot=$(rustc "+${NIGHTLY:-nightly}" --print sysroot 2>/dev/null) && [ -d "$sysroot/lib/rustlib/src/rust/library" ]; then
        export RUSTUP_TOOLCHAIN=${NIGHTLY:-nightly}
        rustc --version
        return
    fi
    use_debian || return
    export RUSTC_BOOTSTRAP=1
}

# Cargo's subcommands that do not come with it. To be sourced.

# Has the subcommand $1, such as cargo-deny: the one that is installed, or else one built into `target/tools`, of version $2
# or the newest. Fails, and says so, if it cannot be had.
use_tool() {
    local name=$1 version=${2:-}
    export PATH="$PATH:$PWD/target/tools/bin"
    if command -v "$name" >/dev/null; then
        return 0
    fi
    echo "building $name${version:+ $version} into target/tools"
    # For a single use, to optimise it would take longer than it saves.
    if ! env -u RUSTFLAGS -u CARGO_TARGET_DIR cargo install "$name" ${version:+--version "$version"} --quiet --locked --debug \
        --root target/tools --target-dir target/tools/build; then
        echo "skipped: $name is not installed, and cannot be built here"
        return 1
    fi
    # What it was built of is large.
    rm -rf target/tools/build
}

#!/usr/bin/env bash
# Unpacks a Rust toolchain from Debian's packages, for where rustup cannot fetch any: `ci/debian-toolchain.sh 1.85`, or
# without a version the newest. Nothing is installed: it lies in target/toolchains, and the commands of its folder `bin` run
# it. With it come the standard library's sources, LLD, and the runtimes and the symbolizer of the sanitizers.
#
# The other scripts call it through `ci/sourced/toolchain.sh`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/sourced/debian.sh
. ci/sourced/debian.sh

if ! has_debian; then
    echo "skipped: so there is no Rust${1:+ $1} of Debian's"
    exit 0
fi
version=$(debian_version rustc-web "${1:+$1.}")
if [ -z "$version" ]; then
    echo "skipped: Debian has no rustc-web${1:+ $1} here"
    exit 0
fi
folder=$PWD/target/toolchains/${1:-newest}
llvm=$(apt-cache show "libstd-rust-web-${version%%.*}.$(cut -d. -f2 <<<"$version")=$version" | sed -n 's/^Depends:.*libllvm\([0-9]*\).*/\1/p' | head -1)
packages=("rustc-web=$version" "cargo-web=$version" "libstd-rust-web-dev=$version" "rust-web-src=$version")
# The linker for WebAssembly and what the sanitizers need, which the compiler itself does without.
for name in "lld-$llvm" "libclang-rt-$llvm-dev" "llvm-$llvm"; do
    packages+=("$name=$(debian_version "$name")")
done
debian_unpack "$folder" "${packages[@]}"

machine=$(uname -m)
library=$folder/usr/lib/rustlib/$machine-unknown-linux-gnu
mkdir -p "$library/bin" "$folder/bin"
ln -sfn "$folder/usr/lib/llvm-$llvm/bin/lld" "$library/bin/rust-lld"
for sanitizer in asan lsan tsan; do
    for runtime in "$folder/usr/lib/llvm-$llvm"/lib/clang/*/lib/linux/"libclang_rt.$sanitizer-$machine.a"; do
        ln -sfn "$runtime" "$library/lib/librustc-stable_rt.$sanitizer.a"
    done
done
# Debian's programs look for their libraries, such as the compiler's own, in the system's folders. Bash runs them, since
# Debian's sh loses variables with a hyphen in their names, as Cargo's for programs under test can have.
for command in usr/bin/{cargo,rustc,rustdoc} "usr/lib/llvm-$llvm/bin/llvm-symbolizer"; do
    cat >"$folder/bin/${command##*/}" <<WRAPPER
#!/usr/bin/env bash
LD_LIBRARY_PATH="$folder/usr/lib/$machine-linux-gnu:$folder/lib/$machine-linux-gnu\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
export LD_LIBRARY_PATH
exec "$folder/$command" "\$@"
WRAPPER
    chmod +x "$folder/bin/${command##*/}"
done
"$folder/bin/cargo" --version
"$folder/bin/rustc" --version

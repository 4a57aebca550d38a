# Packages of Debian, unpacked into a folder: nothing is installed, and root's rights are not needed. To be sourced.

# Whether there are Debian's packages to fetch; if not, says why. To be called before the others.
has_debian() {
    local tool
    for tool in apt-get apt-cache dpkg-deb; do
        if ! command -v "$tool" >/dev/null; then
            echo "this is not a Debian machine: it has no $tool"
            return 1
        fi
    done
    # A machine that was just set up has no list of the packages, or an old one. Without root's rights, it is what it is.
    if [ "$(id -u)" = 0 ] && [ -z "${DEBIAN_LISTS_ARE_NEW:-}" ]; then
        apt-get update -qq >/dev/null || echo "apt-get update failed: what the lists have is tried"
        export DEBIAN_LISTS_ARE_NEW=1
    fi
}

# The newest version of the package $1, or the newest that begins with $2; nothing if Debian has none.
debian_version() {
    apt-cache madison "$1" | awk -F '|' -v begin="${2:-}" '{ gsub(/ /, "", $2) } index($2, begin) == 1 { print $2 }' |
        sort --version-sort --reverse | sed -n 1p
}

# Unpacks packages, each as NAME=VERSION, into the folder $1, and with them what they depend on that the machine lacks.
debian_unpack() {
    local folder=$1 all
    shift
    if [ "$(cat "$folder/.packages" 2>/dev/null)" = "$*" ]; then
        return 0
    fi
    rm -rf "$folder"
    mkdir -p "$folder/.downloads"
    all=$(apt-get install --simulate --no-install-recommends "$@" |
        sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\{0,1\}(\([^ ]*\) .*/\1=\3/p')
    # What is installed already has no line above, but is asked for all the same.
    # apt would rather be another user than root, who may not write here.
    # shellcheck disable=SC2046,SC2086 # one word for each package
    (cd "$folder/.downloads" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" $(printf '%s\n' $all "$@" | sort --unique))
    local package
    for package in "$folder"/.downloads/*.deb; do
        dpkg-deb --extract "$package" "$folder"
    done
    rm -rf "$folder/.downloads"
    echo "$*" >"$folder/.packages"
}

# The tests of what the unsafe code does, for whatever watches a program closely. To be sourced.

# Runs them with the command that is given, such as `cargo test`: the module `core`, without those of its modules that
# `left_out` names, and the two programs of their own that belong to it. `options` go to the test programs.
left_out=()
options=()
core_tests() {
    local name skipped=()
    for name in "${left_out[@]}"; do skipped+=(--skip "core::$name::"); done
    "$@" -p contextvars-tests --test main -- core:: "${skipped[@]}" "${options[@]}"
    "$@" -p contextvars-tests --test allocators --test carriers -- "${options[@]}"
}

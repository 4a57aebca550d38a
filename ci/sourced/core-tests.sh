# The tests of what the unsafe code does, for whatever watches a program closely. To be sourced.

# Sets `core_tests` to the arguments that have Cargo run them, but for those named, or `nothing`.
core_tests_but() {
    local name
    core_tests=()
    for name in allocators carried_states contexts coroutines disorder freed_contexts held_back lent_scopes lifetimes many_variables panics races \
        reentrancy scope_contexts scoped_variables scopes shared_contexts threads unwinding variables workers; do
        case " $* " in *" $name "*) ;; *) core_tests+=(--test "$name") ;; esac
    done
}

//! CPython's own tests of `contextvars`, case by case: `Lib/test/test_context.py` of Python 3.7 to 3.15.
//!
//! Every case of `ContextTest` is in the table, by its name there: either a test here holds the library to the same
//! promise, or the compiler does (the UI test of that name in `ui-tests/cases/` proves it), or what it tests does not
//! exist in Rust. [`every_case_of_the_installed_pythons_is_accounted_for`] compares the table with the Pythons at hand.
//!
//! | `ContextTest` | here |
//! |---|---|
//! | `test_context_var_new_1` | [`variables::a_variable_has_the_name_it_was_declared_with`]; the name cannot be left out or be of another type, since it is the `static`'s identifier, nor change: UI test `context_var/name_assigned` |
//! | `test_context_var_repr_1` | [`variables::the_debug_output_of_a_variable_names_it`] and [`tokens::the_debug_output_of_a_token_names_its_variable`]; a default is not shown, so it cannot recurse; a used token does not exist: UI test `token/used_twice` |
//! | `test_token_repr_1` | [`tokens::the_debug_output_of_a_token_names_its_variable`] |
//! | `test_context_subclassing_1` | not applicable: structs have no subclasses |
//! | `test_context_new_1` | [`contexts::a_new_context_is_empty`]; an argument does not compile: UI test `context/new_with_an_argument` |
//! | `test_context_new_unhashable_str_subclass` | not applicable: a name is an identifier, and is not hashed |
//! | `test_contextvar_getitem` (3.7) | not applicable: `ContextVar<i32>` names the type of the value, and the compiler reads it |
//! | `test_context_typerrors_1` | UI test `context/key_is_not_a_variable` |
//! | `test_context_get_context_1` | [`contexts::copy_context_returns_a_context`] |
//! | `test_context_run_1` | UI test `context/run_without_function` |
//! | `test_context_run_2` | [`runs::run_returns_what_the_function_returns`]; a closure has its arguments with it |
//! | `test_context_run_3` | [`runs::a_panic_of_the_function_goes_through_run`] and [`runs::an_error_of_the_function_goes_through_run`] |
//! | `test_context_run_4` | [`runs::what_a_run_sets_is_seen_there_and_nowhere_else`] |
//! | `test_context_run_5` | [`runs::a_set_before_a_panic_does_not_leave_the_context`] |
//! | `test_context_run_6` | [`runs::a_set_is_in_the_context_at_once`]; looking into the entered context itself does not compile: UI test `context/read_while_entered` |
//! | `test_context_run_7` | [`runs::a_shared_context_cannot_be_entered_twice`]; with a `Context` it does not compile: UI tests `context/run_inside_run` and `context/run_from_two_threads` |
//! | `test_context_getset_1` | [`variables::get_set_and_reset_in_turn`]; using a token twice does not compile: UI tests `token/used_twice` and `token/copied` |
//! | `test_context_getset_2` | [`tokens::a_token_of_another_variable_is_refused`]; if that has another type it does not compile: UI test `token/of_another_type` |
//! | `test_context_getset_3` | [`variables::a_default_is_in_no_context`] |
//! | `test_context_getset_4` | [`tokens::a_token_of_another_context_is_refused`] |
//! | `test_context_getset_5` | [`variables::a_value_that_can_change_is_changed_where_it_is`] |
//! | `test_context_copy_1` | [`contexts::a_copy_and_its_original_change_apart`] |
//! | `test_context_isinstance` | [`contexts::a_context_has_every_method_of_a_mapping`] |
//! | `test_context_threads_1` | [`threads::ten_threads_do_not_see_each_others_values`] |
//! | `test_context_thread_inherit` | [`threads::a_thread_begins_with_nothing_or_with_the_context_it_is_given`] |
//! | `test_token_contextmanager_with_default` | [`tokens::a_scoped_set_ends_at_the_default`] |
//! | `test_token_contextmanager_without_default` | [`tokens::a_scoped_set_without_default_ends_unset`] |
//! | `test_token_contextmanager_on_exception` | [`tokens::a_scoped_set_ends_with_a_panic`] |
//! | `test_token_contextmanager_reentrant` | not applicable: a guard is one scope; a token in its own hands is used once: UI test `token/used_twice` |
//! | `test_token_contextmanager_multiple_c_set` | [`tokens::a_scoped_set_ends_at_the_old_value_whatever_was_set_meanwhile`] |
//! | `test_token_contextmanager_with_explicit_reset_the_same_token` | UI test `token/guard_reset_by_hand` |
//! | `test_token_contextmanager_with_explicit_reset_another_token` | [`tokens::a_reset_within_a_scoped_set_goes_back_to_its_value`] |
//! | `test_context_eq_reentrant_contextvar_set` | [`contexts::a_comparison_may_set_variables_in_the_contexts_compared`] |
//! | `test_context_eq_reentrant_contextvar_set_in_hash` | not applicable: neither variables nor values are hashed |
//!
//! `HamtTest` tests the map that CPython keeps its values in. Ours is another, a radix trie on small numbers, so its
//! promises are tested where it is, in `contextvars/src/state/trie/tests.rs`, against a persistent hash map:
//!
//! | `HamtTest` | there |
//! |---|---|
//! | `test_hashkey_helper_1` | not applicable: keys are numbers, without hash |
//! | `test_hamt_basics_1`, `test_hamt_basics_2`, `test_hamt_basics_4` | `a_map_of_any_history_equals_the_oracle`, `a_clone_and_its_original_change_apart` |
//! | `test_hamt_basics_3` | not applicable: a set to the same value is a set like any other |
//! | `test_hamt_collision_1`, `test_hamt_collision_3` | not applicable: no two variables have one number; for the deepest trie `the_highest_id_has_a_place` |
//! | `test_hamt_stress` | `a_map_of_any_history_equals_the_oracle`; hashing and comparing keys cannot fail |
//! | `test_hamt_delete_1`, `test_hamt_delete_2`, `test_hamt_delete_3`, `test_hamt_delete_4`, `test_hamt_delete_5` | `a_map_of_any_history_equals_the_oracle` |
//! | `test_hamt_items_1`, `test_hamt_items_2`, `test_hamt_items_3`, `test_hamt_keys_1` | `values_come_in_the_order_of_their_ids` |
//! | `test_hamt_eq_1`, `test_hamt_eq_2` | [`contexts::contexts_are_equal_if_their_variables_are`] below: equality is that of contexts |
//! | `test_hamt_gc_1`, `test_hamt_gc_2` | not applicable: nothing is traced; `every_value_is_dropped_once` |
//! | `test_hamt_in_1`, `test_hamt_getitem_1` | `a_map_of_any_history_equals_the_oracle` |

mod contexts;
mod runs;
mod table;
mod threads;
mod tokens;
mod variables;

//! `dcontext`: values by their names, looked up in a chain of scopes.

use std::sync::Once;

use dcontext::{AttachGuard, RegistryBuilder, attach_store, fork, set_context_variable};

/// The name of the number; the seven others.
pub(crate) const NUMBER: &str = "number";
const OTHERS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

/// Makes a context current that has the number and seven others.
pub(crate) fn enter_context_of_8() -> AttachGuard {
    static REGISTRY: Once = Once::new();
    REGISTRY.call_once(|| {
        let mut builder = RegistryBuilder::new();
        // The variant of a key that is meant for quick reads.
        builder.register_with::<i32>(NUMBER, dcontext::RegistrationOptions::cached);
        for other in OTHERS {
            builder.register::<i32>(other);
        }
        dcontext::initialize(builder);
    });
    let entered = attach_store(fork());
    set_context_variable(NUMBER, 1);
    for (other, value) in OTHERS.into_iter().zip(0..) {
        set_context_variable(other, value);
    }
    entered
}

pub(crate) fn read() -> Option<i32> {
    dcontext::get_context_variable(NUMBER)
}

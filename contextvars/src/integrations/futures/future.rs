//! `FusedFuture`, which `select!` of futures-util requires of a future that it polls by reference.

use futures_core::FusedFuture;

use crate::task::InContext;

impl<F: FusedFuture> FusedFuture for InContext<F> {
    fn is_terminated(&self) -> bool {
        self.has_ended() || self.call_inside_copy(F::is_terminated)
    }
}

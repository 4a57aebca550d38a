//! The crates and languages beside which the library is measured, one file each: how a value is declared with them,
//! set, read, and carried along.

pub(crate) mod cpython;
pub(crate) mod dcontext;
pub(crate) mod fastrace;
pub(crate) mod fluid_let;
pub(crate) mod opentelemetry;
pub(crate) mod scoped_tls;
pub(crate) mod thread_local;
pub(crate) mod tokio_task_local;
pub(crate) mod tracing;

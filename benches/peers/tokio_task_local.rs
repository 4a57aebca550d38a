//! `tokio::task_local!`: one thread-local for each variable, swapped in and out by each scope.

use std::sync::Arc;

tokio::task_local! {
    pub(crate) static NUMBER: i32;
    pub(crate) static TEXT: String;
    pub(crate) static SHARED: Arc<str>;
    pub(crate) static A: i32;
    pub(crate) static B: i32;
    pub(crate) static C: i32;
    pub(crate) static D: i32;
}

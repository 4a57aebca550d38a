//! `scoped-tls`: a thread-local that lends a reference for the length of a call.

use scoped_tls::scoped_thread_local;

scoped_thread_local!(pub(crate) static NUMBER: i32);
scoped_thread_local!(pub(crate) static A: i32);
scoped_thread_local!(pub(crate) static B: i32);
scoped_thread_local!(pub(crate) static C: i32);
scoped_thread_local!(pub(crate) static D: i32);

//! `std::thread_local!`: as fast as it gets, and shared by all tasks of a thread.

use std::cell::{Cell, RefCell};

thread_local! {
    pub(crate) static NUMBER: Cell<i32> = const { Cell::new(1) };
    pub(crate) static TEXT: RefCell<String> = RefCell::new("a request's id".to_owned());
}

//! The memory that a line is put together in.

use std::cell::Cell;
use std::mem;

/// An empty text: the one that the thread keeps, unless a line is being put together in it already.
pub(super) struct Buffer {
    pub(super) text: String,
}

thread_local! {
    static KEPT: Cell<String> = const { Cell::new(String::new()) };
}

impl Buffer {
    /// More than most lines need. What has grown larger is freed, or one long line would take its memory for good.
    const MOST_KEPT: usize = 4096;

    pub(super) fn take() -> Self {
        // A thread that ends has none any more.
        Self { text: KEPT.try_with(Cell::take).unwrap_or_default() }
    }
}

/// After a panic, too: what was written by then is forgotten.
impl Drop for Buffer {
    fn drop(&mut self) {
        let mut text = mem::take(&mut self.text);
        if text.capacity() <= Self::MOST_KEPT {
            text.clear();
            let _ = KEPT.try_with(|kept| kept.set(text));
        }
    }
}

//! The memory in which a line is put together.

use std::cell::Cell;
use std::mem;

/// An empty string: the one that the thread keeps, or a new one if that is in use.
pub(super) struct Buffer {
    pub(super) text: String,
}

thread_local! {
    static KEPT: Cell<String> = const { Cell::new(String::new()) };
}

impl Buffer {
    /// More than most lines need. A larger buffer is freed, so that one long line does not hold its memory forever.
    const MOST_KEPT: usize = 4096;

    pub(super) fn take() -> Self {
        // A thread that is ending has none.
        Self { text: KEPT.try_with(Cell::take).unwrap_or_default() }
    }
}

/// Also after a panic: the text written so far is discarded.
impl Drop for Buffer {
    fn drop(&mut self) {
        let mut text = mem::take(&mut self.text);
        if text.capacity() <= Self::MOST_KEPT {
            text.clear();
            let _ = KEPT.try_with(|kept| kept.set(text));
        }
    }
}

//! Log output kept in memory, to be looked at.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// What was written so far; clones write to the same place.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    /// What was written, which is forgotten then.
    pub(crate) fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).expect("logs are UTF-8")
    }

    /// The lines that were written, which are forgotten then.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.take().lines().map(str::to_owned).collect()
    }
}

impl io::Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

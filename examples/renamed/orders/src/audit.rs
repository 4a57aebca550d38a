//! Notes that are taken beside the work, by tasks for which nobody waits until the program ends.

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::task::TaskTracker;

use crate::log;

/// Takes notes in tasks of its own.
#[derive(Clone)]
pub struct Notebook {
    tasks: TaskTracker,
    notes: UnboundedSender<String>,
}

impl Notebook {
    /// A notebook that sends each note on.
    #[must_use]
    pub fn new(notes: UnboundedSender<String>) -> Self {
        Self { tasks: TaskTracker::new(), notes }
    }

    /// Notes something down, some time.
    pub fn note(&self, what: &'static str) {
        let notes = self.notes.clone();
        self.tasks.spawn(async move {
            tokio::task::yield_now().await;
            // Nobody may want the notes any more.
            let _ = notes.send(log(what));
        });
    }

    /// Waits until everything is noted.
    pub async fn close(self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contextvars::with_context;
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn a_note_says_whose_it_is() {
        let (sender, mut notes) = mpsc::unbounded_channel();
        let notebook = Notebook::new(sender);
        with_context!(crate::REQUEST_ID = 7, { notebook.note("sold") });
        notebook.close().await;
        assert_eq!(notes.recv().await.as_deref(), Some("[7] sold"));
    }
}

//! A queue of jobs in a file of `SQLite`.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::Result;

/// A queue for any number of processes that enqueue, and one that works. (With several, a job would say until when it is
/// taken, instead of being taken back when the worker starts.)
pub(crate) struct Queue(Connection);

/// A job that this process is to run.
pub(crate) struct Job {
    pub(crate) number: i64,
    pub(crate) payload: String,
    /// How often it was begun, this time included.
    pub(crate) attempt: u32,
}

impl Queue {
    /// Makes a file with an empty queue.
    pub(crate) fn create(file: &Path) -> Result<Self> {
        let queue = Self(Connection::open(file)?);
        let table = "CREATE TABLE job (payload TEXT NOT NULL, attempts INTEGER DEFAULT 0, is_taken INTEGER DEFAULT 0)";
        queue.0.execute(table, ())?;
        Ok(queue)
    }

    pub(crate) fn open(file: &Path) -> Result<Self> {
        Ok(Self(Connection::open(file)?))
    }

    pub(crate) fn enqueue(&self, payload: &str) -> Result {
        self.0.execute("INSERT INTO job (payload) VALUES (?1)", [payload])?;
        Ok(())
    }

    /// Takes the oldest job, if there is one: from now on it counts as begun, whatever becomes of this process.
    pub(crate) fn take(&self) -> Result<Option<Job>> {
        let statement = "UPDATE job SET is_taken = 1, attempts = attempts + 1
            WHERE rowid = (SELECT min(rowid) FROM job WHERE NOT is_taken) RETURNING rowid, payload, attempts";
        let job = self.0.query_row(statement, (), |row| {
            Ok(Job { number: row.get(0)?, payload: row.get(1)?, attempt: row.get(2)? })
        });
        Ok(job.optional()?)
    }

    pub(crate) fn done(&self, number: i64) -> Result {
        self.0.execute("DELETE FROM job WHERE rowid = ?1", [number])?;
        Ok(())
    }

    /// Takes back what a worker that is no more has left undone.
    pub(crate) fn take_back(&self) -> Result {
        self.0.execute("UPDATE job SET is_taken = 0", ())?;
        Ok(())
    }
}

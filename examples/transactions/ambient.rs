//! Ambient transactions: code asks for the database, and gets the transaction around it, if there is one.
//!
//! The recipe is the variable below, declared with `inherit = false`. Code that a transaction calls, or awaits, finds
//! it. What it spawns does not: a task, a thread or a job may outlive the transaction, and must not write into it, nor
//! keep its connection, nor see its rows before they are there for everybody.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, fs, process};

use contextvars::{ContextExt, context_var, copy_context};
use rusqlite::{Connection, Result};

/// The connection whose transaction the code at hand is part of.
#[context_var(inherit = false)]
static TRANSACTION: SharedConnection;

/// Branches of a `join!` within one transaction take turns.
type SharedConnection = Arc<Mutex<Connection>>;

fn lock(connection: &SharedConnection) -> MutexGuard<'_, Connection> {
    // SQLite sees to it that a connection is usable after a panic.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A `SQLite` database in a folder of its own, which goes when this is dropped.
pub(crate) struct Database {
    folder: PathBuf,
}

impl Database {
    /// Creates an empty database and its tables.
    pub(crate) fn create(tables: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ambient-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let database = Self { folder: env::temp_dir().join(name) };
        fs::create_dir(&database.folder).expect("the folder for temporary files can be written");
        let connection = database.open()?;
        // Readers do not wait for writers, nor see what is not committed.
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(tables)?;
        Ok(database)
    }

    fn open(&self) -> Result<Connection> {
        let connection = Connection::open(self.folder.join("database"))?;
        connection.busy_timeout(Duration::from_secs(60))?;
        Ok(connection)
    }

    /// Calls `f` with the transaction's connection, or, where there is no transaction, with one of its own.
    ///
    /// Statements block the thread, briefly.
    pub(crate) fn run<R>(&self, f: impl FnOnce(&Connection) -> Result<R>) -> Result<R> {
        match TRANSACTION.try_get() {
            Ok(connection) => f(&lock(&connection)),
            Err(_) => f(&self.open()?),
        }
    }

    /// Makes a transaction of all that `work` does, which is undone if `work` returns an error, panics, or is dropped
    /// before it is done. Within another transaction, `work` is part of that one.
    pub(crate) async fn transaction<R, E>(&self, work: impl Future<Output = Result<R, E>>) -> Result<R, E>
    where
        E: From<rusqlite::Error>,
    {
        if TRANSACTION.is_set() {
            return work.await;
        }
        let open = Open::begin(self)?;
        let connection = open.connection.clone();
        let result = work.in_context(copy_context().with(&TRANSACTION, connection)).await?;
        open.commit()?;
        Ok(result)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // What is left is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A transaction that is rolled back unless it is committed.
struct Open {
    connection: SharedConnection,
}

impl Open {
    fn begin(database: &Database) -> Result<Self> {
        let connection = database.open()?;
        connection.execute_batch("BEGIN")?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    fn commit(self) -> Result<()> {
        lock(&self.connection).execute_batch("COMMIT")
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let connection = lock(&self.connection);
        if !connection.is_autocommit() {
            // If this fails, closing the connection rolls back.
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
}

//! Orders in a file of `SQLite`. Each is the job to ship it, too.

use std::path::Path;
use std::sync::Arc;

use contextvars::tokio::sync::{Mutex, Notify};
use contextvars::tokio::task::spawn_blocking;
use rusqlite::{Connection, OptionalExtension};
use tracing::instrument;

use crate::error::Result;
use crate::{REQUEST_ID, TENANT, jobs};

#[derive(Clone)]
pub(crate) struct Database {
    connection: Arc<Mutex<Connection>>,
    /// Is told of each order that is placed.
    pub(crate) placed: Arc<Notify>,
}

impl Database {
    pub(crate) fn open(file: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, request TEXT, tenant TEXT, lamps INTEGER,
                 context TEXT, attempts INTEGER DEFAULT 0, state TEXT DEFAULT 'placed');
             CREATE INDEX IF NOT EXISTS placed ON orders (id) WHERE state = 'placed';
             -- Jobs that were begun by a process that has ended since.
             UPDATE orders SET state = 'placed' WHERE state = 'begun';",
        )?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), placed: Arc::default() })
    }

    /// Calls `f` on a thread for blocking work, in the context and the span of the caller.
    async fn run<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R> {
        let connection = self.connection.clone().lock_owned().await;
        Ok(spawn_blocking(move || f(&connection)).await??)
    }

    /// Stores an order of the current request, even if that is given up meanwhile, and returns its number.
    pub(crate) async fn place(&self, lamps: u32) -> Result<i64> {
        let placed = self.placed.clone();
        self.run(move |db| insert(db, lamps).inspect(|_| placed.notify_one())).await
    }

    /// Begins the oldest job, if there is one, and returns its order, its context, and how often it was begun.
    pub(crate) async fn begin(&self) -> Result<Option<(i64, String, u32)>> {
        let statement = "UPDATE orders SET state = 'begun', attempts = attempts + 1
            WHERE id = (SELECT min(id) FROM orders WHERE state = 'placed') RETURNING id, context, attempts";
        self.run(|db| db.query_row(statement, (), |row| row.try_into()).optional()).await
    }

    pub(crate) async fn done(&self, order: i64) -> Result<usize> {
        self.run(move |db| db.execute("UPDATE orders SET state = 'shipped' WHERE id = ?1", [order])).await
    }
}

#[instrument(skip(db), fields(request, tenant))]
fn insert(db: &Connection, lamps: u32) -> rusqlite::Result<i64> {
    let row = (REQUEST_ID.get().to_string(), TENANT.get(), lamps, jobs::saved_context());
    db.execute("INSERT INTO orders (request, tenant, lamps, context) VALUES (?1, ?2, ?3, ?4)", row)?;
    Ok(db.last_insert_rowid())
}

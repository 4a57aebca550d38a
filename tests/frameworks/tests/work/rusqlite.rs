//! rusqlite on the threads for blocking work.

use std::sync::{Arc, Mutex};

use contextvars::{tokio, with_context};
use rusqlite::Connection;

use super::TENANT;

use contextvars::tokio::task::spawn_blocking;

async fn invoices(db: Arc<Mutex<Connection>>) -> rusqlite::Result<Vec<String>> {
    let rows = spawn_blocking(move || {
        let db = db.lock().unwrap();
        let mut query = db.prepare("SELECT title FROM invoice WHERE tenant = ?1")?;
        query.query_map([TENANT.get()], |row| row.get(0))?.collect()
    });
    rows.await.unwrap()
}

fn database() -> Arc<Mutex<Connection>> {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(
        "CREATE TABLE invoice (tenant TEXT, title TEXT);
         INSERT INTO invoice VALUES ('acme', 'lamps for acme'), ('globex', 'lamps for globex');",
    )
    .unwrap();
    Arc::new(Mutex::new(db))
}

#[contextvars::test(flavor = "multi_thread")]
async fn a_blocking_query_reads_the_rows_of_its_requests_tenant() {
    let db = database();
    let mut requests = tokio::task::JoinSet::new();
    for tenant in ["acme", "globex"].into_iter().cycle().take(100) {
        let db = db.clone();
        requests.spawn(with_context!(TENANT = tenant.to_owned(), async move {
            assert_eq!(invoices(db).await.unwrap(), [format!("lamps for {tenant}")]);
        }));
    }
    assert_eq!(requests.join_all().await.len(), 100);
}

#[contextvars::test]
async fn with_tokios_own_spawn_blocking_the_query_has_no_tenant() {
    let request =
        with_context!(TENANT = "acme".to_owned(), async { ::tokio::task::spawn_blocking(|| TENANT.try_get()).await });
    assert!(request.await.unwrap().is_err());
}

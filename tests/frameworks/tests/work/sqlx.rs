//! sqlx with SQLite: what a query selects is decided by the request that makes it.

use std::str::FromStr;
use std::sync::mpsc;

use contextvars::{tokio, with_context};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::TENANT;

async fn invoices(pool: &SqlitePool) -> sqlx::Result<Vec<String>> {
    let query = sqlx::query_scalar("SELECT title FROM invoice WHERE tenant = ?");
    query.bind(TENANT.get()).fetch_all(pool).await
}

/// A database in memory, which is that of its only connection.
async fn database(options: SqlitePoolOptions) -> SqlitePool {
    let memory = SqliteConnectOptions::from_str("sqlite::memory:").unwrap();
    let pool = options.max_connections(1).connect_with(memory).await.unwrap();
    sqlx::query("CREATE TABLE invoice (tenant TEXT, title TEXT)").execute(&pool).await.unwrap();
    for tenant in ["acme", "globex"] {
        let insert = sqlx::query("INSERT INTO invoice VALUES (?, ?)");
        insert.bind(tenant).bind(format!("lamps for {tenant}")).execute(&pool).await.unwrap();
    }
    pool
}

#[contextvars::test(flavor = "multi_thread")]
async fn each_request_reads_the_rows_of_its_tenant_through_one_pool() {
    let pool = database(SqlitePoolOptions::new()).await;
    let mut requests = tokio::task::JoinSet::new();
    for tenant in ["acme", "globex"].into_iter().cycle().take(100) {
        let pool = pool.clone();
        requests.spawn(with_context!(TENANT = tenant.to_owned(), async move {
            let rows = tokio::spawn(async move { invoices(&pool).await.unwrap() }).await.unwrap();
            assert_eq!(rows, [format!("lamps for {tenant}")]);
        }));
    }
    assert_eq!(requests.join_all().await.len(), 100);
}

#[contextvars::test]
async fn a_query_in_a_task_that_does_not_inherit_panics_and_reads_no_rows_of_others() {
    let pool = database(SqlitePoolOptions::new()).await;
    let request = with_context!(TENANT = "acme".to_owned(), async {
        // tokio's own.
        ::tokio::spawn(async move { invoices(&pool).await }).await
    });
    let panic = request.await.unwrap_err().into_panic();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("no value for context variable `TENANT`"), "{message}");
}

#[contextvars::test]
async fn a_callback_before_a_checkout_has_the_request_and_one_after_it_has_none() {
    let (sender, seen) = mpsc::channel();
    let sender_of_checkout = sender.clone();
    let options = SqlitePoolOptions::new()
        .before_acquire(move |_, _| {
            sender_of_checkout.send(("before", TENANT.try_get().ok())).unwrap();
            Box::pin(async { Ok(true) })
        })
        .after_release(move |_, _| {
            sender.send(("after", TENANT.try_get().ok())).unwrap();
            Box::pin(async { Ok(true) })
        });
    let pool = database(options).await;
    let request = with_context!(TENANT = "globex".to_owned(), async { drop(pool.acquire().await.unwrap()) });
    request.await;
    // The only connection is available again.
    drop(pool.acquire().await.unwrap());
    let seen: Vec<_> = seen.try_iter().skip_while(|(_, tenant)| tenant.is_none()).take(2).collect();
    assert_eq!(seen, [("before", Some("globex".to_owned())), ("after", None)]);
}

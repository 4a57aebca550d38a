//! bb8: connections are opened in tasks of the pool, and checked in the task of the request.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bb8::{ManageConnection, RunError};
use contextvars::{tokio, with_context};

use super::TENANT;

/// A connection that has a setting, as a session of a database does.
#[derive(Default)]
struct Connection {
    opened_for: Option<String>,
    tenant: String,
}

impl Connection {
    fn set_tenant(&mut self, tenant: String) {
        self.tenant = tenant;
    }
}

#[derive(Clone, Default)]
struct Manager {
    /// Whether it reads a variable to open a connection.
    needs_tenant: bool,
    checked_for: Arc<Mutex<Vec<Option<String>>>>,
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = Infallible;

    async fn connect(&self) -> Result<Connection, Infallible> {
        assert!(!self.needs_tenant || TENANT.with(|tenant| !tenant.is_empty()));
        Ok(Connection { opened_for: TENANT.try_get().ok(), ..Connection::default() })
    }

    async fn is_valid(&self, _: &mut Connection) -> Result<(), Infallible> {
        self.checked_for.lock().unwrap().push(TENANT.try_get().ok());
        Ok(())
    }

    fn has_broken(&self, _: &mut Connection) -> bool {
        false
    }
}

async fn handle(pool: &bb8::Pool<Manager>) -> String {
    let mut connection = pool.get().await.unwrap();
    connection.set_tenant(TENANT.get());
    tokio::task::yield_now().await;
    connection.tenant.clone()
}

#[contextvars::test(flavor = "multi_thread")]
async fn a_connection_is_told_the_tenant_at_each_checkout() {
    let pool = bb8::Pool::builder().max_size(2).build(Manager::default()).await.unwrap();
    let mut requests = tokio::task::JoinSet::new();
    for tenant in ["acme", "globex"].into_iter().cycle().take(100) {
        let pool = pool.clone();
        requests.spawn(with_context!(TENANT = tenant.to_owned(), async move {
            assert_eq!(handle(&pool).await, tenant);
        }));
    }
    assert_eq!(requests.join_all().await.len(), 100);
}

#[contextvars::test]
async fn a_connection_is_opened_in_a_task_without_values_and_checked_in_the_request() {
    let manager = Manager::default();
    let pool = bb8::Pool::builder().max_size(1).build(manager.clone()).await.unwrap();
    for tenant in ["acme", "globex"] {
        let request = with_context!(TENANT = tenant.to_owned(), async { pool.get().await.unwrap().opened_for.clone() });
        assert_eq!(request.await, None);
    }
    assert_eq!(*manager.checked_for.lock().unwrap(), [Some("acme".to_owned()), Some("globex".to_owned())]);
}

#[contextvars::test]
async fn without_it_a_connection_has_the_tenant_of_the_request_before() {
    let pool = bb8::Pool::builder().max_size(1).build(Manager::default()).await.unwrap();
    with_context!(TENANT = "acme".to_owned(), async { handle(&pool).await }).await;
    let next = with_context!(TENANT = "globex".to_owned(), async { pool.get().await.unwrap().tenant.clone() });
    assert_eq!(next.await, "acme");
}

#[contextvars::test(start_paused = true)]
async fn a_manager_that_reads_a_variable_to_connect_opens_no_connection() {
    let manager = Manager { needs_tenant: true, ..Manager::default() };
    let pool = bb8::Pool::builder().build(manager).await.unwrap();
    let request = with_context!(TENANT = "acme".to_owned(), async { pool.get().await.err() });
    assert!(matches!(request.await, Some(RunError::TimedOut)));
}

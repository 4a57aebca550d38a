//! deadpool: connections are opened and recycled in the task of the request; blocking ones are used on other threads.

use std::convert::Infallible;

use contextvars::{inherit_context, tokio, with_context};
use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleResult};
use deadpool_sync::SyncWrapper;

use super::TENANT;

/// A connection with the tenant for whom it was opened.
struct Connection {
    opened_for: Option<String>,
}

/// Opens connections that block, as `deadpool_sqlite` and `deadpool_diesel` do.
struct Blocking;

impl Manager for Blocking {
    type Type = SyncWrapper<Connection>;
    type Error = Infallible;

    async fn create(&self) -> Result<Self::Type, Infallible> {
        let opened_for = TENANT.try_get().ok();
        SyncWrapper::new(Runtime::Tokio1, || Ok(Connection { opened_for })).await
    }

    async fn recycle(&self, _: &mut Self::Type, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

async fn handle(connection: &Object<Blocking>) -> String {
    let mut context = inherit_context();
    let rows = connection.interact(move |connection| context.run(|| invoices(connection)));
    rows.await.unwrap()
}

fn invoices(_: &mut Connection) -> String {
    format!("invoices of {}", TENANT.get())
}

#[contextvars::test(flavor = "multi_thread")]
async fn a_blocking_function_has_the_context_that_it_is_given() {
    let pool = Pool::builder(Blocking).max_size(2).build().unwrap();
    let mut requests = tokio::task::JoinSet::new();
    for tenant in ["acme", "globex"].into_iter().cycle().take(100) {
        let pool: Pool<Blocking> = pool.clone();
        requests.spawn(with_context!(TENANT = tenant.to_owned(), async move {
            let connection = pool.get().await.unwrap();
            assert_eq!(handle(&connection).await, format!("invoices of {tenant}"));
        }));
    }
    assert_eq!(requests.join_all().await.len(), 100);
}

#[contextvars::test]
async fn without_it_the_function_has_no_tenant_and_the_connection_has_that_of_the_first_request() {
    let pool: Pool<Blocking> = Pool::builder(Blocking).max_size(1).build().unwrap();
    for tenant in ["acme", "globex"] {
        let request = with_context!(TENANT = tenant.to_owned(), async {
            let connection = pool.get().await.unwrap();
            connection.interact(|connection| (connection.opened_for.clone(), TENANT.try_get().ok())).await.unwrap()
        });
        assert_eq!(request.await, (Some("acme".to_owned()), None));
    }
}

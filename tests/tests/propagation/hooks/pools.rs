//! What real pools and clients spawn keeps nothing of the request that happens to open them.

use std::convert::Infallible;
use std::time::Duration;

use bb8::{ManageConnection, Pool};
use contextvars::tokio::Inheritance;
use contextvars::{Context, ContextExt, context_var};
use tonic::transport::Endpoint;

use super::{REQUEST_ID, single_threaded};
use crate::support::{Census, Citizen};

#[context_var]
static OWNED: Citizen;

/// How many values of a request are alive when it is over and what it opened is still there; and what is open.
fn kept_by<K>(inheritance: Inheritance, request: impl AsyncFnOnce() -> K) -> (usize, K) {
    let runtime = single_threaded(inheritance);
    let census = Census::new();
    let context = Context::new().with(&REQUEST_ID, 7).with(&OWNED, census.citizen());
    let opened = runtime.block_on(async { request().await }.in_context(context));
    (census.alive(), opened)
}

/// Opens connections that know in whose context they were opened.
struct Opener;

impl ManageConnection for Opener {
    type Connection = u64;
    type Error = Infallible;

    async fn connect(&self) -> Result<u64, Infallible> {
        Ok(REQUEST_ID.get())
    }

    async fn is_valid(&self, _: &mut u64) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u64) -> bool {
        false
    }
}

/// Builds a pool, whose reaper lives as long as the pool, and takes a connection out of it.
async fn pool_and_whose_connection() -> (Pool<Opener>, u64) {
    let pool = Pool::builder().idle_timeout(Some(Duration::from_secs(100))).build_unchecked(Opener);
    let opened_in = *pool.get().await.expect("it opens");
    (pool, opened_in)
}

#[test]
fn a_pool_of_bb8_keeps_nothing_of_the_request_that_builds_it_and_opens_connections_in_an_empty_context() {
    let (alive, (_pool, opened_in)) = kept_by(Inheritance::new(), pool_and_whose_connection);
    assert_eq!((alive, opened_in), (0, 0));
    let (alive, (_pool, opened_in)) = kept_by(Inheritance::of_all(), pool_and_whose_connection);
    assert_eq!((alive, opened_in), (1, 7));
}

#[test]
fn a_channel_of_tonic_keeps_nothing_of_the_request_that_makes_it() {
    // Its worker begins at once, before there is a connection.
    let channel = async || Endpoint::from_static("http://[::1]:1").connect_lazy();
    assert_eq!(kept_by(Inheritance::new(), channel).0, 0);
    assert_eq!(kept_by(Inheritance::of_all(), channel).0, 1);
}

#[test]
fn a_client_that_is_made_in_an_empty_context_keeps_nothing_whatever_it_is() {
    let channel = async || Context::new().run(|| Endpoint::from_static("http://[::1]:1").connect_lazy());
    assert_eq!(kept_by(Inheritance::of_all(), channel).0, 0);
    let pool = async || pool_and_whose_connection().in_context(Context::new()).await;
    let (alive, (_pool, opened_in)) = kept_by(Inheritance::of_all(), pool);
    assert_eq!((alive, opened_in), (0, 0));
}

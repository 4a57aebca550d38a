//! Ambient transactions on a real `SQLite` database: what is in them, and what must not be.

#[path = "../transactions/ambient.rs"]
mod ambient;
mod support;

use std::panic;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use ambient::Database;
use contextvars::{Context, ContextExt, copy_context, rayon, thread, tokio};
use support::example;
use tokio::sync::Barrier;

/// An error of the application, with which a transaction is undone.
#[derive(Debug, PartialEq)]
enum Failed {
    OnPurpose,
    In(rusqlite::Error),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::In(error)
    }
}

fn database() -> Arc<Database> {
    Arc::new(Database::create("CREATE TABLE note (text TEXT NOT NULL)").expect("a database"))
}

impl Database {
    fn write(&self, text: &str) {
        self.run(|connection| connection.execute("INSERT INTO note VALUES (?1)", [text])).expect("it is written");
    }

    fn notes(&self) -> Vec<String> {
        let read = self.run(|connection| {
            let mut query = connection.prepare("SELECT text FROM note ORDER BY rowid")?;
            query.query_map([], |row| row.get(0))?.collect()
        });
        read.expect("it can be read")
    }
}

#[test]
fn the_example_keeps_the_audit_of_a_transfer_that_is_undone() {
    let output = example("transactions").output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "ada's transfer of 30 is done\n\
         mallory's transfer of 1000 is undone: CHECK constraint failed: balance >= 0\n\
         ada has 70\n\
         grace has 30\n\
         audit: ada transfers 30\n\
         audit: mallory transfers 1000\n"
    );
}

#[tokio::test]
async fn a_transaction_is_seen_from_within_and_only_when_it_is_done_from_elsewhere() {
    let database = database();
    let result = database
        .transaction(async {
            database.write("one");
            tokio::task::yield_now().await;
            database.write("two");
            assert_eq!(database.notes(), ["one", "two"]);
            let elsewhere = Context::new().run(|| database.notes());
            assert!(elsewhere.is_empty());
            Ok::<_, Failed>(7)
        })
        .await;
    assert_eq!(result, Ok(7));
    assert_eq!(database.notes(), ["one", "two"]);
}

#[tokio::test]
async fn an_error_undoes_the_transaction() {
    let database = database();
    let result = database.transaction(async {
        database.write("lost");
        Err::<(), _>(Failed::OnPurpose)
    });
    assert_eq!(result.await, Err(Failed::OnPurpose));
    assert!(database.notes().is_empty());
}

#[tokio::test]
async fn a_panic_undoes_the_transaction() {
    let database = database();
    let in_task = database.clone();
    let task = tokio::spawn(async move {
        let work = async {
            in_task.write("lost");
            panic::resume_unwind(Box::new("boom"))
        };
        in_task.transaction::<(), Failed>(work).await
    });
    assert!(task.await.expect_err("it panics").is_panic());
    assert!(database.notes().is_empty());
}

#[test]
fn a_transaction_that_is_dropped_half_way_is_undone() {
    let database = database();
    {
        let work = async {
            database.write("lost");
            std::future::pending::<Result<(), Failed>>().await
        };
        let mut transaction = pin!(database.transaction(work));
        let mut cx = task::Context::from_waker(Waker::noop());
        assert_eq!(transaction.as_mut().poll(&mut cx), Poll::Pending);
    }
    assert!(database.notes().is_empty());
    database.write("nobody holds the lock");
}

#[tokio::test]
async fn a_transaction_within_another_is_part_of_it() {
    let database = database();
    let result = database.transaction(async {
        database
            .transaction(async {
                database.write("inner");
                Ok::<_, Failed>(())
            })
            .await?;
        assert_eq!(database.notes(), ["inner"]);
        Err::<(), _>(Failed::OnPurpose)
    });
    assert_eq!(result.await, Err(Failed::OnPurpose));
    assert!(database.notes().is_empty());
}

#[tokio::test]
async fn two_transactions_at_once_are_two() {
    let database = database();
    let both_begun = Barrier::new(2);
    let writing = database.transaction(async {
        database.write("written");
        both_begun.wait().await;
        both_begun.wait().await;
        Ok::<_, Failed>(database.notes())
    });
    let reading = database.transaction(async {
        both_begun.wait().await;
        let seen = database.notes();
        both_begun.wait().await;
        Ok::<_, Failed>(seen)
    });
    let (writing, reading) = tokio::join!(writing, reading);
    assert_eq!(writing, Ok(vec!["written".to_owned()]));
    assert_eq!(reading, Ok(vec![]));
}

/// Lets `work`, in a transaction that will be undone, have something written; returns what stays.
async fn what_stays<F>(work: impl FnOnce(Arc<Database>) -> F) -> Vec<String>
where
    F: Future<Output = ()>,
{
    let database = database();
    let result = database.transaction(async {
        work(database.clone()).await;
        database.write("by the transaction");
        Err::<(), _>(Failed::OnPurpose)
    });
    assert_eq!(result.await, Err(Failed::OnPurpose));
    database.notes()
}

#[tokio::test]
async fn what_a_transaction_awaits_is_part_of_it() {
    let stays = what_stays(|database| async move { database.write("by a call") });
    assert!(stays.await.is_empty());
}

#[tokio::test]
async fn what_a_transaction_spawns_is_not_part_of_it() {
    let stays = what_stays(|database| async move {
        tokio::spawn(async move { database.write("by a task") }).await.expect("it does not panic");
    });
    assert_eq!(stays.await, ["by a task"]);

    let stays = what_stays(|database| async move {
        let job = tokio::task::spawn_blocking(move || database.write("by the blocking pool"));
        job.await.expect("it does not panic");
    });
    assert_eq!(stays.await, ["by the blocking pool"]);

    let stays = what_stays(|database| async move {
        thread::spawn(move || database.write("by a thread")).join().expect("it does not panic");
    });
    assert_eq!(stays.await, ["by a thread"]);

    let stays = what_stays(|database| async move {
        rayon::join(|| database.write("by a job"), || ());
    });
    assert_eq!(stays.await, ["by a job"]);
}

#[tokio::test]
async fn a_copy_of_the_whole_context_brings_a_task_into_the_transaction() {
    // For once on purpose: the task is awaited before the transaction ends.
    let stays = what_stays(|database| async move {
        let work = async move { database.write("by a task") };
        tokio::spawn(work.in_context(copy_context())).await.expect("it does not panic");
    });
    assert!(stays.await.is_empty());
}

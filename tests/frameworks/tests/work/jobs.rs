//! A queue of jobs in a table, read by a worker that knows no request.

use contextvars::baggage::Baggage;
use contextvars::{Context, ContextExt, tokio, with_context};
use rusqlite::Connection;

use super::TENANT;

/// What is written into the queue.
struct Job {
    invoice: u32,
    context: String,
}

fn job(invoice: u32) -> Job {
    let (saved, left_out) = Baggage::current();
    left_out.iter().for_each(|it| eprintln!("{it}"));
    Job { invoice, context: saved.to_string() }
}

async fn run(Job { invoice, context }: Job) -> String {
    let (saved, malformed) = Baggage::parse([context]);
    let (context, wrong) = saved.apply(Context::new());
    malformed.iter().chain(&wrong).for_each(|it| eprintln!("{it}"));
    send_invoice(invoice).in_context(context).await
}

async fn send_invoice(invoice: u32) -> String {
    tokio::task::yield_now().await;
    format!("invoice {invoice} of {}", TENANT.get_or("-".to_owned()))
}

/// Writes a job of each tenant into a queue, and returns the jobs that are read from it.
fn through_the_queue() -> Vec<Job> {
    let queue = Connection::open_in_memory().unwrap();
    queue.execute("CREATE TABLE job (invoice INTEGER, context TEXT)", ()).unwrap();
    for (tenant, invoice) in [("acme", 17), ("globex, Inc.", 18)] {
        let job = with_context!(TENANT = tenant.to_owned(), { job(invoice) });
        queue.execute("INSERT INTO job VALUES (?1, ?2)", (job.invoice, job.context)).unwrap();
    }
    let mut jobs = queue.prepare("SELECT invoice, context FROM job ORDER BY invoice").unwrap();
    let jobs = jobs.query_map((), |row| Ok(Job { invoice: row.get(0)?, context: row.get(1)? })).unwrap();
    jobs.map(Result::unwrap).collect()
}

#[contextvars::test(flavor = "multi_thread")]
async fn a_job_has_the_values_of_the_request_that_enqueued_it_and_not_those_of_its_neighbour() {
    let running: Vec<_> = through_the_queue().into_iter().map(|job| tokio::spawn(run(job))).collect();
    let mut done = Vec::new();
    for job in running {
        done.push(job.await.unwrap());
    }
    assert_eq!(done, ["invoice 17 of acme", "invoice 18 of globex, Inc."]);
}

#[contextvars::test]
async fn a_job_without_a_saved_context_has_the_values_of_its_worker() {
    let [job, _] = <[Job; 2]>::try_from(through_the_queue()).ok().unwrap();
    assert_eq!(send_invoice(job.invoice).await, "invoice 17 of -");
    let in_a_request = with_context!(TENANT = "globex".to_owned(), async { send_invoice(17).await });
    assert_eq!(in_a_request.await, "invoice 17 of globex");
}

#[contextvars::test]
async fn a_job_whose_context_cannot_be_read_is_run_without_it() {
    let job = Job { invoice: 19, context: "tenant;=acme,,=?".to_owned() };
    assert_eq!(run(job).await, "invoice 19 of -");
}

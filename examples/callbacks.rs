//! Callbacks of other libraries that know whose they are: a function in SQL, a panic hook, jobs of a thread pool.
//!
//! A callback may have any signature, so it is a closure of your own around `run_copy`; a job, which is called once, is
//! `wrap_once`.

use std::panic::{self, PanicHookInfo};
use std::sync::mpsc;

use contextvars::{Context, context_var, inherit_context, thread, with_context};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use threadpool::ThreadPool;

#[context_var(default = "nobody")]
static TENANT: &'static str;
#[context_var(default = 0)]
static REQUEST_ID: u64;

/// A database in which `tenant()` is the tenant of whoever has opened it.
fn open() -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    let ctx = inherit_context();
    // The argument is lent, so its type is named here, in the closure.
    let tenant = move |_: &rusqlite::functions::Context<'_>| ctx.run_copy(|| Ok(TENANT.get()));
    db.create_scalar_function("tenant", 0, FunctionFlags::SQLITE_UTF8, tenant)?;
    Ok(db)
}

/// From now on, panics are reported with the name of the service, and with the request of the panicking code.
fn report_panics(service: Context) {
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        let request = REQUEST_ID.get(); // of whoever panics: the hook runs there
        let service = service.run_copy(|| TENANT.get()); // of whoever has set the hook
        let message = info.payload().downcast_ref::<&str>().unwrap_or(&"?");
        println!("panic: {message:?} in request {request} of {service}");
    }));
}

fn main() -> rusqlite::Result<()> {
    let db = with_context!(TENANT = "acme", { open() })?;
    let tenant: String = db.query_row("select tenant()", [], |row| row.get(0))?;
    println!("SQL: {tenant}");

    // A job for a pool that knows nothing of contexts is called once.
    let pool = ThreadPool::new(1);
    pool.execute(thread::mark_as_worker);
    let (report, reports) = mpsc::channel();
    for id in 1..=2 {
        let report = report.clone();
        let job = move || report.send(REQUEST_ID.get()).expect("main listens");
        with_context!(REQUEST_ID = id, { pool.execute(inherit_context().wrap_once(job)) });
    }
    drop(report);
    println!("jobs: {:?}", reports.iter().collect::<Vec<_>>());

    // A callback that counts is a closure, too: `FnMut`.
    let mut sum = 0;
    let ctx = Context::new().with(&REQUEST_ID, 7);
    (1..=3).for_each(|n| ctx.run_copy(|| sum += n * REQUEST_ID.get()));
    println!("sum: {sum}");

    report_panics(Context::new().with(&TENANT, "the service"));
    let job = Context::new().with(&REQUEST_ID, 9).wrap_once(|| panic!("no stock"));
    let _ = std::thread::spawn(job).join();
    Ok(())
}

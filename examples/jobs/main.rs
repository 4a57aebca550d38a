//! Jobs in a queue in `SQLite` that know whose they are: in another process, after a restart, and when another version of
//! the program has put them there.
//!
//! Run it with `cargo run --example jobs`. It starts itself as a server that handles two requests, each of which enqueues
//! a job; as an older version of the program, which does the same in its own way; and twice as a worker. The first worker
//! is killed in the middle of a job, which the second then runs again. The recipe is in `saved.rs` beside this file.

mod queue;
mod saved;

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};

use contextvars::tracing::ContextFormat;
use contextvars::{context_var, with_context};
use queue::Queue;
use tracing::level_filters::LevelFilter;
use tracing::{error, info};
use tracing_subscriber::fmt;

/// Tells the requests apart. Goes over HTTP, and to jobs.
#[context_var(log = "request", baggage = "request-id")]
static REQUEST_ID: u64;

/// Who pays for the request. Goes over HTTP, and to jobs.
#[context_var(log = "tenant", baggage = "tenant")]
static TENANT: String;

/// Where the tenant's data is. Goes over HTTP, and to jobs. Once it was a text.
#[context_var(log = "shard", baggage = "shard")]
static SHARD: u8;

/// How much is to be logged about the request. Goes over HTTP, and not to jobs.
#[context_var(baggage = "log-level")]
static LOG_LEVEL: LevelFilter;

/// On whose behalf the request is. Goes to jobs, and not over HTTP.
#[context_var(log = "user")]
static USER: String;

/// How often the job was begun. Goes nowhere.
#[context_var(log = "attempt")]
static ATTEMPT: u32;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// What a handler of requests does. Neither it nor the job names the request.
fn order(queue: &Queue, number: u64) -> Result {
    info!("order {number} came in");
    queue.enqueue(&saved::payload(number)?)
}

fn serve(queue: &Queue) -> Result {
    with_context!(REQUEST_ID = 7, TENANT = "acme".to_owned(), SHARD = 3, USER = "ada".to_owned(), {
        order(queue, 17)
    })?;
    with_context!(REQUEST_ID = 8, TENANT = "globex,co".to_owned(), LOG_LEVEL = LevelFilter::DEBUG, { order(queue, 18) })
}

/// What an older version enqueued: its shards were texts, it had campaigns, numbers for users, and a bug.
fn serve_as_older_version(queue: &Queue) -> Result {
    queue.enqueue(
        r#"{"order": 5, "priority": 1, "user": 12, "context": "request-id=4,shard=eu-1,campaign=spring,=?"}"#,
    )?;
    queue.enqueue(r#"{"order": 6}"#)?;
    queue.enqueue("{")
}

/// Runs all jobs that are there. With `waits`, in the middle of each it waits for a line of input.
fn work(queue: &Queue, waits: bool) -> Result {
    while let Some(job) = queue.take()? {
        let (order, context) = match saved::restored(&job.payload) {
            Ok(restored) => restored,
            Err(error) => {
                error!("job {} stays in the queue: {error}", job.number);
                continue;
            }
        };
        context.with(&ATTEMPT, job.attempt).run(|| -> Result {
            info!("the invoice for order {order} is begun");
            if waits {
                io::stdin().lock().read_line(&mut String::new())?;
            }
            info!("the invoice for order {order} is sent");
            queue.done(job.number)
        })?;
    }
    Ok(())
}

/// This program in another role.
fn start(role: &str, file: &Path) -> Result<Child> {
    Ok(Command::new(env::current_exe()?).arg(role).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
}

/// Prints what a process logs, until a line has `last` in it or the process ends.
fn show(role: &str, process: &mut Child, last: Option<&str>) -> Result {
    for line in BufReader::new(process.stdout.as_mut().ok_or("its output is piped")?).lines() {
        let line = line?;
        println!("{role:13} | {line}");
        if last.is_some_and(|last| line.contains(last)) {
            return Ok(());
        }
    }
    if process.wait()?.success() { Ok(()) } else { Err(format!("the {role} failed").into()) }
}

fn run_all(file: &Path) -> Result {
    for role in ["server", "older version"] {
        show(role, &mut start(role, file)?, None)?;
    }
    let mut worker = start("worker that waits", file)?;
    show("first worker", &mut worker, Some("is begun"))?;
    worker.kill()?;
    worker.wait()?;
    show("second worker", &mut start("worker", file)?, None)
}

fn main() -> Result {
    let format = fmt().with_ansi(false).without_time().with_target(false);
    format.map_event_format(ContextFormat::line).init();
    let mut arguments = env::args().skip(1);
    let (role, file) = (arguments.next(), arguments.next().map(PathBuf::from));
    match (role.as_deref(), file) {
        (None, _) => {
            let file = env::temp_dir().join(format!("contextvars-jobs-{}.sqlite", process::id()));
            Queue::create(&file)?;
            let result = run_all(&file);
            std::fs::remove_file(&file)?;
            result
        }
        (Some("server"), Some(file)) => serve(&Queue::open(&file)?),
        (Some("older version"), Some(file)) => serve_as_older_version(&Queue::open(&file)?),
        (Some(role @ ("worker" | "worker that waits")), Some(file)) => {
            let queue = Queue::open(&file)?;
            queue.take_back()?;
            work(&queue, role == "worker that waits")
        }
        _ => Err("write `jobs` without arguments: it starts the other processes by itself".into()),
    }
}

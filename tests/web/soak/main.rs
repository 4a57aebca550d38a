//! A server and its clients, kept busy with a million requests: no value crosses from one to another, and memory stays
//! as it is.
//!
//! ```text
//! cargo run --release -p contextvars-web-tests --example soak              # a million requests
//! cargo run --release -p contextvars-web-tests --example soak -- 50000
//! ```
//!
//! The requests come over sockets of this machine, half of them by HTTP/1.1 and half by HTTP/2. They spawn tasks, block,
//! hand jobs to rayon, stream bodies in and out, panic, and are left by their clients before the response or in the
//! middle of it. Every piece of code checks whose values it sees, those included that run while something is dropped. A
//! round is a hundredth of the requests; after it nothing may be left of them, and what is allocated is counted.

mod clients;
mod memory;
mod server;
mod values;

use std::env;
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use contextvars::tokio;
use memory::Memory;

/// Into how many rounds the requests are divided.
const ROUNDS: u64 = 100;

/// The round whose end the rounds that follow are compared with.
const WARM: u64 = 10;

/// No request for so long: something waits for what does not come.
const PATIENCE: Duration = Duration::from_secs(120);

/// No run takes longer.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

fn main() {
    let requests = match env::args().nth(1) {
        Some(text) => text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number of requests")),
        None => 1_000_000,
    };
    let (done, watched) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || watch(&watched));
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).max_blocking_threads(16).enable_all().build();
    let runtime = runtime.expect("a runtime can be had");
    runtime.block_on(soak(requests));
    drop(runtime);
    drop(done);
    watchdog.join().expect("the watchdog does not panic");
}

async fn soak(requests: u64) {
    let began = Instant::now();
    let addr = server::serve().await;
    let mut warm = None;
    for round in 1..=ROUNDS {
        let first = requests * (round - 1) / ROUNDS;
        // No request has the number 0, which is the default.
        clients::round(addr, first + 1..requests * round / ROUNDS + 1).await;
        server::nothing_is_left().await;
        let memory = Memory::now();
        if round % 10 == 0 {
            println!("{:>8} requests, {:>6.1?} s: {memory}", clients::done(), began.elapsed().as_secs_f64());
        }
        match &warm {
            Some(warm) => memory.assert_flat_since(warm),
            None if round == WARM => warm = Some(memory),
            None => {}
        }
    }
    assert_eq!(clients::done(), requests);
    println!("{requests} requests, {} checks of values, {}", values::checks(), clients::tally());
}

/// Ends the process if it does not get on.
fn watch(until: &mpsc::Receiver<()>) {
    let (began, mut last, mut since) = (Instant::now(), 0, Instant::now());
    while until.recv_timeout(Duration::from_secs(5)) == Err(RecvTimeoutError::Timeout) {
        let done = clients::done();
        if done != last {
            (last, since) = (done, Instant::now());
        }
        if since.elapsed() > PATIENCE || began.elapsed() > LIMIT {
            eprintln!("after {done} requests it does not go on: {}", server::what_is_left());
            process::exit(1);
        }
    }
}

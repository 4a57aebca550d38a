//! Threads that know which request they work for: `use contextvars::thread;` in front of ordinary `std::thread` code.
//!
//! Run it with `cargo run --example threads`.

use std::io;

use contextvars::{context_var, thread, with_context};

#[context_var(default = 0)]
static REQUEST_ID: u64;

/// The price of one piece, as this request's customer pays it.
#[context_var(default = 1)]
static PRICE: u64;

fn log(message: &str) {
    println!("[request {}] {message}", REQUEST_ID.get());
}

fn handle(orders: &mut [u64]) -> io::Result<()> {
    // Scoped threads may borrow: each has a share of the orders.
    thread::scope(|s| {
        for order in orders.iter_mut() {
            s.spawn(|| *order *= PRICE.get());
        }
    });
    log(&format!("priced {} orders", orders.len()));

    let total: u64 = orders.iter().sum();
    let audit = move || {
        let thread = thread::current();
        log(&format!("on a thread named {}: total {total}", thread.name().unwrap_or("?")));
    };
    let auditor = thread::Builder::new().name("auditor".to_owned()).spawn(audit)?;
    auditor.join().map_err(|_| io::Error::other("the auditor panicked"))
}

fn main() -> io::Result<()> {
    let mut orders = [1, 2, 3];
    with_context!(REQUEST_ID = 7, PRICE = 10, { handle(&mut orders) })?;
    log("done");
    Ok(())
}

//! Work that a thread pool does for several tenants at once, each job with its own tenant's settings.
//!
//! Run it with `cargo run --example rayon_context`.

use std::thread;

use contextvars::rayon::prelude::*;
use contextvars::{context_var, rayon, with_context};

/// Whose work the code at hand does.
#[context_var]
static TENANT: &'static str;

/// The tenant's price of a unit, in cents.
#[context_var]
static PRICE: u64;

/// Nobody passes the price to this function.
fn cost(units: u64) -> u64 {
    units * PRICE.get()
}

fn invoice(units: &[u64]) -> String {
    // The two halves may run on different threads; both inherit the context.
    let (total, dearest) = rayon::join(
        || units.par_iter().map(|&n| cost(n)).sum::<u64>(),
        || units.par_iter().map(|&n| cost(n)).max().unwrap_or(0),
    );
    format!("{}: {total} cents in all, the dearest item {dearest}", TENANT.get())
}

fn main() {
    let units: Vec<u64> = (1..=1000).collect();
    // All tenants share rayon's threads at the same time.
    let invoices = thread::scope(|threads| {
        let work = [("ada", 2), ("grace", 3), ("katherine", 5)].map(|(tenant, price)| {
            let units = &units;
            threads.spawn(move || with_context!(TENANT = tenant, PRICE = price, { invoice(units) }))
        });
        work.map(|thread| thread.join().expect("an invoice does not panic"))
    });
    for invoice in invoices {
        println!("{invoice}");
    }
}

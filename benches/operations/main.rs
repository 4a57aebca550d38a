//! The library's operations beside those of its peers, one file for each operation.
//!
//! ```text
//! cargo bench -p contextvars-benches --bench operations            # everything
//! cargo bench -p contextvars-benches --bench operations -- poll    # what has this in its name
//! ```

#[path = "../peers/mod.rs"]
mod peers;

mod baggage;
mod copy;
mod iterate;
mod log_line;
mod map;
mod poll;
mod read;
mod run;
mod set;
mod spawn;
mod threads;
mod with_context;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    // Many short measurements: what matters is how peers compare within one run, minutes apart at the most.
    let mut criterion = Criterion::default()
        .sample_size(40)
        .warm_up_time(Duration::from_millis(150))
        .measurement_time(Duration::from_millis(600))
        .nresamples(1000)
        .configure_from_args();
    read::bench(&mut criterion);
    set::bench(&mut criterion);
    copy::bench(&mut criterion);
    run::bench(&mut criterion);
    with_context::bench(&mut criterion);
    poll::bench(&mut criterion);
    iterate::bench(&mut criterion);
    log_line::bench(&mut criterion);
    map::bench(&mut criterion);
    spawn::bench(&mut criterion);
    threads::bench(&mut criterion);
    baggage::bench(&mut criterion);
    criterion.final_summary();
}

//! [`install_panic_hook`]: each panic writes the variables of the code that panicked.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::context::{Context, copy_context};
use crate::variable::Variable;

/// How long the panicking thread waits for the line to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many threads are displaying values for longer than that, or writing them.
static LATE: AtomicUsize = AtomicUsize::new(0);

/// While so many threads are late, no value is displayed: each would block one more.
const MOST_LATE: usize = 3;

thread_local! {
    /// Whether the line of a panic on this thread is written already, or this thread writes that of another.
    static IS_WRITTEN: Cell<bool> = const { Cell::new(false) };
}

/// Installs a panic hook that writes the variables declared with `log` to the standard error stream, with the values
/// that they have in the panicking code, and then calls the hook that was installed before.
///
/// The line is `context variables of the panic: ` and the variables as a [`Context`] displays them, without redacted
/// values. If none of them is set, no line is written.
///
/// Call it once, at the start of the program. There is one hook for the process: one that is installed afterwards and
/// does not call this one replaces it.
///
/// In a hook a second panic aborts the process, and a `Display` may panic or wait for a lock that the panicking code
/// holds. So a separate thread displays the values, in a context that has these variables only, and writes the line. If
/// a `Display` panics, fails, or takes longer than a second, the line has the names without values; so it has while
/// three threads wait for values that take longer. So each panic also costs the start of a thread.
///
/// With `panic = "abort"`, the hook that was installed before is called first, since a `Display` that panics ends the
/// process there. Called twice, the function has no further effect.
///
/// # Panics
/// If the thread is panicking.
///
/// # Examples
///
/// ```
/// use contextvars::{context_var, install_panic_hook, with_context};
///
/// #[context_var(log)]
/// static REQUEST_ID: u64;
///
/// # fn main() {
/// install_panic_hook();
/// let result = std::panic::catch_unwind(|| {
///     with_context!(REQUEST_ID = 7, { panic!("no stock") })
/// });
/// // Written: context variables of the panic: REQUEST_ID=7
/// assert!(result.is_err());
/// # }
/// ```
pub fn install_panic_hook() {
    let installed = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let was_written = IS_WRITTEN.replace(true);
        if cfg!(panic = "abort") {
            installed(info);
        }
        if !was_written {
            write_variables();
        }
        if cfg!(not(panic = "abort")) {
            installed(info);
        }
        IS_WRITTEN.set(was_written);
    }));
}

fn write_variables() {
    let mut logged = copy_context();
    logged.retain(|variable, _| variable.is_logged());
    if logged.is_empty() {
        return;
    }
    let names: Vec<_> = logged.keys().map(Variable::name).collect();
    let names = format!("{} (their values cannot be displayed)", names.join(", "));
    let instead = names.clone();
    if LATE.load(Ordering::Relaxed) < MOST_LATE && on_another_thread(move || displayed(logged).unwrap_or(instead)) {
        return;
    }
    // On another thread as well: some thread may hold the lock of the stream, and wait for this one.
    on_another_thread(move || names);
}

/// Returns the context's `Display`, written in the context itself, or `None` if a value panics or fails.
fn displayed(mut context: Context) -> Option<String> {
    let values = context.clone();
    let display = || {
        let mut text = String::new();
        write!(text, "{values}").ok().map(|()| text)
    };
    let text = panic::catch_unwind(AssertUnwindSafe(|| context.run(display)));
    // Before the panicking thread continues, so that the last owner of its values is that thread.
    drop((values, context));
    text.ok().flatten()
}

/// Calls `f` on another thread, which writes the line with what it returns. Returns `false` if `f` takes too long, or
/// if the thread cannot be started.
fn on_another_thread(f: impl FnOnce() -> String + Send + 'static) -> bool {
    let (sender, receiver) = mpsc::sync_channel(1);
    // Set by the first of the two that is done: that thread, or this one, which has waited long enough.
    let is_over = Arc::new(AtomicBool::new(false));
    let given_up = Arc::clone(&is_over);
    let work = move || {
        IS_WRITTEN.set(true);
        let line = format!("context variables of the panic: {}\n", f());
        if !given_up.load(Ordering::Relaxed) {
            // An error of this write cannot be reported anywhere, nor that the panicking thread has stopped waiting.
            let _ = io::stderr().write_all(line.as_bytes());
            let _ = sender.send(());
        }
        if given_up.swap(true, Ordering::Relaxed) {
            LATE.fetch_sub(1, Ordering::Relaxed);
        }
    };
    if thread::Builder::new().name("contextvars-panic".to_owned()).spawn(work).is_err() {
        return false;
    }
    let is_written = receiver.recv_timeout(PATIENCE).is_ok();
    if !is_written {
        LATE.fetch_add(1, Ordering::Relaxed);
        if is_over.swap(true, Ordering::Relaxed) {
            LATE.fetch_sub(1, Ordering::Relaxed);
        }
    }
    is_written
}

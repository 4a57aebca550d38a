//! [`install_panic_hook`]: each panic writes the variables of the code that panicked.

use std::cell::Cell;
use std::io::{self, Write};
use std::panic;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::context::{Context, copy_context};
use crate::variable::Variable;

/// How long the panicking thread waits for its values to be displayed.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    /// Whether this thread displays the values for another one that panics.
    static DISPLAYS: Cell<bool> = const { Cell::new(false) };
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
/// holds. So the values are displayed on a separate thread, in a copy of the context. If one of them panics, or if that
/// takes more than a second, the names are written without values. So each panic also costs the start of a thread.
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
        write_variables();
        installed(info);
    }));
}

fn write_variables() {
    if DISPLAYS.get() {
        return;
    }
    let context = copy_context();
    let mut logged = context.clone();
    logged.retain(|variable, _| variable.is_logged());
    if logged.is_empty() {
        return;
    }
    let names: Vec<_> = logged.keys().map(Variable::name).collect();
    let text = displayed_elsewhere(context, logged);
    let text = text.unwrap_or_else(|| format!("{} (their values cannot be displayed)", names.join(", ")));
    let line = format!("context variables of the panic: {text}\n");
    // An error of this write cannot be reported anywhere.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Displays `logged` in `context`, on another thread. Returns `None` if a value panics or takes too long, or if the
/// thread cannot be started.
fn displayed_elsewhere(mut context: Context, logged: Context) -> Option<String> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let display = move || {
        DISPLAYS.set(true);
        let text = context.run(|| logged.to_string());
        // Dropped before the panicking thread continues, so that the last owner of its values is that thread.
        drop((context, logged));
        // The panicking thread may have stopped waiting.
        let _ = sender.send(text);
    };
    thread::Builder::new().name("contextvars-panic".to_owned()).spawn(display).ok()?;
    receiver.recv_timeout(PATIENCE).ok()
}

//! `install_panic_hook`: each panic names the variables of the panicking code, and calls the hook that was there. A hook is
//! the process's, so each case runs in a process of its own, which is one of the ignored tests here.

use std::fmt;
use std::io::{Write, stdin};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

use contextvars::{Context, ContextExt, context_var, install_panic_hook, thread, tokio, with_context};

use crate::support::process::{passed, running};

#[context_var(log = "request_id")]
static REQUEST: u64;

#[context_var(log)]
static TENANT: &'static str;

#[context_var(log, redact)]
static PASSWORD: &'static str;

#[context_var]
static UPLOAD: &'static str;

#[context_var(log)]
static BROKEN: Broken;

#[context_var(log)]
static LOCKED: Locked;

/// Panics when it is displayed.
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it cannot be displayed")
    }
}

static LOCK: Mutex<u32> = Mutex::new(5);

/// Waits for a lock when it is displayed.
struct Locked;

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", LOCK.lock().map_or(0, |number| *number))
    }
}

const LINE: &str = "context variables of the panic: ";

fn child(case: &str) -> Command {
    let mut command = running(module_path!(), case);
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(case: &str) -> Output {
    passed(child(case).output().expect("a test runs"))
}

/// What the hook wrote, and what the hook before wrote, in their order.
fn written(case: &str) -> Vec<String> {
    let text = String::from_utf8(run(case).stderr).expect("UTF-8");
    let is_of_a_hook = |line: &&str| line.starts_with(LINE) || line.starts_with("before: ");
    text.lines().filter(is_of_a_hook).map(|line| line.strip_prefix(LINE).unwrap_or(line).to_owned()).collect()
}

/// Installs the hook after one that writes a line of its own.
fn install() {
    panic::set_hook(Box::new(|info| {
        eprintln!("before: {}", info.payload().downcast_ref::<&str>().unwrap_or(&"?"));
    }));
    install_panic_hook();
}

fn panicking(f: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
}

#[test]
fn a_panic_shows_what_is_declared_with_log_in_the_panicking_task_and_nothing_else_and_then_calls_the_hook_before() {
    let mut written = written("tasks_panic");
    assert_eq!(written.len(), 8, "{written:?}");
    let mut tasks = Vec::new();
    for pair in written.chunks_mut(2) {
        assert!(pair[1].starts_with("before: "), "{pair:?}");
        tasks.push(pair.join("; "));
    }
    let expected = [
        "REQUEST=1, TENANT=acme, PASSWORD=<redacted>; before: no stock",
        "REQUEST=2; before: no stock",
        "TENANT=blocking; before: no stock",
        "REQUEST=3; before: no stock",
    ];
    assert_eq!(tasks, expected);
}

#[test]
#[ignore = "is run by another test"]
fn tasks_panic() {
    install();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let no_stock = async || -> () {
        tokio::task::yield_now().await;
        panic!("no stock")
    };
    runtime.block_on(async {
        let first = Context::new().with(&REQUEST, 1).with(&TENANT, "acme").with(&PASSWORD, "hunter2");
        let first = first.with(&UPLOAD, "a megabyte");
        assert!(tokio::spawn(no_stock().in_context(first)).await.is_err());
        // What the task itself has set.
        let second = async move {
            REQUEST.set(2);
            no_stock().await;
        };
        assert!(tokio::spawn(second).await.is_err());
        let third = with_context!(TENANT = "blocking", { tokio::task::spawn_blocking(|| panic!("no stock")) });
        let third: Result<(), _> = third.await;
        assert!(third.is_err());
    });
    let fourth = Context::new().with(&REQUEST, 3).run(|| thread::spawn(|| panic!("no stock")).join());
    let fourth: Result<(), _> = fourth;
    assert!(fourth.is_err());
}

#[test]
fn where_nothing_is_to_be_shown_only_the_hook_before_is_called() {
    assert_eq!(written("nothing_is_set"), ["before: in no context", "before: in one", "before: after one"]);
}

#[test]
#[ignore = "is run by another test"]
fn nothing_is_set() {
    install();
    panicking(|| panic!("in no context"));
    Context::new().with(&UPLOAD, "a megabyte").run(|| panicking(|| panic!("in one")));
    Context::new().with(&REQUEST, 1).run(|| ());
    panicking(|| panic!("after one"));
}

#[test]
fn a_value_that_panics_when_it_is_displayed_aborts_nothing_and_its_panic_is_reported_as_any() {
    let expected = [
        "before: it cannot be displayed",
        "REQUEST, BROKEN (their values cannot be displayed)",
        "before: no stock",
        "REQUEST=2",
        "before: and on",
    ];
    assert_eq!(written("a_broken_value"), expected);
}

#[test]
#[ignore = "is run by another test"]
fn a_broken_value() {
    install();
    let ctx = || Context::new().with(&REQUEST, 1);
    ctx().with(&BROKEN, Broken).run(|| panicking(|| panic!("no stock")));
    ctx().with(&REQUEST, 2).run(|| panicking(|| panic!("and on")));
}

#[test]
fn a_value_that_waits_for_the_panicking_code_is_given_up() {
    let expected = ["LOCKED (their values cannot be displayed)", "before: no stock", "LOCKED=0", "before: and on"];
    assert_eq!(written("a_locked_value"), expected);
}

#[test]
#[ignore = "is run by another test"]
fn a_locked_value() {
    install();
    let panic_with_the_lock = || {
        let _guard = LOCK.lock().unwrap();
        panic!("no stock")
    };
    Context::new().with(&LOCKED, Locked).run(|| panicking(panic_with_the_lock));
    Context::new().with(&LOCKED, Locked).run(|| panicking(|| panic!("and on")));
}

#[test]
fn panics_whose_values_wait_keep_nothing_alive_but_what_is_shown_and_block_few_threads() {
    let lines = written("many_locked_values");
    assert_eq!(lines.iter().filter(|line| line.contains("cannot be displayed")).count(), 6, "{lines:?}");
}

#[test]
#[ignore = "is run by another test"]
fn many_locked_values() {
    install();
    let guard = LOCK.lock().unwrap();
    let upload = Arc::new(());
    for _ in 0..6 {
        let mut ctx = Context::new().with(&LOCKED, Locked).with(&KEPT, Arc::clone(&upload));
        ctx.run(|| panicking(|| panic!("no stock")));
    }
    assert_eq!(Arc::strong_count(&upload), 1);
    #[cfg(target_os = "linux")]
    {
        let waiting = || {
            let names = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path().join("comm"));
            let names = names.filter_map(|name| std::fs::read_to_string(name).ok());
            names.filter(|name| name.starts_with("contextvars-pan")).count()
        };
        // The thread that has written the last line may not have ended yet.
        let end = Instant::now() + Duration::from_secs(60);
        while waiting() > 3 && Instant::now() < end {
            std::thread::yield_now();
        }
        assert_eq!(waiting(), 3);
    }
    drop(guard);
}

#[context_var]
static KEPT: Arc<()>;

#[test]
fn a_hook_that_is_installed_twice_writes_the_line_once() {
    assert_eq!(written("twice"), ["REQUEST=1", "before: no stock"]);
}

#[test]
#[ignore = "is run by another test"]
fn twice() {
    install();
    install_panic_hook();
    Context::new().with(&REQUEST, 1).run(|| panicking(|| panic!("no stock")));
}

#[test]
fn a_value_whose_display_fails_is_given_up() {
    assert_eq!(written("a_failing_value"), ["FAILING (their values cannot be displayed)", "before: no stock"]);
}

struct Failing;

impl fmt::Display for Failing {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

#[context_var(log)]
static FAILING: Failing;

#[test]
#[ignore = "is run by another test"]
fn a_failing_value() {
    install();
    Context::new().with(&FAILING, Failing).run(|| panicking(|| panic!("no stock")));
}

#[test]
fn a_thread_that_holds_the_error_stream_and_waits_for_the_panicking_one_is_not_waited_for() {
    run("a_held_stream");
}

#[test]
#[ignore = "is run by another test"]
fn a_held_stream() {
    install_panic_hook();
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let holder = thread::spawn(move || {
        let held = std::io::stderr().lock();
        tell.send(()).unwrap();
        ended.recv().unwrap_err();
        drop(held);
    });
    told.recv().unwrap();
    Context::new().with(&REQUEST, 1).run(|| panicking(|| panic!("no stock")));
    drop(end);
    holder.join().unwrap();
}

#[test]
fn a_panic_is_reported_wherever_the_context_is_at_the_time() {
    let expected = ["REQUEST=1", "REQUEST=2", "REQUEST=3", "REQUEST=5", "TENANT=later"];
    let lines = written("panics_in_odd_places");
    assert_eq!(lines.into_iter().filter(|line| !line.starts_with("before")).collect::<Vec<_>>(), expected);
}

/// Panics when it is dropped.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[context_var]
static PANICS: PanicsOnDrop;

#[test]
#[ignore = "is run by another test"]
fn panics_in_odd_places() {
    install();
    Context::new().with(&REQUEST, 1).run(|| {
        // While a value is read.
        panicking(|| REQUEST.with(|_| panic!("in a read")));
        // In a scope, whose end takes place when the panic was reported.
        panicking(|| with_context!(REQUEST = 2, { panic!("in a scope") }));
        // In a default, which sees an empty context, and so does its panic.
        panicking(|| assert_eq!(DEFAULT.get(), 1));
        // In the destructor of a value that a reset displaces.
        REQUEST.set(3);
        let token = PANICS.set(PanicsOnDrop);
        panicking(|| PANICS.reset(token).unwrap());
    });
    // The destructor of a context's value runs in an empty context; that of a future in the future's.
    panicking(|| drop(Context::new().with(&REQUEST, 4).with(&PANICS, PanicsOnDrop)));
    let dropped = async {
        let _panics = PanicsOnDrop;
        std::future::pending::<()>().await;
    };
    let mut dropped = Box::pin(dropped.in_context(Context::new().with(&REQUEST, 5)));
    let waker = std::task::Waker::noop();
    assert!(dropped.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    panicking(|| drop(dropped));
    panicking(|| {
        TENANT.set("later");
        panic!("in the base context")
    });
}

#[context_var(default = panic!("in a default"))]
static DEFAULT: u32;

#[test]
fn a_panic_is_survived_where_the_error_stream_has_no_reader() {
    let mut child = child("a_closed_stream").spawn().expect("a test runs");
    drop(child.stderr.take());
    child.stdin.take().expect("it is piped").write_all(b"go on\n").expect("it reads");
    passed(child.wait_with_output().expect("it ends"));
}

#[test]
#[ignore = "is run by another test"]
fn a_closed_stream() {
    install_panic_hook();
    let mut line = String::new();
    stdin().read_line(&mut line).unwrap();
    Context::new().with(&REQUEST, 1).run(|| panicking(|| panic!("no reader")));
}

//! Variables as key-values of the records of `log`, as a logger in wide use writes them.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use contextvars::log::ContextLog;
use contextvars::{Context, context_var, copy_context, tokio, with_context};
use log::kv::Key;
use log::{Level, LevelFilter, Log, Metadata, MetadataBuilder, Record};

use crate::support::capture::Capture;

#[context_var(log)]
static REQUEST_ID: u64;

#[context_var(log = "user", default = "nobody".to_owned())]
static USER: String;

#[context_var(log, redact)]
static PASSWORD: String;

#[context_var]
static NOT_LOGGED: i8;

#[context_var(log)]
static CURIOUS: Curious;

/// Its `Display` logs.
struct Curious(Arc<dyn Log>);

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info(&*self.0, "from within a Display");
        f.write_str("yes")
    }
}

/// A logger that writes messages and key-values only.
fn logger() -> (Capture, ContextLog<env_logger::Logger>) {
    let output = Capture::default();
    let logger = env_logger::builder()
        .filter_level(LevelFilter::Info)
        .target(env_logger::Target::Pipe(Box::new(output.clone())))
        .format_timestamp(None)
        .format_target(false)
        .build();
    (output, ContextLog::new(logger))
}

fn record(logger: &dyn Log, level: Level, message: &str, own: &[(&str, u64)]) {
    let builder = &mut Record::builder();
    logger.log(&builder.level(level).target("test").key_values(&own).args(format_args!("{message}")).build());
}

fn info(logger: &dyn Log, message: &str) {
    record(logger, Level::Info, message, &[]);
}

#[test]
fn every_record_has_the_variables_after_its_own_key_values() {
    let (output, logger) = logger();
    Context::new().run(|| {
        info(&logger, "outside");
        with_context!(REQUEST_ID = 7, NOT_LOGGED = 1, {
            info(&logger, "accepted");
            record(&logger, Level::Error, "refused", &[("items", 2)]);
        });
    });
    assert_eq!(
        output.lines(),
        ["[INFO ] outside", "[INFO ] accepted REQUEST_ID=7", "[ERROR] refused items=2 REQUEST_ID=7"]
    );
}

#[test]
fn what_is_unset_is_left_out_and_what_is_redacted_is_not_told() {
    let (output, logger) = logger();
    Context::new().run(|| with_context!(PASSWORD = "hunter2".to_owned(), { info(&logger, "signed in") }));
    assert_eq!(output.lines(), ["[INFO ] signed in PASSWORD=<redacted>"]);
}

#[test]
fn an_allow_list_decides_what_is_shown_and_in_which_order() {
    let (output, logger) = logger();
    let logger = logger.only([USER.variable(), NOT_LOGGED.variable()]);
    Context::new().run(|| {
        with_context!(NOT_LOGGED = -1, REQUEST_ID = 7, USER = "ada".to_owned(), { info(&logger, "accepted") });
    });
    assert_eq!(output.lines(), ["[INFO ] accepted user=ada NOT_LOGGED=-1"]);
}

#[test]
fn the_other_logger_decides_what_is_enabled() {
    let (output, logger) = logger();
    let metadata = |level| -> Metadata<'static> { MetadataBuilder::new().level(level).target("test").build() };
    assert!(logger.enabled(&metadata(Level::Info)) && !logger.enabled(&metadata(Level::Debug)));
    with_context!(REQUEST_ID = 7, { record(&logger, Level::Debug, "not of interest", &[]) });
    assert_eq!(output.take(), "");
}

#[test]
fn a_flush_reaches_the_other_logger() {
    struct Flushed(AtomicUsize);
    impl Log for Flushed {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            false
        }
        fn log(&self, _: &Record<'_>) {}
        fn flush(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    static OTHER: Flushed = Flushed(AtomicUsize::new(0));
    ContextLog::new(&OTHER).flush();
    assert_eq!(OTHER.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_logger_shows_which_variables_it_adds() {
    let (_, logger) = logger();
    assert!(format!("{logger:?}").ends_with("logged: declared with `log` }"));
    let logger = logger.only([USER.variable(), NOT_LOGGED.variable()]);
    assert!(format!("{logger:?}").ends_with(r#"logged: ["USER", "NOT_LOGGED"] }"#));
}

#[test]
fn truth_values_and_fractions_are_passed_as_such() {
    mod typed {
        use contextvars::context_var;
        #[context_var(log)]
        pub(super) static IS_ADMIN: bool;
        #[context_var(log)]
        pub(super) static LOAD: f64;
    }
    /// Notes the values that have the types it looks for.
    struct Typed(&'static Mutex<Vec<(Option<bool>, Option<f64>)>>);
    impl Log for Typed {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &Record<'_>) {
            let value = |key| record.key_values().get(Key::from_str(key)).expect("it is set");
            let found = (value("IS_ADMIN").to_bool(), value("LOAD").to_f64());
            self.0.lock().expect("nobody panics").push(found);
        }
        fn flush(&self) {}
    }
    static FOUND: Mutex<Vec<(Option<bool>, Option<f64>)>> = Mutex::new(Vec::new());
    Context::new().run(|| {
        with_context!(typed::IS_ADMIN = true, typed::LOAD = 0.5, { info(&ContextLog::new(Typed(&FOUND)), "here") });
    });
    assert_eq!(mem::take(&mut *FOUND.lock().expect("nobody panics")), [(Some(true), Some(0.5))]);
}

#[test]
fn a_display_that_logs_is_logged_without_variables_and_once() {
    let (output, logger) = logger();
    let logger: Arc<dyn Log> = Arc::new(logger);
    Context::new().run(|| with_context!(CURIOUS = Curious(Arc::clone(&logger)), { info(&*logger, "hello") }));
    let mut lines = output.lines();
    lines.sort();
    assert_eq!(lines, ["[INFO ] from within a Display", "[INFO ] hello CURIOUS=yes"]);
}

#[test]
fn the_variables_follow_into_tasks_and_threads() {
    let (output, logger) = logger();
    let logger: Arc<dyn Log> = Arc::new(logger);
    let log = |message: &'static str| {
        let logger = Arc::clone(&logger);
        move || info(&*logger, message)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime starts");
    runtime.block_on(async {
        with_context!(REQUEST_ID = 7, async {
            let log_in_task = log("task");
            tokio::spawn(async move { log_in_task() }).await.expect("the task ends");
            tokio::task::spawn_blocking(log("blocking")).await.expect("the closure ends");
            let call = copy_context().wrap(log("wrapped"));
            thread::spawn(call).join().expect("the thread ends");
        })
        .await;
    });
    assert_eq!(
        output.lines(),
        ["[INFO ] task REQUEST_ID=7", "[INFO ] blocking REQUEST_ID=7", "[INFO ] wrapped REQUEST_ID=7"]
    );
}

/// What a logger sees that looks for one key, and at the types.
struct Inspector;

impl Log for Inspector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let pairs = record.key_values();
        assert_eq!(pairs.count(), 3);
        let get = |key: &str| pairs.get(Key::from_str(key));
        assert_eq!(get("items").and_then(|value| value.to_u64()), Some(2));
        assert_eq!(get("REQUEST_ID").and_then(|value| value.to_u64()), Some(7));
        assert_eq!(get("user").map(|value| value.to_string()).as_deref(), Some("ada"));
        assert!(get("NOT_LOGGED").is_none());
    }

    fn flush(&self) {}
}

#[test]
fn a_logger_can_look_for_a_key_and_gets_the_value_with_its_type() {
    Context::new().run(|| {
        with_context!(REQUEST_ID = 7, USER = "ada".to_owned(), NOT_LOGGED = 1, {
            record(&ContextLog::new(Inspector), Level::Info, "accepted", &[("items", 2)]);
        });
    });
}

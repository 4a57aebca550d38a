//! Variables that are declared with one name for log lines: which of them is shown, and who is told.
//!
//! The warning comes once per process, before the first line that leaves one out; so every test here sees to it first.

use std::sync::{LazyLock, Mutex};

use contextvars::log::ContextLog;
use contextvars::tracing::ContextFormat;
use contextvars::{Context, with_context};
use log::kv::Key;
use log::{Log, Metadata, Record};
use tracing::info;
use tracing::subscriber::with_default;
use tracing_subscriber::fmt as format;

use crate::capture::Capture;
use crate::distinct::object;

mod first {
    #[contextvars::context_var(log = "user")]
    pub(super) static USER: &'static str;
}

mod another {
    #[contextvars::context_var(log = "user")]
    pub(super) static NAME: &'static str;
}

/// A third name that nothing else has.
#[contextvars::context_var(log = "tenant")]
static TENANT: &'static str;

/// What was written by the first two events of this process.
static FIRST_OUTPUT: LazyLock<Vec<String>> = LazyLock::new(|| {
    let output = Capture::default();
    let writer = output.clone();
    let lines = format::fmt().with_ansi(false).without_time().with_writer(move || writer.clone());
    let lines = lines.map_event_format(ContextFormat::line).finish();
    Context::new().run(|| {
        // The one that comes second by its declaration is set first.
        another::NAME.set("another");
        with_default(lines, || {
            info!("one");
            first::USER.set("first");
            info!("both");
        });
    });
    output.lines()
});

#[test]
fn a_warning_before_the_first_line_that_leaves_one_out_names_both_declarations_and_their_places() {
    let [one, warning, both] = FIRST_OUTPUT.as_slice() else { panic!("three lines: {:?}", *FIRST_OUTPUT) };
    let of = |variable: &contextvars::Variable| {
        format!("context variable `{}` (declared at {}:{})", variable.name(), variable.file(), variable.line())
    };
    let (first, another) = (of(first::USER.variable()), of(another::NAME.variable()));
    assert_eq!(
        *warning,
        format!(
            " WARN contextvars: {first} and {another} share the name `user` in log lines: of those that are set only \
             the first declared is shown; write another `log = \"name\"` for each"
        )
    );
    assert!(one.ends_with(": one user=another") && both.ends_with(": both user=first"), "{one} {both}");
}

#[test]
fn of_the_declarations_that_share_a_name_the_first_one_that_is_set_is_shown() {
    let _ = &*FIRST_OUTPUT;
    let json = |around: fn(_) -> ContextFormat<_>| {
        let output = Capture::default();
        let writer = output.clone();
        let lines = format::fmt().json().flatten_event(true).with_writer(move || writer.clone());
        (output, lines.map_event_format(around).finish())
    };
    let (output, lines) = json(ContextFormat::flat_json);
    let (nested_output, nested) = json(ContextFormat::json);
    let events = || {
        with_context!(another::NAME = "another", TENANT = "acme", {
            info!("one");
            with_context!(first::USER = "first", { info!("both") });
            info!("one again");
        });
    };
    Context::new().run(|| with_default(lines, events));
    Context::new().run(|| with_default(nested, events));
    let flat: Vec<_> = output.lines().iter().map(|line| object(line)).collect();
    let nested: Vec<_> = nested_output.lines().iter().map(|line| object(line)["context"].clone()).collect();
    for (index, user) in ["another", "first", "another"].into_iter().enumerate() {
        assert_eq!((&flat[index]["user"], &nested[index]["user"]), (&user.into(), &user.into()));
        assert_eq!((&flat[index]["tenant"], &nested[index]["tenant"]), (&"acme".into(), &"acme".into()));
    }
    assert_eq!((flat.len(), nested.len()), (3, 3), "no further warning");
}

#[test]
fn a_record_has_the_first_one_that_is_set_and_no_further_warning() {
    /// Keeps what the key is for.
    #[derive(Default)]
    struct Users(Mutex<Vec<(usize, String)>>);
    impl Log for Users {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &Record<'_>) {
            let pairs = record.key_values();
            let user = pairs.get(Key::from_str("user")).expect("it is set").to_string();
            self.0.lock().expect("nobody panics").push((pairs.count(), user));
        }
        fn flush(&self) {}
    }
    let _ = &*FIRST_OUTPUT;
    let users = Users::default();
    let logger = ContextLog::new(&users);
    let accepted = || logger.log(&Record::builder().args(format_args!("accepted")).build());
    Context::new().run(|| {
        with_context!(another::NAME = "another", {
            accepted();
            with_context!(first::USER = "first", { accepted() });
        });
    });
    let expected = [(1, "another".to_owned()), (1, "first".to_owned())];
    assert_eq!(users.0.into_inner().expect("nobody panics"), expected);
}

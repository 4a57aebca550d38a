//! What errors and panics say: the variable, where it was declared, what to write instead; and where they say it.

use std::error::Error;
use std::panic::PanicHookInfo;
use std::sync::Mutex;

use contextvars::{Context, SharedContext, context_var, copy_context, with_context};

use crate::support::{Panicked, hooked, isolated, named, on_a_thread, panic_of};

#[context_var]
static USER: String;

#[context_var]
static OTHER_USER: String;

#[context_var]
static NEVER_SET: String;

#[context_var(header = "x-messages-tenant")]
static FROM_A_HEADER: String;

#[context_var(baggage = "messages-voucher")]
static FROM_BAGGAGE: String;

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var(default = if TWISTED.get() { 1 } else { 2 })]
static OWN_DEFAULT_S_OTHER_HALF: u32;

#[context_var(default = OWN_DEFAULT_S_OTHER_HALF.get() == 1)]
static TWISTED: bool;

/// The line of a declaration in this file.
fn line_of(declaration: &str) -> u32 {
    let line = include_str!("messages.rs").lines().position(|line| line == declaration);
    u32::try_from(line.expect("it is there")).unwrap() + 1
}

/// Fails unless the message has each of the parts.
#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    let lines: Vec<_> = message.lines().collect();
    assert!(lines.len() <= 3 && !message.ends_with('.'), "{message}");
    assert!(lines.iter().skip(1).all(|line| line.starts_with("help: ")), "{message}");
}

/// Fails unless an error's `Display` has each of the parts, and its `Debug` the same text with the type's name.
#[track_caller]
fn assert_error(error: &impl Error, name: &str, parts: &[&str]) {
    assert_says(&error.to_string(), parts);
    assert_eq!(format!("{error:?}"), format!("{name}({error})"));
    assert!(error.source().is_none());
}

#[test]
fn a_variable_is_named_with_the_place_of_its_declaration() {
    assert_eq!(USER.variable().line(), line_of("static USER: String;"));
    let expected = format!("context variable `USER` (declared at {}:{})", file!(), line_of("static USER: String;"));
    assert_eq!(named(USER.variable()), expected);
}

#[test]
fn a_read_that_finds_nothing_says_how_to_set_and_how_to_ask() {
    isolated(|| {
        let error = NEVER_SET.try_get().unwrap_err();
        let wanted = [
            &*format!("no value for {}: nothing has set it", named(NEVER_SET.variable())),
            "`NEVER_SET.set(..)`",
            "`with_context!(NEVER_SET = .., async move { .. })`",
            "declare a `default`",
            "`NEVER_SET.try_get()`",
            "`NEVER_SET.get_or(..)`",
        ];
        assert_error(&error, "LookupError", &wanted);
        assert_eq!(NEVER_SET.try_with(|_| ()).unwrap_err().to_string(), error.to_string());
    });
}

async fn user() -> Result<String, contextvars::LookupError> {
    std::future::ready(()).await;
    USER.try_get()
}

#[test]
fn a_missed_read_tells_a_scope_that_has_ended_from_one_that_never_was() {
    let left = with_context!(USER = "ada".to_owned(), { user() });
    let error = pollster::block_on(left).unwrap_err();
    let wanted = [
        &*format!(
            "no value for {} here: it was set in another context, or in a scope that has ended",
            named(USER.variable())
        ),
        "`with_context!(USER = .., async move { work().await })`",
        "`contextvars::tokio` (or `rayon`, `thread`)",
        "a plain spawn does not inherit",
    ];
    assert_error(&error, "LookupError", &wanted);
    let right = with_context!(USER = "ada".to_owned(), async move { user().await });
    assert_eq!(pollster::block_on(right).unwrap(), "ada");
}

#[test]
fn a_missed_read_of_a_variable_that_comes_with_a_request_names_the_header_and_the_layer() {
    let error = FROM_A_HEADER.try_get().unwrap_err();
    let of_header =
        ["the request had no header `x-messages-tenant`", "outside of the `HeadersLayer`", "a `ContextLayer`"];
    assert_error(&error, "LookupError", &of_header);
    // After it was set elsewhere, how to spawn is a part of the help, too.
    with_context!(FROM_A_HEADER = "acme".to_owned(), {});
    let error = FROM_A_HEADER.try_get().unwrap_err();
    assert_error(&error, "LookupError", &of_header);
    let of_all = ["in a scope that has ended", "`with_context!(FROM_A_HEADER = .., async move", "`contextvars::tokio`"];
    assert_says(&error.to_string(), &of_all);

    let error = FROM_BAGGAGE.try_get().unwrap_err();
    let of_baggage = ["the request had no member `messages-voucher` in its baggage", "outside of the `BaggageLayer`"];
    assert_error(&error, "LookupError", &of_baggage);
}

#[test]
fn a_reset_with_another_variable_s_token_names_both() {
    isolated(|| {
        let token = OTHER_USER.set(String::new());
        let error = USER.reset(token).unwrap_err();
        let (this, other) = (named(USER.variable()), named(OTHER_USER.variable()));
        let wanted = [&*format!("cannot reset {this} with a token of {other}"), "`OTHER_USER.reset(token)`"];
        assert_error(&error, "ResetError", &wanted);
    });
}

#[test]
fn a_reset_in_another_context_says_where_to_reset() {
    isolated(|| {
        let token = USER.set(String::new());
        let error = copy_context().run(|| USER.reset(token)).unwrap_err();
        let wanted = [
            &*format!("cannot reset {} here", named(USER.variable())),
            "made in another context",
            "`USER.set(..)`",
            "`with_context!(USER = .., { .. })`",
        ];
        assert_error(&error, "ResetError", &wanted);
    });
}

#[test]
fn entering_a_shared_context_twice_says_what_to_do() {
    let shared = SharedContext::new();
    let error = shared.run(|| shared.run(|| ()).unwrap_err()).unwrap();
    assert_error(&error, "EnterError", &["cannot enter the context", "already entered", "`Context::clone`"]);
    assert_eq!(error, shared.run(|| shared.copy().unwrap_err()).unwrap());
}

#[test]
fn indexing_a_context_without_the_variable_says_what_to_do() {
    let panicked = panic_of(|| Context::new()[&NUMBER]);
    let wanted = [
        &*format!("{} is not set in this context", named(NUMBER.variable())),
        "`ctx.get(&NUMBER)`",
        "`Option`",
        "default is not part of any context",
    ];
    assert_says(&panicked.message, &wanted);
}

#[test]
fn panics_say_what_the_errors_of_the_try_methods_say() {
    isolated(|| {
        let error = USER.try_get().unwrap_err().to_string();
        assert_eq!(panic_of(|| USER.get()).message, error);
        assert_eq!(panic_of(|| USER.with(String::len)).message, error);
    });
}

#[test]
fn panics_are_reported_where_the_user_called() {
    #[track_caller]
    fn assert_here(panicked: &Panicked, line: u32) {
        assert_eq!((panicked.file.as_str(), panicked.line), (file!(), line));
    }
    isolated(|| {
        let (get, line) = (panic_of(|| USER.get()), line!());
        assert_here(&get, line);
        let (with, line) = (panic_of(|| USER.with(String::len)), line!());
        assert_here(&with, line);
        let (index, line) = (panic_of(|| Context::new()[&USER].len()), line!());
        assert_here(&index, line);
        let (own, line) = (panic_of(|| USER.get_or_else(|| panic!("the caller's own"))), line!());
        assert_here(&own, line);
        let (run, line) = (panic_of(|| Context::new().run(|| panic!("the caller's own"))), line!());
        assert_here(&run, line);
    });
}

#[test]
fn a_guard_dropped_in_another_context_says_so() {
    isolated(|| {
        let guard = USER.set_scoped(String::new());
        let panicked = panic_of(|| copy_context().run(|| drop(guard)));
        let wanted = ["`set_scoped` guard", &named(USER.variable()), "made in another context", "`with_context!("];
        assert_says(&panicked.message, &wanted);
    });
}

#[test]
fn a_guard_dropped_in_another_context_by_a_panic_adds_none_of_its_own() {
    isolated(|| {
        let guard = USER.set_scoped("set".to_owned());
        let panicked = panic_of(|| {
            copy_context().run(|| {
                let _moved_in = guard;
                panic!("the first");
            })
        });
        assert_eq!(panicked.message, "the first");
        assert_eq!(USER.get(), "set");
    });
}

#[test]
fn a_default_that_reads_itself_says_so_instead_of_hanging() {
    on_a_thread(|| {
        let panicked = panic_of(|| OWN_DEFAULT_S_OTHER_HALF.get());
        let variable = OWN_DEFAULT_S_OTHER_HALF.variable();
        let wanted = [
            &*format!("the default of {} reads the variable itself", named(variable)),
            "does not depend on `OWN_DEFAULT_S_OTHER_HALF`",
        ];
        assert_says(&panicked.message, &wanted);
        assert!(panic_of(|| TWISTED.get()).message.contains("the default of context variable `TWISTED`"));
    });
}

#[test]
fn a_panic_hook_may_try_to_read_the_variable_whose_default_panics() {
    on_a_thread(|| {
        fn reads(info: &PanicHookInfo<'_>) -> bool {
            assert_eq!(info.payload().downcast_ref(), Some(&"no default today"));
            let (got, with) = (FAILS.try_get(), FAILS.try_with(|it| *it));
            SEEN.lock().unwrap().extend([got.unwrap_err().to_string(), with.unwrap_err().to_string()]);
            assert_eq!((FAILS.get_or(7), FAILS.is_set()), (7, false));
            true
        }
        assert!(hooked(reads, || FAILS.get()).is_err());
        // The next read tries again.
        assert!(hooked(reads, || FAILS.try_get()).is_err());
        let seen = SEEN.lock().unwrap();
        let wanted = [&*format!("the default of {} reads the variable itself", named(FAILS.variable()))];
        assert_eq!(seen.len(), 4);
        seen.iter().for_each(|message| assert_says(message, &wanted));
    });
}

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[context_var(default = panic!("no default today"))]
static FAILS: u32;

#[test]
fn tokens_and_guards_show_their_variable_and_the_old_value() {
    isolated(|| {
        let variable = concat!("ContextVar(", module_path!(), "::USER)");
        let first = USER.set("ada".to_owned());
        assert_eq!(format!("{first:?}"), format!("Token {{ var: {variable}, old_value: missing, .. }}"));
        let second = USER.set("grace".to_owned());
        assert_eq!(format!("{second:?}"), format!("Token {{ var: {variable}, old_value: \"ada\", .. }}"));
        let guard = USER.set_scoped("joan".to_owned());
        assert!(format!("{guard:?}").starts_with(&format!("SetGuard {{ token: Some(Token {{ var: {variable}")));
        let variable = format!("{:?}", USER.variable());
        assert_says(&variable, &["Variable { name: \"USER\"", "type_name: \"alloc::string::String\"", "messages.rs"]);
    });
}

#[test]
fn errors_pass_for_errors_everywhere() {
    fn error<T: Error + 'static>() {}
    fn send<T: Send + Sync>() {}
    error::<contextvars::LookupError>();
    error::<contextvars::SetError<String>>();
    error::<contextvars::ResetError<String>>();
    error::<contextvars::EnterError>();
    send::<contextvars::LookupError>();
    send::<contextvars::SetError<String>>();
    send::<contextvars::ResetError<String>>();
    send::<contextvars::EnterError>();
}

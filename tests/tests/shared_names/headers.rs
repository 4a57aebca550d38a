//! Two variables with one header: what becomes of them, and that a warning is given.

use std::collections::HashMap;

use contextvars::{Context, headers};

/// A library, whose path comes first.
mod accounts {
    #[contextvars::context_var(header = "x-user")]
    pub(super) static USER: String;
}

/// Another, that wants the same.
mod billing {
    #[contextvars::context_var(header = "x-user")]
    pub(super) static DEBTOR: u8;
}

use accounts::USER;
use billing::DEBTOR;

use crate::process::{passed, running};

fn received(value: &str) -> (Context, Vec<headers::Skipped>) {
    headers::extract(&HashMap::from([("x-user".to_owned(), value.to_owned())]), Context::new())
}

fn sent(context: &mut Context) -> String {
    let mut headers = HashMap::new();
    context.run(|| headers::inject(&mut headers));
    headers.remove("x-user").unwrap_or_default()
}

#[test]
fn what_comes_in_sets_all_variables_with_its_header() {
    let (context, skipped) = received("7");
    assert_eq!((context[&USER].as_str(), context[&DEBTOR], skipped.len()), ("7", 7, 0));
    let (context, skipped) = received("ada");
    assert_eq!((context[&USER].as_str(), context.contains(&DEBTOR)), ("ada", false));
    assert!(skipped.len() == 1 && skipped[0].is_wrong_value());
}

#[test]
fn the_first_that_is_set_goes_out_by_path_and_line_of_the_declaration() {
    let debtor = Context::new().with(&DEBTOR, 3);
    assert_eq!(sent(&mut debtor.clone()), "3");
    assert_eq!(sent(&mut debtor.with(&USER, "ada".to_owned())), "ada");
    let only = headers::Settings::new().only([DEBTOR.variable()]);
    let mut both = Context::new().with(&DEBTOR, 3).with(&USER, "ada".to_owned());
    let (headers, _) = both.run(|| headers::current(&only));
    assert_eq!(headers["x-user"], "3", "of those that are allowed");
}

#[test]
fn a_program_with_a_shared_header_warns_once_and_names_both_declarations() {
    let output = passed(running(module_path!(), "travels_often").output().expect("a test runs"));
    let told = String::from_utf8_lossy(&output.stderr);
    let warnings: Vec<_> = told.lines().filter(|line| line.starts_with("warning: ")).collect();
    let [warning] = warnings[..] else { panic!("one: {told}") };
    for variable in [USER.variable(), DEBTOR.variable()] {
        assert!(warning.contains(&format!("`{}`", variable.name())), "{warning}");
        assert!(warning.contains(&format!("{}:{}", variable.file(), variable.line())), "{warning}");
    }
    assert!(warning.contains("one header, \"x-user\""), "{warning}");
}

#[test]
#[ignore = "is run by `a_program_with_a_shared_header_warns_once_and_names_both_declarations`"]
fn travels_often() {
    for _ in 0..3 {
        let (mut context, _) = received("7");
        assert_eq!(sent(&mut context), "7");
    }
}

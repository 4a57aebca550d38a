//! Two variables that travel under one key: what becomes of them, and that a warning is given.

use contextvars::Context;
use contextvars::baggage::Baggage;

/// A library, whose path comes first.
mod accounts {
    #[contextvars::context_var(baggage = "user")]
    pub(super) static USER: String;
}

/// Another, that wants the same.
mod billing {
    #[contextvars::context_var(baggage = "user")]
    pub(super) static PAYER: String;
    #[contextvars::context_var(baggage = "user")]
    pub(super) static DEBTOR: u8;
    #[contextvars::context_var(baggage = "sum")]
    pub(super) static SUM: u8;
}

use accounts::USER;
use billing::{DEBTOR, PAYER, SUM};

use crate::process::{passed, running};

fn sent(context: &Context) -> String {
    Baggage::of(context).0.to_string()
}

#[test]
fn what_comes_in_sets_all_variables_with_its_key() {
    let (context, skipped) = Baggage::parse(["user=7"]).0.apply(Context::new());
    assert_eq!((context[&USER].as_str(), context[&PAYER].as_str(), context[&DEBTOR]), ("7", "7", 7));
    assert!(skipped.is_empty());
    assert_eq!(sent(&context), "user=7", "and goes out once");
    let (context, skipped) = Baggage::parse(["user=ada"]).0.apply(Context::new());
    assert_eq!((context[&USER].as_str(), context.contains(&DEBTOR)), ("ada", false));
    assert!(skipped.len() == 1 && skipped[0].is_wrong_value(), "each that cannot be set is reported");
}

#[test]
fn the_first_that_is_set_goes_out_by_path_and_line_of_the_declaration() {
    let all = Context::new().with(&DEBTOR, 3).with(&PAYER, "payer".to_owned()).with(&USER, "user".to_owned());
    assert_eq!(sent(&all), "user=user");
    assert_eq!(sent(&Context::new().with(&DEBTOR, 3).with(&PAYER, "payer".to_owned())), "user=payer");
    assert_eq!(sent(&Context::new().with(&DEBTOR, 3)), "user=3");
    let (received, _) = Baggage::parse(["a=1,user=7;p"]).0.apply(Context::new());
    assert_eq!(sent(&received.clone().with(&PAYER, "payer".to_owned())), "a=1,user=7;p");
    assert_eq!(sent(&received.with(&USER, "user".to_owned())), "a=1,user=user");
}

#[test]
fn a_program_with_a_shared_key_warns_once_and_names_both_declarations() {
    let output = passed(running(module_path!(), "travels_often").output().expect("a test runs"));
    let told = String::from_utf8_lossy(&output.stderr);
    let warnings: Vec<_> = told.lines().filter(|line| line.starts_with("warning: ")).collect();
    let [about_payer, about_debtor] = warnings[..] else { panic!("one for each of the two: {told}") };
    for (warning, other) in [(about_payer, PAYER.variable()), (about_debtor, DEBTOR.variable())] {
        for variable in [USER.variable(), other] {
            assert!(warning.contains(&format!("`{}`", variable.name())), "{warning}");
            assert!(warning.contains(&format!("{}:{}", variable.file(), variable.line())), "{warning}");
        }
        assert!(warning.contains("\"user\"") && !warning.contains("SUM"), "{warning}");
    }
}

#[test]
#[ignore = "is run by `a_program_with_a_shared_key_warns_once_and_names_both_declarations`"]
fn travels_often() {
    for _ in 0..3 {
        let (context, _) = Baggage::parse(["sum=1,user=7"]).0.apply(Context::new());
        assert_eq!(context[&SUM], 1);
        assert_eq!(sent(&context), "sum=1,user=7");
    }
}

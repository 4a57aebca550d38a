//! Looking at what there is: declarations, contexts, and what changed between two of them.

use contextvars::{Context, Variable, context_var, variables};
use serde::Serialize;
use serde_json::json;

/// The request at hand.
#[context_var(default = 0, log)]
static REQUEST_ID: u64;

#[context_var(log = "usr", inherit = false)]
static USER: String;

#[context_var(baggage = "tenant-id", log = false)]
static TENANT: u32;

#[context_var(redact, log)]
static PASSWORD: String;

#[context_var]
static OPAQUE: Opaque;

#[context_var]
static CART: Cart;

/// Neither `Debug` nor `PartialEq` nor `Serialize`.
struct Opaque;

#[derive(Debug, Serialize)]
struct Cart {
    items: Vec<&'static str>,
    total: Option<f64>,
}

mod elsewhere {
    /// Named like one of the tests' own.
    #[contextvars::context_var]
    pub(crate) static TENANT: u32;
}

/// The declaration of a variable, as found in the program's list.
fn listed(name: &str) -> &'static Variable {
    let mut found = variables().filter(|variable| variable.name() == name && variable.module_path() == module_path!());
    let variable = found.next().expect("every variable is listed");
    assert!(found.next().is_none(), "`{name}` is listed once");
    variable
}

fn everything() -> Context {
    Context::new()
        .with(&REQUEST_ID, 7)
        .with(&USER, "ada".to_owned())
        .with(&PASSWORD, "hunter2".to_owned())
        .with(&OPAQUE, Opaque)
        .with(&CART, Cart { items: vec!["book"], total: Some(1.5) })
}

#[test]
fn a_declaration_tells_whether_and_how_it_is_logged() {
    assert!(listed("REQUEST_ID").is_logged());
    assert_eq!(listed("REQUEST_ID").log_key(), Some("REQUEST_ID"));
    assert_eq!(listed("USER").log_key(), Some("usr"));
    assert!(!listed("TENANT").is_logged());
    assert_eq!(listed("CART").log_key(), None);
}

#[test]
fn a_variable_travels_only_if_its_declaration_says_so() {
    assert_eq!(listed("TENANT").baggage_key(), Some("tenant-id"));
    assert_eq!(elsewhere::TENANT.variable().baggage_key(), None);
}

#[test]
fn a_value_displays_as_its_type_does_or_else_as_debug_and_never_if_redacted() {
    let ctx = everything();
    let shown: Vec<_> = ctx.values().map(|value| value.to_string()).collect();
    for expected in ["7", "ada", "<redacted>", r#"Cart { items: ["book"], total: Some(1.5) }"#] {
        assert_eq!(shown.iter().filter(|text| *text == expected).count(), 1, "{expected} in {shown:?}");
    }
    assert!(shown.iter().any(|text| text.ends_with("::Opaque>")), "{shown:?}");
}

#[test]
fn a_context_prints_its_variables_and_values() {
    let ctx = Context::new().with(&REQUEST_ID, 7).with(&USER, "ada".to_owned());
    let text = format!("{ctx:?}");
    assert!(text == r#"{REQUEST_ID: 7, USER: "ada"}"# || text == r#"{USER: "ada", REQUEST_ID: 7}"#, "{text}");
}

#[test]
fn the_alternate_form_has_a_line_for_each_variable_with_the_place_of_its_declaration() {
    let ctx = everything();
    let text = format!("{ctx:#?}");
    let (file, line) = (file!(), REQUEST_ID.variable().line());
    assert!(text.contains(&format!("\n    REQUEST_ID ({file}:{line}): 7,\n")), "{text}");
    assert!(text.contains(": <redacted>,\n") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_diff_has_what_was_set_unset_and_changed_and_nothing_else() {
    let before = Context::new().with(&REQUEST_ID, 7).with(&USER, "ada".to_owned()).with(&TENANT, 1);
    let after = Context::new().with(&REQUEST_ID, 8).with(&TENANT, 1).with(&elsewhere::TENANT, 2);
    let diff = before.diff(&after);
    let mut lines: Vec<_> = diff.to_string().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["+ TENANT: 2", r#"- USER: "ada""#, "~ REQUEST_ID: 7 -> 8"]);
    assert!(diff.len() == 3 && !diff.is_empty());
    for change in &diff {
        assert_eq!(change.before().is_some(), before.keys().any(|it| std::ptr::eq(it, change.variable())));
        assert_eq!(change.after().is_some(), after.keys().any(|it| std::ptr::eq(it, change.variable())));
    }
}

#[test]
fn a_diff_gives_its_changes_away_one_by_one() {
    let before = Context::new();
    let after = Context::new().with(&REQUEST_ID, 8).with(&PASSWORD, "hunter2".to_owned());
    let changes: Vec<_> = before.diff(&after).into_iter().collect();
    assert_eq!(
        format!("{changes:?}"),
        concat!(
            "[Change { variable: ",
            module_path!(),
            "::REQUEST_ID, before: None, after: Some(8) }, Change { variable: ",
            module_path!(),
            "::PASSWORD, before: None, after: Some(<redacted>) }]"
        )
    );
}

#[test]
fn a_diff_is_empty_exactly_for_equal_contexts() {
    let ctx = everything();
    assert!(ctx.diff(&ctx.clone()).is_empty());
    assert_eq!(ctx.diff(&ctx).to_string(), "");
    let same_but_for_one = ctx.clone().with(&OPAQUE, Opaque);
    assert!(ctx != same_but_for_one, "a value that cannot be compared equals itself only");
    assert_eq!(ctx.diff(&same_but_for_one).len(), 1);
}

#[test]
fn a_diff_read_backwards_is_the_opposite() {
    let before = Context::new();
    let after = Context::new().with(&REQUEST_ID, 8);
    assert_eq!(format!("{:?}", before.diff(&after)), "{REQUEST_ID: unset -> 8}");
    assert_eq!(format!("{:?}", after.diff(&before)), "{REQUEST_ID: 8 -> unset}");
}

#[test]
fn a_diff_keeps_what_is_redacted_to_itself() {
    let before = Context::new().with(&PASSWORD, "hunter2".to_owned());
    let after = Context::new().with(&PASSWORD, "hunter3".to_owned());
    let diff = before.diff(&after);
    assert_eq!(diff.to_string(), "~ PASSWORD: <redacted> -> <redacted>");
    assert!(!format!("{diff:?} {diff:#?} {:?}", diff.iter().next()).contains("hunter"));
}

#[test]
fn a_context_is_serialised_with_its_values_structure_but_without_secrets() {
    assert_eq!(
        serde_json::to_value(everything()).expect("the values are serialisable"),
        json!({
            "REQUEST_ID": 7,
            "USER": "ada",
            "PASSWORD": "<redacted>",
            "CART": { "items": ["book"], "total": 1.5 },
        })
    );
}

#[test]
fn variables_that_share_a_name_are_serialised_under_their_paths() {
    let ctx = Context::new().with(&TENANT, 1).with(&elsewhere::TENANT, 2).with(&REQUEST_ID, 7);
    assert_eq!(
        serde_json::to_value(ctx).expect("the values are serialisable"),
        json!({
            concat!(module_path!(), "::TENANT"): 1,
            concat!(module_path!(), "::elsewhere::TENANT"): 2,
            "REQUEST_ID": 7,
        })
    );
}

#[test]
fn a_declaration_is_serialised_with_all_that_is_known_of_it() {
    let data = serde_json::to_value(listed("REQUEST_ID")).expect("declarations are serialisable");
    assert_eq!(
        data,
        json!({
            "name": "REQUEST_ID",
            "module_path": module_path!(),
            "file": file!(),
            "line": REQUEST_ID.variable().line(),
            "column": REQUEST_ID.variable().column(),
            "docs": "The request at hand.",
            "type_name": "u64",
            "has_default": true,
            "inherits": true,
            "is_redacted": false,
            "log_key": "REQUEST_ID",
            "baggage_key": null,
            "header_name": null,
        })
    );
}

#[test]
fn what_the_crate_keeps_for_itself_is_seen_nowhere() {
    // But for the one that is there for all to set.
    let own = variables().filter(|variable| variable.module_path().starts_with("contextvars::"));
    assert_eq!(own.map(Variable::name).collect::<Vec<_>>(), ["DEADLINE"]);
    let headers = vec![("baggage".to_owned(), "unknown=1".to_owned())];
    let (received, skipped) = contextvars::baggage::extract(&headers, Context::new());
    assert!(skipped.is_empty() && received.is_empty());
    assert_eq!((format!("{received:?}"), received.len(), received.iter().count()), ("{}".to_owned(), 0, 0));
    assert_eq!(received, Context::new());
    assert!(received.diff(&Context::new()).is_empty());
    // It is there all the same, and comes back from other threads.
    assert_eq!(contextvars::baggage::Baggage::of(&received).0.to_string(), "unknown=1");
    let sent = Context::new().run(|| {
        let mut context = received.clone();
        context.run(|| {
            contextvars::round_trip(|| ())().take_back();
            contextvars::baggage::Baggage::current().0.to_string()
        })
    });
    assert_eq!(sent, "unknown=1");
}

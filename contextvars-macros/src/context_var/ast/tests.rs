use super::*;

/// The statics as `NAME: TYPE = INITIALISER`, and the mistakes.
fn read(source: &str) -> (Vec<String>, Vec<String>) {
    let mut mistakes = Mistakes::default();
    let statics = match subject(source.parse().expect("tokens"), &mut mistakes) {
        Subject::Statics(statics) => statics,
        Subject::Other(_) => Vec::new(),
    };
    let mut shown = Vec::new();
    for Declaration { name, ty, initialiser, .. } in statics {
        let ty = match ty {
            Ok(ty) => ty.to_token_stream().to_string().replace(' ', ""),
            Err(error) => {
                mistakes.push(error);
                "?".to_owned()
            }
        };
        shown.push(match initialiser {
            Some(initialiser) => format!("{name}: {ty} = {initialiser}"),
            None => format!("{name}: {ty}"),
        });
    }
    (shown, mistakes.messages())
}

/// What is wrong with the arguments.
fn wrong(arguments: &str) -> Vec<String> {
    let mut mistakes = Mistakes::default();
    super::arguments(arguments.parse().expect("tokens"), &mut mistakes);
    mistakes.messages()
}

#[test]
fn a_static_is_read_with_and_without_initialiser() {
    assert_eq!(read("static X: u8;"), (vec!["X: u8".to_owned()], Vec::new()));
    assert_eq!(read("pub(crate) static X: Vec<u8> = f(1);"), (vec!["X: Vec<u8> = f (1)".to_owned()], Vec::new()));
}

#[test]
fn after_a_mistake_the_names_are_declared_and_the_message_names_it() {
    let cases: [(&str, &[&str], &[&str]); 18] = [
        ("unsafe static X: u8;", &["X: u8"], &["cannot be `unsafe`"]),
        ("safe static X: u8;", &["X: u8"], &["cannot be `safe`"]),
        (r#"extern "C" static X: u8;"#, &["X: u8"], &["cannot be `extern`"]),
        (r#"unsafe extern "C" static X: u8;"#, &["X: u8"], &["cannot be `unsafe`", "cannot be `extern`"]),
        ("static mut X: u8;", &["X: u8"], &["cannot be `mut`"]),
        ("const X: u8 = 1;", &["X: u8 = 1"], &["not a `const`"]),
        ("static X<T>: Option<T>;", &["X: Option<T>"], &["cannot be generic"]),
        ("static X<T: Copy>: Option<T> = None;", &["X: Option<T> = None"], &["cannot be generic"]),
        ("static X<T: Copy, U>: (T, U);", &["X: (T,U)"], &["cannot be generic"]),
        ("static X;", &["X: ?"], &["type of the value is missing"]),
        ("static X: ;", &["X: ?"], &["type of the value is missing"]),
        ("static X: = 1;", &["X: ? = 1"], &["type of the value is missing"]),
        ("static X:", &["X: ?"], &["type of the value is missing"]),
        ("static X: 1 = 2;", &["X: ? = 2"], &["expected"]),
        ("static X: u8 =;", &["X: u8"], &["`=` has no value"]),
        ("static X: u8 =", &["X: u8"], &["`=` has no value"]),
        (
            "thread_local! { static X: u8 = 1; pub static Y: u8 = const { 2 }; }",
            &["X: u8 = 1", "Y: u8 = const { 2 }"],
            &["without `thread_local!`"],
        ),
        ("std::thread_local! { static X: u8 = 1 }", &["X: u8 = 1"], &["without `thread_local!`"]),
    ];
    for (source, statics, messages) in cases {
        let (found, mistakes) = read(source);
        assert_eq!(found, statics, "{source}");
        let all_named = mistakes.iter().zip(messages).all(|(mistake, message)| mistake.contains(message));
        assert!(mistakes.len() == messages.len() && all_named, "{source}: {mistakes:#?}");
    }
}

#[test]
fn what_is_no_static_is_kept_and_named() {
    for (source, found) in [
        ("unsafe fn f() {}", "found `unsafe`"),
        (r#"extern "C" { static X: u8; }"#, "found `extern`"),
        ("extern crate alloc;", "found `extern`"),
        ("safe fn f();", "found `safe`"),
        ("other static X: u8;", "found `other`"),
        ("println!()", "found `println`"),
        ("thread_local::Key", "found `thread_local`"),
        ("fn f() {}", "found `fn`"),
        ("", "found nothing"),
    ] {
        let (statics, mistakes) = read(source);
        assert!(statics.is_empty() && mistakes.len() == 1 && mistakes[0].contains(found), "{source}: {mistakes:#?}");
    }
}

#[test]
fn a_value_without_a_name_is_shown_with_one_unless_it_is_long() {
    assert_eq!(wrong("a + b"), ["expected an argument name: for a default, write `default = a + b`"]);
    assert_eq!(wrong("7"), ["expected an argument name: for a default, write `default = 7`"]);
    let advice = "expected an argument name: for a default, write `default = EXPR`";
    assert_eq!(wrong(&format!("\"{}\"", "x".repeat(39))), [advice]);
    assert!(wrong(&format!("\"{}\"", "x".repeat(38)))[0] != advice);
    assert_eq!(wrong("default, redact, inherit = false"), Vec::<String>::new());
}

//! Variables in headers of their own: what becomes of them in a carrier, and of a carrier in a context.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use contextvars::baggage;
use contextvars::headers::{self, Format, Injector, Settings, Skipped};
use contextvars::{Context, context_var, copy_context, inherit_context, with_context};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use uuid::Uuid;

#[context_var(header = "x-request-id")]
static REQUEST_ID: Uuid;

#[context_var(header = "x-tenant")]
static TENANT: Arc<str>;

#[context_var(header = "x-attempt", default = 1)]
static ATTEMPT: u8;

#[context_var(header = "x-note")]
static NOTE: Option<Cow<'static, str>>;

#[context_var(header = "x-level", baggage = "rank", inherit = false)]
static LEVEL: Option<Arc<u8>>;

#[context_var]
static SECRET: String;

const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// What is read of these headers into an empty context.
fn received(headers: &[(&str, &str)]) -> (Context, Vec<Skipped>) {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    headers::extract(&headers, Context::new())
}

/// What is read of one value of `x-tenant`, as it comes over the wire.
fn tenant(value: &[u8]) -> (Option<Arc<str>>, Vec<Skipped>) {
    struct Raw<'a>(&'a [u8]);
    impl headers::Extractor for Raw<'_> {
        fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
            if name == "x-tenant" {
                f(self.0);
            }
        }
    }
    let (context, skipped) = headers::extract(&Raw(value), Context::new());
    (context.get(&TENANT).cloned(), skipped)
}

/// What leaves `context`, with nothing left out.
fn sent(context: &mut Context) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    assert_eq!(context.run(|| headers::inject(&mut headers)), []);
    headers
}

#[test]
fn only_what_is_declared_with_a_header_and_is_set_leaves() {
    let mut context = Context::new().with(&TENANT, "acme".into()).with(&SECRET, "hunter2".to_owned());
    assert_eq!(sent(&mut context), BTreeMap::from([("x-tenant".to_owned(), "acme".to_owned())]));
    assert!(sent(&mut Context::new()).is_empty(), "a default is not set");
}

#[test]
fn every_type_that_can_be_written_and_read_arrives_as_it_left() {
    let mut context = Context::new()
        .with(&REQUEST_ID, ID.parse().expect("a UUID"))
        .with(&TENANT, "a; b, c=\"d\" 100% ~".into())
        .with(&ATTEMPT, 3)
        .with(&NOTE, Some("-".into()))
        .with(&LEVEL, Some(Arc::new(7)));
    let headers = sent(&mut context);
    assert_eq!(headers.len(), 5);
    assert_eq!(headers["x-request-id"], ID);
    let (again, skipped) = headers::extract(&headers, Context::new());
    assert_eq!((again == context, skipped.len()), (true, 0));
}

#[test]
fn a_none_is_not_sent() {
    assert!(sent(&mut Context::new().with(&NOTE, None).with(&LEVEL, None)).is_empty());
}

#[test]
fn names_are_compared_without_regard_to_case_and_white_space_around_values_is_ignored() {
    let (context, skipped) = received(&[("X-Tenant", " \tacme "), ("x-ATTEMPT", "3")]);
    assert_eq!((&*context[&TENANT], context[&ATTEMPT], skipped.len()), ("acme", 3, 0));
}

#[test]
fn what_is_not_a_value_of_the_variables_type_is_left_out_and_reported_without_the_value() {
    let (context, skipped) = received(&[("x-request-id", "hunter2"), ("x-attempt", "256"), ("x-tenant", "acme")]);
    assert_eq!((context.contains(&REQUEST_ID), context.contains(&ATTEMPT), &*context[&TENANT]), (false, false, "acme"));
    assert_eq!(skipped.len(), 2);
    assert!(skipped.iter().all(Skipped::is_wrong_value) && !format!("{skipped:?}").contains("hunter2"));
    assert_eq!(
        skipped[0].to_string(),
        r#"the header "x-attempt" was left out: its value cannot be read as `u8`"#,
        "in the order of the names"
    );
}

#[test]
fn a_header_that_came_more_than_once_is_left_out() {
    for values in [["a", "b"], ["a", "a"]] {
        let (context, skipped) = received(&[("x-tenant", values[0]), ("X-Tenant", values[1]), ("x-attempt", "2")]);
        assert!(!context.contains(&TENANT) && context[&ATTEMPT] == 2);
        assert!(skipped.len() == 1 && skipped[0].is_malformed() && skipped[0].key() == "x-tenant", "{skipped:?}");
    }
    let (context, skipped) = received(&[("x-tenant", "a"), ("x-tenant", "b"), ("x-tenant", "c")]);
    assert!(!context.contains(&TENANT) && skipped.len() == 1, "an odd number of them, too");
}

#[test]
fn bytes_that_no_header_should_have_are_left_out_on_the_way_in() {
    for byte in 0..=u8::MAX {
        let (value, skipped) = tenant(&[b'a', byte, b'b']);
        let is_allowed = matches!(byte, b' '..=b'~');
        assert_eq!(value.is_some(), is_allowed, "{byte}");
        assert_eq!(skipped.iter().filter(|it| it.is_malformed()).count(), usize::from(!is_allowed), "{byte}");
    }
    assert!(tenant("Röd".as_bytes()).0.is_none());
}

#[test]
fn spaces_and_tabs_around_a_value_are_ignored_and_line_breaks_are_not() {
    assert_eq!(tenant(b"\t acme \t").0.as_deref(), Some("acme"));
    for value in [&b"\r\nacme"[..], b"acme\r\n", b"acme\n", b"\x0cacme", b" \racme"] {
        let (tenant, skipped) = tenant(value);
        assert!(tenant.is_none() && skipped.len() == 1 && skipped[0].is_malformed(), "{value:?}");
    }
}

#[test]
fn an_empty_header_sets_nothing_and_an_empty_text_is_not_sent_and_both_are_reported() {
    for value in [&b""[..], b" ", b"\t \t"] {
        let (tenant, skipped) = tenant(value);
        assert!(tenant.is_none() && skipped.len() == 1 && skipped[0].is_malformed(), "{value:?}");
        assert_eq!(skipped[0].to_string(), r#"the header "x-tenant" was left out: its value is empty"#);
    }
    let before = Context::new().with(&ATTEMPT, 5);
    let (context, _) = headers::extract(&vec![("x-attempt".to_owned(), String::new())], before.clone());
    assert!(context == before);
    let (headers, skipped) = with_context!(NOTE = Some("".into()), { headers::current(&Settings::new()) });
    assert!(headers.is_empty() && skipped.len() == 1 && skipped[0].key() == "x-note", "{skipped:?}");
}

proptest! {
    #[test]
    fn whatever_bytes_come_in_are_left_out_or_go_out_again(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let (value, skipped) = tenant(&bytes);
        prop_assert_eq!(usize::from(value.is_none()), skipped.len());
        if let Some(value) = value {
            let headers = sent(&mut Context::new().with(&TENANT, value));
            let text = String::from_utf8(bytes).expect("what was accepted is ASCII");
            prop_assert_eq!(headers["x-tenant"].as_str(), text.trim_matches([' ', '\t']));
        }
    }

    #[test]
    fn whatever_text_is_set_is_reported_or_arrives(text in any::<String>()) {
        let mut context = Context::new().with(&TENANT, text.as_str().into());
        let (headers, skipped) = context.run(|| headers::current(&Settings::new()));
        let (received, wrong) = headers::extract(&headers, Context::new());
        prop_assert_eq!(received.get(&TENANT).map(|it| &**it), skipped.is_empty().then_some(text.as_str()));
        prop_assert!(wrong.is_empty());
    }
}

#[test]
fn values_that_no_header_can_have_are_not_sent_and_reported() {
    for value in ["a\r\nset-cookie: x=1", "a\0", "Röd", " a", "a ", "a\t", "a\tb", "", "\u{7f}"] {
        let mut headers = HeaderMap::new();
        headers.insert("x-tenant", HeaderValue::from_static("old"));
        let skipped = with_context!(TENANT = value.into(), ATTEMPT = 2, { headers::inject(&mut headers) });
        assert!(!headers.contains_key("x-tenant") && headers["x-attempt"] == "2", "{value:?}");
        assert!(skipped.len() == 1 && skipped[0].is_malformed() && skipped[0].key() == "x-tenant", "{value:?}");
    }
}

#[test]
fn a_value_may_have_as_many_bytes_as_the_settings_say_and_no_more() {
    let (long, longer) = ("x".repeat(1024), "x".repeat(1025));
    assert_eq!(tenant(long.as_bytes()).0.as_deref(), Some(&*long));
    let (value, skipped) = tenant(longer.as_bytes());
    assert!(value.is_none() && skipped.len() == 1 && skipped[0].is_over_limit());
    assert!(skipped[0].to_string().contains("1024 bytes"), "{}", skipped[0]);

    let (headers, skipped) =
        with_context!(TENANT = "four".into(), { headers::current(&Settings::new().most_bytes(3)) });
    assert!(headers.is_empty() && skipped.len() == 1 && skipped[0].is_over_limit());
    let (headers, _) = with_context!(TENANT = longer.into(), { headers::current(&Settings::new().most_bytes(2000)) });
    assert_eq!(headers["x-tenant"].len(), 1025);
}

#[test]
fn only_the_variables_of_a_list_are_read_and_written() {
    let settings = Settings::new().only([ATTEMPT.variable()]);
    let headers = HashMap::from([("x-tenant", "acme"), ("x-attempt", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    let (mut context, skipped) = settings.extract(&headers, Context::new());
    assert_eq!((context.contains(&TENANT), context[&ATTEMPT], skipped.len()), (false, 2, 0));
    context = context.with(&TENANT, "acme".into());
    let mut request = headers;
    context.run(|| settings.inject(&mut request));
    assert_eq!(request.keys().collect::<Vec<_>>(), ["x-attempt"], "and that of the other is removed");
    assert!(sent(&mut context).contains_key("x-tenant"));
    let nothing = Settings::new().only([]);
    assert!(nothing.extract(&request, Context::new()).0.is_empty());
    assert_eq!(format!("{settings:?}"), r#"Settings { most_bytes: 1024, only: Some(["ATTEMPT"]) }"#);
}

#[test]
fn a_list_refuses_a_variable_without_a_header_and_names_it() {
    let panic = catch_unwind(|| Settings::new().only([TENANT.variable(), SECRET.variable()])).expect_err("it panics");
    let message = panic.downcast_ref::<String>().expect("a text");
    assert!(message.contains("`SECRET`") && message.contains("headers.rs:"), "{message}");
    assert!(message.contains("header = \"x-name\""), "{message}");
}

#[test]
fn what_the_context_does_not_say_does_not_leave() {
    let mut headers = HeaderMap::new();
    headers.append("x-tenant", HeaderValue::from_static("one"));
    headers.append("x-tenant", HeaderValue::from_static("two"));
    headers.insert("x-attempt", HeaderValue::from_static("9"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    with_context!(TENANT = "acme".into(), { headers::inject(&mut headers) });
    let all: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(headers["x-tenant"] == "acme" && headers["accept"] == "*/*");
}

#[test]
fn every_carrier_replaces_and_removes() {
    fn check<C: Injector + headers::Extractor>(mut carrier: C) {
        for value in [Some("one"), Some("two"), None] {
            carrier.set("x-tenant", value.map(str::to_owned));
            let (context, skipped) = headers::extract(&carrier, Context::new());
            assert_eq!((context.get(&TENANT).map(|it| &**it), skipped.len()), (value, 0));
        }
    }
    check(HeaderMap::new());
    check(HashMap::<String, String>::new());
    check(BTreeMap::<String, String>::new());
    check(Vec::<(String, String)>::new());
}

#[test]
fn a_full_header_map_takes_no_header_more_and_replaces_those_it_has() {
    let mut headers = HeaderMap::new();
    headers.insert("x-tenant", HeaderValue::from_static("old"));
    let name = |n| http::HeaderName::try_from(format!("y-{n}")).expect("it is a token");
    let is_full = |n| headers.try_insert(name(n), HeaderValue::from_static("1")).is_err();
    assert_eq!((0..30_000).position(is_full), Some(24_575));
    with_context!(TENANT = "acme".into(), ATTEMPT = 2, { headers::inject(&mut headers) });
    assert!(headers["x-tenant"] == "acme" && headers.len() == 24_576);
}

#[test]
fn a_variable_with_a_header_and_baggage_goes_out_in_both_and_the_second_that_is_read_wins() {
    let both = (Settings::new(), baggage::Settings::new());
    let (headers, skipped) = with_context!(LEVEL = Some(Arc::new(7)), { headers::current(&both) });
    assert!(headers["x-level"] == "7" && headers["baggage"] == "rank=7" && skipped.is_empty(), "{headers:?}");

    let headers =
        HashMap::from([("x-level".to_owned(), "1".to_owned()), ("baggage".to_owned(), "rank=2,broken".to_owned())]);
    let level = |(context, skipped): (Context, Vec<Skipped>)| {
        assert_eq!(skipped.len(), 1);
        context[&LEVEL].as_deref().copied()
    };
    assert_eq!(level(both.extract(&headers, Context::new())), Some(2));
    assert_eq!(level((both.1.clone(), both.0.clone()).extract(&headers, Context::new())), Some(1));

    let mut sent = headers;
    both.remove(&mut sent);
    assert!(sent.is_empty());
}

#[test]
fn a_header_that_is_left_out_leaves_the_value_that_was_there() {
    let context = Context::new().with(&ATTEMPT, 5);
    let headers = vec![("x-attempt".to_owned(), "many".to_owned())];
    let (context, skipped) = headers::extract(&headers, context);
    assert_eq!((context[&ATTEMPT], skipped.len()), (5, 1));
}

#[test]
fn a_value_that_stays_with_its_task_is_not_sent_by_its_children() {
    with_context!(LEVEL = Some(Arc::new(7)), {
        assert!(sent(&mut copy_context()).contains_key("x-level"));
        assert!(sent(&mut inherit_context()).is_empty());
    });
}

#[test]
fn a_display_that_panics_leaves_the_headers_that_it_came_to_and_the_context_as_they_were() {
    let mut headers = HeaderMap::new();
    headers.insert("x-trap", HeaderValue::from_static("old"));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        with_context!(TRAP = Trap, TENANT = "acme".into(), { headers::inject(&mut headers) })
    }));
    assert!(panic.is_err() && !TRAP.is_set() && !TENANT.is_set());
    assert_eq!(headers["x-trap"], "old");
}

#[test]
fn a_display_that_sets_variables_and_sends_headers_is_no_trouble() {
    let (headers, _) = with_context!(NESTED = Nested, { headers::current(&Settings::new().only([NESTED.variable()])) });
    assert_eq!(headers["x-nested"], "7");
}

#[context_var(header = "x-trap")]
static TRAP: Trap;

struct Trap;

impl std::fmt::Display for Trap {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("it always does");
    }
}

impl std::str::FromStr for Trap {
    type Err = ();

    fn from_str(_: &str) -> Result<Self, ()> {
        Err(())
    }
}

#[context_var(header = "x-nested")]
static NESTED: Nested;

struct Nested;

impl std::fmt::Display for Nested {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // In a function that is called while headers are written.
        let sent = with_context!(ATTEMPT = 7, { headers::current(&Settings::new().only([ATTEMPT.variable()])).0 });
        f.write_str(sent["x-attempt"].to_str().expect("it is ASCII"))
    }
}

impl std::str::FromStr for Nested {
    type Err = ();

    fn from_str(_: &str) -> Result<Self, ()> {
        Err(())
    }
}

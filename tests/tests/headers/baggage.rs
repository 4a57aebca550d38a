//! Variables that travel: what becomes of them in a header, and of a header in a context.

use std::collections::{BTreeMap, HashMap};

use contextvars::baggage::{self, Baggage, Extractor, Injector};
use contextvars::{Context, context_var, copy_context, inherit_context, tokio, with_context};
use http::{HeaderMap, HeaderValue};

#[context_var(baggage = "client")]
static TENANT: String;

#[context_var(baggage = "grade", default = 1)]
static LEVEL: u8;

#[context_var(baggage = "Mixed-Case_1.~")]
static MIXED: char;

#[context_var(baggage = "lease", inherit = false)]
static LEASE: u8;

#[context_var]
static SECRET: String;

/// What leaves `context`.
fn sent(context: &Context) -> String {
    let (baggage, skipped) = Baggage::of(context);
    assert!(skipped.is_empty(), "{skipped:?}");
    baggage.to_string()
}

/// A context in which a request with these headers is served; nothing is left out.
fn received(headers: &[&str]) -> Context {
    let (baggage, skipped) = Baggage::parse(headers);
    assert!(skipped.is_empty(), "{skipped:?}");
    let (context, skipped) = baggage.apply(Context::new());
    assert!(skipped.is_empty(), "{skipped:?}");
    context
}

#[test]
fn only_what_is_declared_to_travel_and_is_set_leaves() {
    let context = Context::new().with(&TENANT, "acme".to_owned()).with(&SECRET, "hunter2".to_owned());
    assert_eq!(sent(&context), "client=acme");
    assert_eq!(sent(&Context::new()), "", "a default is not set");
}

#[test]
fn a_value_arrives_as_it_left() {
    for value in ["", " ", "a=b==", "a,b;c", "Röd & Co", "100%", "%41", "\"\\\n\t\0", "1+1", "漢字🦀"] {
        let header = sent(&Context::new().with(&TENANT, value.to_owned()));
        assert!(header.bytes().all(|byte| byte.is_ascii_graphic()), "{header:?}");
        assert_eq!(received(&[&header])[&TENANT], value, "{header:?}");
    }
}

#[test]
fn every_declared_key_is_kept_to_the_letter() {
    let context = received(&["mixed-case_1.~=a,Mixed-Case_1.~=%F0%9F%A6%80"]);
    assert_eq!(context[&MIXED], '🦀');
    assert_eq!(sent(&context), "mixed-case_1.~=a,Mixed-Case_1.~=%F0%9F%A6%80");
}

#[test]
fn several_headers_are_read_as_one() {
    let context = received(&["client=acme, user=ada", "grade=3"]);
    assert_eq!((context[&TENANT].as_str(), context[&LEVEL]), ("acme", 3));
    assert_eq!(sent(&context), "client=acme,user=ada,grade=3");
}

#[test]
fn an_unchanged_variable_passes_through_with_its_properties_and_a_changed_one_does_not() {
    let context = received(&["a=1,client=ac%6de;secure, grade = 007 ;ttl=5"]);
    assert_eq!(context[&LEVEL], 7);
    assert_eq!(sent(&context), "a=1,client=ac%6de;secure,grade=007;ttl=5");
    let context = context.with(&LEVEL, 8);
    assert_eq!(sent(&context), "a=1,client=ac%6de;secure,grade=8");
}

#[test]
fn a_variable_that_is_reset_does_not_leave() {
    let mut context = Context::new();
    context.run(|| {
        let token = TENANT.set("acme".to_owned());
        assert_eq!(Baggage::current().0.to_string(), "client=acme");
        TENANT.reset(token).expect("it is this context's");
        assert!(Baggage::current().0.is_empty());
    });
}

#[test]
fn what_came_in_for_a_variable_stays_behind_where_the_variable_does() {
    received(&["lease=1,user=ada"]).run(|| {
        assert_eq!(Baggage::current().0.to_string(), "lease=1,user=ada");
        assert_eq!(sent(&inherit_context()), "user=ada");
    });
}

#[test]
fn what_was_received_is_inherited_but_does_not_follow_detached_work() {
    received(&["user=ada"]).run(|| {
        assert_eq!(sent(&inherit_context()), "user=ada");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        let in_task =
            with_context!(LEVEL = 2, async { tokio::spawn(async { Baggage::current().0.to_string() }).await });
        assert_eq!(runtime.block_on(in_task).expect("the task ends"), "user=ada,grade=2");
        assert_eq!(sent(&Context::new()), "");
    });
}

#[test]
fn a_request_within_a_request_brings_its_own_baggage() {
    let outer = received(&["user=ada,client=acme"]);
    let (inner, _) = Baggage::parse(["plan=pro"]).0.apply(outer.clone());
    assert_eq!(sent(&inner), "plan=pro,client=acme");
    let (inner, _) = Baggage::default().apply(outer);
    assert_eq!(sent(&inner), "client=acme");
}

#[test]
fn what_was_received_does_not_show_in_debug_output() {
    let context = received(&["session=s3cr3t"]);
    let shown = format!("{context:?} {:?}", Baggage::of(&context));
    assert!(!shown.contains("s3cr3t") && shown.contains("session"), "{shown}");
}

#[test]
fn a_value_of_the_wrong_type_is_left_out_and_the_variable_stays_as_it_was() {
    let (baggage, _) = Baggage::parse(["grade=high,client=acme,user=ada"]);
    let (context, skipped) = baggage.apply(Context::new().with(&LEVEL, 5));
    assert_eq!((context[&LEVEL], context[&TENANT].as_str()), (5, "acme"));
    assert!(skipped.len() == 1 && skipped[0].is_wrong_value());
    assert!(!skipped[0].is_malformed() && !skipped[0].is_over_limit());
    assert_eq!(skipped[0].to_string(), r#"the baggage member "grade" was left out: its value cannot be read as `u8`"#);
    assert_eq!(sent(&context), "client=acme,user=ada,grade=5");
}

#[test]
fn a_reason_does_not_tell_the_value() {
    let (baggage, mut skipped) = Baggage::parse(["a b=secret"]);
    skipped.extend(Baggage::parse(["grade=secret"]).0.apply(Context::new()).1);
    assert!(baggage.is_empty() && skipped.len() == 2);
    assert_eq!(format!("{:?}", skipped[1]), format!("Skipped({})", skipped[1]));
    assert!(!format!("{skipped:?}").contains("secret"));
}

#[test]
fn the_limit_is_on_what_is_encoded() {
    // 2,000 characters, 6,000 bytes, 18,000 bytes encoded.
    let context = Context::new().with(&TENANT, "€".repeat(2000)).with(&LEVEL, 3);
    let (baggage, skipped) = Baggage::of(&context);
    assert_eq!(baggage.to_string(), "grade=3");
    assert!(skipped.len() == 1 && skipped[0].is_over_limit() && skipped[0].key() == "client");
}

#[test]
fn variables_come_before_what_merely_passes_through() {
    let foreign: Vec<String> = (0..64).map(|number| format!("k{number}={}", "x".repeat(100))).collect();
    let context = received(&[&foreign.join(",")]).with(&TENANT, "y".repeat(2000)).with(&LEVEL, 3);
    let (baggage, skipped) = Baggage::of(&context);
    let header = baggage.to_string();
    assert!(header.len() <= 8192 && baggage.len() <= 64);
    assert!(header.contains("client=yyyy") && header.contains("grade=3"));
    assert!(
        baggage.len() + skipped.len() == 66 && skipped.iter().all(|it| it.is_over_limit() && it.key().starts_with('k'))
    );
}

/// What a carrier has under the name, and what it makes of being set, is the same for all of them.
fn carries<C: Extractor + Injector + Default>() {
    let mut carrier = C::default();
    with_context!(TENANT = "acme".to_owned(), { assert!(baggage::inject(&mut carrier).is_empty()) });
    let (context, skipped) = baggage::extract(&carrier, copy_context());
    assert_eq!((context[&TENANT].as_str(), skipped.len()), ("acme", 0));
    with_context!(LEVEL = 2, { baggage::inject(&mut carrier) });
    let (context, _) = baggage::extract(&carrier, Context::new());
    assert!(!context.contains(&TENANT) && context[&LEVEL] == 2, "the header is replaced");
    baggage::inject(&mut carrier);
    let mut values = 0;
    carrier.each_value("baggage", &mut |_| values += 1);
    assert_eq!(values, 0, "a header that the context does not ask for is removed");
}

#[test]
fn every_carrier_takes_and_gives() {
    carries::<HeaderMap>();
    carries::<HashMap<String, String>>();
    carries::<BTreeMap<String, String>>();
    carries::<Vec<(String, String)>>();
}

#[test]
fn names_of_headers_have_no_case() {
    let headers = vec![("Baggage".to_owned(), "client=acme".to_owned()), ("BAGGAGE".to_owned(), "grade=2".to_owned())];
    let (context, _) = baggage::extract(&headers, Context::new());
    assert_eq!((context[&TENANT].as_str(), context[&LEVEL]), ("acme", 2));
}

#[test]
fn several_headers_of_http_are_read_and_become_one() {
    let mut headers = HeaderMap::new();
    headers.append("baggage", HeaderValue::from_static("client=acme"));
    headers.append("baggage", HeaderValue::from_bytes(b"b\xffd=1,grade=2,note=\xff").expect("HTTP allows it"));
    let (mut context, skipped) = baggage::extract(&headers, Context::new());
    assert!(skipped.len() == 1 && skipped[0].key() == "b\u{fffd}d");
    context.run(|| baggage::inject(&mut headers));
    let values: Vec<_> = headers.get_all("baggage").iter().collect();
    assert_eq!(values, ["client=acme,grade=2,note=%EF%BF%BD"]);
}

mod types {
    //! Types that are no `FromStr`, or no `Display`.

    use std::borrow::Cow;
    use std::sync::Arc;

    use contextvars::context_var;

    #[context_var(baggage = "arc-str")]
    pub(super) static ARC_STR: Arc<str>;
    #[context_var(baggage = "box-str")]
    pub(super) static BOX_STR: Box<str>;
    #[context_var(baggage = "cow")]
    pub(super) static COW: Cow<'static, str>;
    #[context_var(baggage = "arc-string")]
    pub(super) static ARC_STRING: Arc<String>;
    #[context_var(baggage = "arc-number")]
    pub(super) static ARC_NUMBER: Arc<u32>;
    #[context_var(baggage = "box-number")]
    pub(super) static BOX_NUMBER: Box<u32>;
    #[context_var(baggage = "option-number", default = Some(1))]
    pub(super) static OPTION_NUMBER: Option<u32>;
    #[context_var(baggage = "option-arc-str")]
    pub(super) static OPTION_ARC_STR: Option<Arc<str>>;
    #[context_var(baggage = "option-string")]
    pub(super) static OPTION_STRING: Option<String>;
}

#[test]
fn shared_and_boxed_texts_travel_without_a_from_str_of_their_own() {
    let header = "arc-number=1,arc-str=a%20b,arc-string=c%2Cd,box-number=2,box-str=%C3%A9,cow=moo";
    let context = received(&[header]);
    assert_eq!((&*context[&types::ARC_STR], &*context[&types::BOX_STR]), ("a b", "é"));
    assert_eq!((&*context[&types::COW], context[&types::ARC_STRING].as_str()), ("moo", "c,d"));
    assert_eq!((*context[&types::ARC_NUMBER], *context[&types::BOX_NUMBER]), (1, 2));
    assert_eq!(sent(&context), header);
    let (context, skipped) = Baggage::parse(["arc-number=one"]).0.apply(Context::new());
    assert!(context.is_empty() && skipped[0].is_wrong_value());
    let context = Context::new().with(&types::ARC_STR, "acme".into()).with(&types::COW, "static".into());
    assert_eq!(sent(&context), "arc-str=acme,cow=static");
}

#[test]
fn an_option_travels_if_something_is_in_it() {
    let header = "option-arc-str=a%20b,option-number=7,option-string=";
    let context = received(&[header]);
    assert_eq!(context[&types::OPTION_NUMBER], Some(7));
    assert_eq!(context[&types::OPTION_ARC_STR].as_deref(), Some("a b"));
    assert_eq!(context[&types::OPTION_STRING].as_deref(), Some(""), "an empty text is one");
    assert_eq!(sent(&context), header);
    let context = context.with(&types::OPTION_NUMBER, None).with(&types::OPTION_ARC_STR, None);
    assert_eq!(sent(&context), "option-string=", "what came in does not go on where the variable says `None`");
    let (context, skipped) = Baggage::parse(["option-number=many"]).0.apply(Context::new());
    assert!(!context.contains(&types::OPTION_NUMBER) && skipped[0].is_wrong_value());
}

#[test]
fn variables_leave_in_the_order_of_their_keys_behind_what_came_in() {
    let context = received(&["user=ada,client=acme"]).with(&LEVEL, 2).with(&types::COW, "moo".into());
    assert_eq!(sent(&context), "user=ada,client=acme,cow=moo,grade=2");
}

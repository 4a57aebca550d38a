//! Variables that travel: what becomes of them in a header, and of a header in a context.

use std::collections::{BTreeMap, HashMap};

use contextvars::baggage::{self, Baggage, Extractor, Injector};
use contextvars::{Context, context_var, copy_context, inherit_context, tokio, with_context};
use http::{HeaderMap, HeaderValue};

#[context_var(baggage = "tenant")]
static TENANT: String;

#[context_var(baggage = "level", default = 1)]
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

/// Keys and decoded values.
fn members(header: &str) -> Vec<(String, String)> {
    let (baggage, skipped) = Baggage::parse([header]);
    assert!(skipped.is_empty(), "{skipped:?}");
    baggage.iter().map(|member| (member.key().to_owned(), member.value().into_owned())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn only_what_is_declared_to_travel_and_is_set_leaves() {
    let context = Context::new().with(&TENANT, "acme".to_owned()).with(&SECRET, "hunter2".to_owned());
    assert_eq!(sent(&context), "tenant=acme");
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
fn white_space_around_the_parts_does_not_count() {
    assert_eq!(
        members("SomeKey \t = \t SomeValue \t ; \t SomeProp \t , \t Key2 \t = \t Value2 \t ; \t Prop \t = \t Val"),
        pairs(&[("SomeKey", "SomeValue"), ("Key2", "Value2")])
    );
}

#[test]
fn a_value_may_have_equals_signs_in_it() {
    assert_eq!(members("k=a=b==,j=="), pairs(&[("k", "a=b=="), ("j", "=")]));
}

#[test]
fn several_headers_are_read_as_one() {
    let context = received(&["tenant=acme, user=ada", "level=3"]);
    assert_eq!((context[&TENANT].as_str(), context[&LEVEL]), ("acme", 3));
    assert_eq!(sent(&context), "tenant=acme,user=ada,level=3");
}

#[test]
fn empty_members_are_nothing() {
    assert_eq!(members(""), []);
    assert_eq!(members(" , ,a=1,,b=2, "), pairs(&[("a", "1"), ("b", "2")]));
}

#[test]
fn bytes_that_are_no_text_become_replacement_characters() {
    assert_eq!(members("k=%ff%fea"), pairs(&[("k", "\u{fffd}\u{fffd}a")]));
}

#[test]
fn properties_are_told_apart() {
    let (baggage, _) = Baggage::parse(["k = v ; a ; b = c=d ;e=,plain=1"]);
    let all: Vec<Vec<_>> = baggage.iter().map(|member| member.properties().collect()).collect();
    assert_eq!(all, [vec![("a", None), ("b", Some("c=d")), ("e", Some(""))], vec![]]);
}

#[test]
fn what_no_variable_stands_for_passes_through_untouched() {
    let header = "a=%41%zz;p = 1;q,tenant=acme,b = x ,a=2";
    assert_eq!(sent(&received(&[header])), "a=%41%zz;p = 1;q,tenant=acme,b = x,a=2");
}

#[test]
fn an_unchanged_variable_passes_through_with_its_properties_and_a_changed_one_does_not() {
    let context = received(&["a=1,tenant=ac%6de;secure, level = 007 ;ttl=5"]);
    assert_eq!(context[&LEVEL], 7);
    assert_eq!(sent(&context), "a=1,tenant=ac%6de;secure,level = 007 ;ttl=5");
    let context = context.with(&LEVEL, 8);
    assert_eq!(sent(&context), "a=1,tenant=ac%6de;secure,level=8");
}

#[test]
fn a_variable_that_is_reset_does_not_leave() {
    let mut context = Context::new();
    context.run(|| {
        let token = TENANT.set("acme".to_owned());
        assert_eq!(Baggage::current().0.to_string(), "tenant=acme");
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
fn of_two_members_with_one_key_the_last_counts_and_one_leaves() {
    let context = received(&["level=1,level=2"]);
    assert_eq!(context[&LEVEL], 2);
    assert_eq!(sent(&context), "level=2");
}

/// Two libraries that want the same.
mod sharing {
    #[contextvars::context_var(baggage = "shared")]
    pub(super) static ONE: u8;
    #[contextvars::context_var(baggage = "shared")]
    pub(super) static OTHER: u8;
}

#[test]
fn two_variables_with_one_key_are_both_set_and_one_of_them_leaves() {
    let context = received(&["shared=1"]);
    assert_eq!((context[&sharing::ONE], context[&sharing::OTHER]), (1, 1));
    assert_eq!(sent(&context), "shared=1");
    assert_eq!(sent(&Context::new().with(&sharing::OTHER, 2)), "shared=2");
    let both = Context::new().with(&sharing::ONE, 3).with(&sharing::OTHER, 3);
    assert_eq!(sent(&both), "shared=3");
}

#[test]
fn what_was_received_is_inherited_but_does_not_follow_detached_work() {
    received(&["user=ada"]).run(|| {
        assert_eq!(sent(&inherit_context()), "user=ada");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        let in_task =
            with_context!(LEVEL = 2, async { tokio::spawn(async { Baggage::current().0.to_string() }).await });
        assert_eq!(runtime.block_on(in_task).expect("the task ends"), "user=ada,level=2");
        assert_eq!(sent(&Context::new()), "");
    });
}

#[test]
fn a_request_within_a_request_brings_its_own_baggage() {
    let outer = received(&["user=ada,tenant=acme"]);
    let (inner, _) = Baggage::parse(["plan=pro"]).0.apply(outer.clone());
    assert_eq!(sent(&inner), "plan=pro,tenant=acme");
    let (inner, _) = Baggage::default().apply(outer);
    assert_eq!(sent(&inner), "tenant=acme");
}

#[test]
fn what_was_received_does_not_show_in_debug_output() {
    let context = received(&["session=s3cr3t"]);
    let shown = format!("{context:?} {:?}", Baggage::of(&context));
    assert!(!shown.contains("s3cr3t") && shown.contains("session"), "{shown}");
}

#[test]
fn malformed_members_are_left_out_one_by_one_with_a_reason() {
    let cases: [(&[u8], &str, &str); 11] = [
        (b"lonely", "lonely", "no `=`"),
        (b"lonely;p=1", "lonely", "no `=`"),
        (b"=x", "", "its key"),
        (b"a b=x", "a b", "its key"),
        ("ключ=x".as_bytes(), "ключ", "character"),
        (b"k=a b", "k", "percent-encoded"),
        (b"k=\"x\"", "k", "percent-encoded"),
        (b"k=\xff", "k", "percent-encoded"),
        (b"\xff=x", "\u{fffd}", "its key"),
        (b"k=v;p=\xff", "k", "properties"),
        (b"k=v;=p", "k", "properties"),
    ];
    for (bad, key, reason) in cases {
        let header = [b"a=1,", bad, b",b=2"].concat();
        let (baggage, skipped) = Baggage::parse([header]);
        assert_eq!(baggage.to_string(), "a=1,b=2");
        let [skipped] = &skipped[..] else { panic!("one member is left out: {skipped:?}") };
        assert_eq!(skipped.key(), key);
        assert!(skipped.is_malformed() && !skipped.is_over_limit() && !skipped.is_wrong_value());
        assert!(skipped.to_string().contains(reason), "{skipped}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_left_out_and_the_variable_stays_as_it_was() {
    let (baggage, _) = Baggage::parse(["level=high,tenant=acme,user=ada"]);
    let (context, skipped) = baggage.apply(Context::new().with(&LEVEL, 5));
    assert_eq!((context[&LEVEL], context[&TENANT].as_str()), (5, "acme"));
    assert!(skipped.len() == 1 && skipped[0].is_wrong_value());
    assert!(!skipped[0].is_malformed() && !skipped[0].is_over_limit());
    assert_eq!(skipped[0].to_string(), r#"the baggage member "level" was left out: its value cannot be read as `u8`"#);
    assert_eq!(sent(&context), "tenant=acme,user=ada,level=5");
}

#[test]
fn a_list_can_be_walked_through_as_a_slice_can() {
    let (baggage, _) = Baggage::parse(["a=1,b=2"]);
    let mut keys = Vec::new();
    for member in &baggage {
        keys.push(member.key());
    }
    assert_eq!(keys, ["a", "b"]);
}

#[test]
fn a_reason_does_not_tell_the_value() {
    let (baggage, mut skipped) = Baggage::parse(["k=se cret"]);
    skipped.extend(Baggage::parse(["level=secret"]).0.apply(Context::new()).1);
    assert!(baggage.is_empty() && skipped.len() == 2);
    assert_eq!(format!("{:?}", skipped[1]), format!("Skipped({})", skipped[1]));
    assert!(!format!("{skipped:?}").contains("cret"));
}

#[test]
fn sixty_four_members_pass_and_no_more() {
    let header: Vec<String> = (0..65).map(|number| format!("k{number}=v")).collect();
    let (baggage, skipped) = Baggage::parse([header.join(",")]);
    assert_eq!(baggage.len(), 64);
    assert!(skipped.len() == 1 && skipped[0].is_over_limit() && skipped[0].key() == "k64");
    assert!(skipped[0].to_string().ends_with("there are 64 members without it, and no more are allowed"));
}

#[test]
fn eight_thousand_one_hundred_and_ninety_two_bytes_pass_and_no_more() {
    for (length, fits) in [(8190, true), (8191, false)] {
        let header = format!("a={}", "0".repeat(length));
        let (baggage, skipped) = Baggage::parse([&header]);
        assert_eq!((baggage.len(), skipped.len()), if fits { (1, 0) } else { (0, 1) });
        let two = format!("b=1,a={}", "0".repeat(length - 4));
        let (baggage, skipped) = Baggage::parse([&two]);
        assert_eq!((baggage.len(), skipped.len()), if fits { (2, 0) } else { (1, 1) });
        let too_long = |it: &baggage::Skipped| it.to_string().ends_with("the header would be longer than 8,192 bytes");
        assert!(skipped.iter().all(too_long));
        if fits {
            assert_eq!((header.len(), two.len()), (8192, 8192));
            assert_eq!(baggage.to_string(), two);
        }
    }
}

#[test]
fn the_limit_is_on_what_is_encoded() {
    // 2,000 characters, 6,000 bytes, 18,000 bytes encoded.
    let context = Context::new().with(&TENANT, "€".repeat(2000)).with(&LEVEL, 3);
    let (baggage, skipped) = Baggage::of(&context);
    assert_eq!(baggage.to_string(), "level=3");
    assert!(skipped.len() == 1 && skipped[0].is_over_limit() && skipped[0].key() == "tenant");
}

#[test]
fn variables_come_before_what_merely_passes_through() {
    let foreign: Vec<String> = (0..64).map(|number| format!("k{number}={}", "x".repeat(100))).collect();
    let context = received(&[&foreign.join(",")]).with(&TENANT, "y".repeat(2000)).with(&LEVEL, 3);
    let (baggage, skipped) = Baggage::of(&context);
    let header = baggage.to_string();
    assert!(header.len() <= 8192 && baggage.len() <= 64);
    assert!(header.contains("tenant=yyyy") && header.contains("level=3"));
    assert!(
        baggage.len() + skipped.len() == 66 && skipped.iter().all(|it| it.is_over_limit() && it.key().starts_with('k'))
    );
}

#[test]
fn a_list_of_complaints_stays_short() {
    let (baggage, skipped) = Baggage::parse(["bad,".repeat(100_000)]);
    assert!(baggage.is_empty());
    assert_eq!(skipped.len(), 64);
    let (_, skipped) = Baggage::parse(["x".repeat(100_000)]);
    assert!(skipped[0].key().len() <= 64);
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
    let headers = vec![("Baggage".to_owned(), "tenant=acme".to_owned()), ("BAGGAGE".to_owned(), "level=2".to_owned())];
    let (context, _) = baggage::extract(&headers, Context::new());
    assert_eq!((context[&TENANT].as_str(), context[&LEVEL]), ("acme", 2));
}

#[test]
fn several_headers_of_http_are_read_and_become_one() {
    let mut headers = HeaderMap::new();
    headers.append("baggage", HeaderValue::from_static("tenant=acme"));
    headers.append("baggage", HeaderValue::from_bytes(b"bad=\xff,level=2").expect("HTTP allows it"));
    let (mut context, skipped) = baggage::extract(&headers, Context::new());
    assert!(skipped.len() == 1 && skipped[0].key() == "bad");
    context.run(|| baggage::inject(&mut headers));
    let values: Vec<_> = headers.get_all("baggage").iter().collect();
    assert_eq!(values, ["tenant=acme,level=2"]);
}

/// A sequence of numbers without a pattern, the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from(number >> 33).expect("31 bits fit") % bound
    }
}

#[test]
fn no_input_panics_and_what_is_read_can_be_written_and_read_again() {
    /// Whole members, what matters to the grammar, and what does not.
    const PARTS: [&[u8]; 28] = [
        b"level=1,",
        b", level = 255 ",
        b"tenant=",
        b"tenant=a%20b;p=q,",
        b"k=v,",
        b";p;q=r,",
        b",",
        b",",
        b"level",
        b"k",
        b"=",
        b"=",
        b";",
        b" ",
        b"\t",
        b"%",
        b"%4",
        b"%41",
        b"%ff",
        b"1",
        b"a",
        b"\"",
        b"\\",
        b"\xff",
        b"\xe2\x82\xac",
        b"\0",
        b"\r\n",
        b"0123456789",
    ];
    let mut numbers = Numbers(2026);
    let mut read = 0;
    for round in 0..200_000 {
        let count = 1 + numbers.below(2);
        let headers: Vec<Vec<u8>> = (0..count)
            .map(|_| {
                // Once in a while one that goes beyond the limits.
                let length = if round % 10_000 == 0 { 3000 } else { numbers.below(12) };
                (0..length)
                    .flat_map(|_| match numbers.below(16) {
                        0 => vec![u8::try_from(numbers.below(256)).expect("a byte")],
                        _ => PARTS[numbers.below(PARTS.len())].to_vec(),
                    })
                    .collect()
            })
            .collect();
        let (baggage, _) = Baggage::parse(&headers);
        let text = baggage.to_string();
        assert!(text.len() <= 8192 && baggage.len() <= 64, "{headers:?}");
        let (again, skipped) = Baggage::parse([&text]);
        assert!(again == baggage && skipped.is_empty(), "{headers:?}");
        let (context, _) = baggage.clone().apply(Context::new());
        let (out, skipped) = Baggage::of(&context);
        assert!(skipped.is_empty(), "nothing was added, so it fits: {headers:?}");
        assert_eq!(Baggage::parse([out.to_string()]).0, out, "{headers:?}");
        let (same, _) = out.apply(Context::new());
        assert_eq!((same.get(&TENANT), same.get(&LEVEL)), (context.get(&TENANT), context.get(&LEVEL)), "{headers:?}");
        read += usize::from(context.contains(&LEVEL));
    }
    assert!(read > 1000, "many inputs make sense: {read}");
}

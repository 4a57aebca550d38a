//! The header: how it is read when it comes in, wherever it is from, and in which form it is sent on.
//!
//! The specification: <https://www.w3.org/TR/baggage/>.

/// The characters that `#[context_var]` accepts in keys and names.
#[path = "../../../contextvars-macros/src/context_var/token.rs"]
mod token;

use std::collections::HashSet;

use contextvars::baggage::{self, Baggage, Settings};
use contextvars::{Context, context_var};

#[context_var(baggage = "tenant")]
static TENANT: String;

#[context_var(baggage = "level")]
static LEVEL: u8;

#[context_var(baggage = "listed")]
static LISTED: u8;

#[context_var(baggage = "unlisted")]
static UNLISTED: u8;

#[context_var]
static LOCAL: u8;

/// What is sent on of these headers, of which nothing may be left out.
fn passed_on(headers: &[&[u8]]) -> String {
    let (baggage, skipped) = Baggage::parse(headers);
    assert!(skipped.is_empty(), "{skipped:?}");
    let (context, skipped) = baggage.apply(Context::new());
    assert!(skipped.is_empty(), "{skipped:?}");
    let (sent, skipped) = Baggage::of(&context);
    assert!(skipped.is_empty(), "{skipped:?}");
    sent.to_string()
}

/// Keys and decoded values.
fn members(header: impl AsRef<[u8]>) -> Vec<(String, String)> {
    let (baggage, skipped) = Baggage::parse([header]);
    assert!(skipped.is_empty(), "{skipped:?}");
    baggage.iter().map(|member| (member.key().to_owned(), member.value().into_owned())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A header with so many members.
fn numbered(count: usize) -> String {
    (0..count).map(|number| format!("k{number}=v")).collect::<Vec<_>>().join(",")
}

#[test]
fn white_space_around_the_parts_does_not_count() {
    let header = "SomeKey \t = \t SomeValue \t ; \t SomeProp \t , \t Key2 \t = \t Value2 \t ; \t Prop \t = \t Val";
    assert_eq!(members(header), pairs(&[("SomeKey", "SomeValue"), ("Key2", "Value2")]));
    assert_eq!(passed_on(&[header.as_bytes()]), "SomeKey=SomeValue;SomeProp,Key2=Value2;Prop=Val");
    assert_eq!(members(" a = 1\r\n,\tb = 2\n"), pairs(&[("a", "1"), ("b", "2")]), "as if the line went on");
}

#[test]
fn a_value_may_have_equals_signs_in_it() {
    assert_eq!(members("k=a=b==,j=="), pairs(&[("k", "a=b=="), ("j", "=")]));
    assert_eq!(passed_on(&[b"k=a=b==,j=="]), "k=a=b==,j==");
}

#[test]
fn a_value_may_be_empty() {
    assert_eq!(members("k=,j= ;p"), pairs(&[("k", ""), ("j", "")]));
}

#[test]
fn empty_members_are_nothing() {
    assert_eq!(members(""), []);
    assert_eq!(members(" , ,a=1,,b=2, "), pairs(&[("a", "1"), ("b", "2")]));
}

#[test]
fn empty_properties_are_nothing() {
    assert_eq!(passed_on(&[b"foo=1;,bar=2;; ;p;,level=3;"]), "foo=1,bar=2;p,level=3");
}

#[test]
fn properties_are_told_apart_and_their_values_decoded() {
    let (baggage, _) = Baggage::parse(["k = v ; a ; b = c=d ;e=;f=x%20y%C3%A9%ff,plain=1"]);
    let all: Vec<Vec<_>> = baggage.iter().map(|member| member.properties().collect()).collect();
    let with_values = [("b", "c=d"), ("e", ""), ("f", "x yé\u{fffd}")].map(|(key, value)| (key, Some(value.into())));
    assert_eq!(all, [[("a", None)].into_iter().chain(with_values).collect(), vec![]]);
}

#[test]
fn a_lone_percent_sign_is_sent_as_percent_25() {
    for (header, value, sent) in [
        ("k=100%", "100%", "k=100%25"),
        ("k=%", "%", "k=%25"),
        ("k=%4", "%4", "k=%254"),
        ("k=%zz%41", "%zzA", "k=%25zz%41"),
        ("k=%%41", "%A", "k=%25%41"),
        ("k=v;p=5%", "v", "k=v;p=5%25"),
    ] {
        assert_eq!(members(header), pairs(&[("k", value)]));
        assert_eq!(passed_on(&[header.as_bytes()]), sent);
    }
    assert_eq!(passed_on(&[b"tenant=100%"]), "tenant=100%25", "and so where a variable stands for it");
}

#[test]
fn what_should_have_been_encoded_is_read_and_sent_encoded() {
    let cases: [(&[u8], &str, &str); 8] = [
        (b"k=two words", "two words", "k=two%20words"),
        (b"k=\"quoted\"", "\"quoted\"", "k=%22quoted%22"),
        (b"k=back\\slash", "back\\slash", "k=back%5Cslash"),
        (b"k=a\tb", "a\tb", "k=a%09b"),
        (b"k=a\0b\x7f", "a\0b\x7f", "k=a%00b%7F"),
        ("k=Röd".as_bytes(), "Röd", "k=R%C3%B6d"),
        (b"k=R\xf6d", "R\u{fffd}d", "k=R%EF%BF%BDd"),
        (b"k=v;p = two words ;q=\"x\"", "v", "k=v;p=two%20words;q=%22x%22"),
    ];
    for (header, value, sent) in cases {
        assert_eq!(members(header), pairs(&[("k", value)]));
        assert_eq!(passed_on(&[header]), sent);
    }
}

#[test]
fn a_quote_does_not_hold_a_value_together() {
    assert_eq!(members("k=\"a,b=c\";p"), pairs(&[("k", "\"a"), ("b", "c\"")]), "as the specification has no quotes");
}

#[test]
fn an_encoding_that_is_not_utf_8_is_read_as_u_fffd_and_sent_as_it_came() {
    assert_eq!(members("k=%ff%fea"), pairs(&[("k", "\u{fffd}\u{fffd}a")]));
    assert_eq!(passed_on(&[b"k=%ff%fea"]), "k=%ff%fea");
}

#[test]
fn what_no_variable_stands_for_passes_through_with_the_encoding_that_it_came_with() {
    assert_eq!(passed_on(&[b"a=%41+%c3%a9;p = 1;q,tenant=acme,b = x=y "]), "a=%41+%c3%a9;p=1;q,tenant=acme,b=x=y");
}

#[test]
fn of_several_members_with_one_key_the_last_counts_and_one_leaves() {
    assert_eq!(passed_on(&[b"level=1;p,a=1,level=2,a=2"]), "level=2,a=2");
    assert_eq!(passed_on(&[b"a=1,b=1", b"a=2", b"b=2, a=3"]), "b=2,a=3", "in several headers, too");
    let (context, _) = Baggage::parse(["level=1,level=2"]).0.apply(Context::new());
    assert_eq!(context[&LEVEL], 2);
}

#[test]
fn of_sixty_five_members_with_one_key_the_last_counts() {
    let header = (0..65).map(|number| format!("level={number}")).collect::<Vec<_>>().join(",");
    assert_eq!(passed_on(&[header.as_bytes()]), "level=64");
    let full = format!("level=1,{},level=2", numbered(63));
    let (baggage, skipped) = Baggage::parse([&full]);
    assert_eq!((baggage.len(), skipped.len()), (64, 0), "what is replaced makes room");
    assert!(baggage.to_string().ends_with(",k62=v,level=2"));
}

#[test]
fn a_value_that_was_replaced_does_not_count_again_if_the_later_one_does_not_fit() {
    let (baggage, skipped) = Baggage::parse([format!("a=1,level=1,b=2,level={}", "9".repeat(9000))]);
    assert_eq!(baggage.to_string(), "a=1,b=2");
    assert!(skipped.len() == 1 && skipped[0].is_over_limit() && skipped[0].key() == "level");
}

#[test]
fn malformed_members_are_left_out_one_by_one_with_a_reason() {
    let cases: [(&[u8], &str, &str); 8] = [
        (b"lonely", "lonely", "no `=`"),
        (b"lonely;p=1", "lonely", "no `=`"),
        (b"=x", "", "its key"),
        (b" = ", "", "its key"),
        (b"a b=x", "a b", "its key"),
        (b"\"a\"=x", "\"a\"", "its key"),
        ("ключ=x".as_bytes(), "ключ", "its key"),
        (b"\xff=x", "\u{fffd}", "its key"),
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
fn a_property_with_a_wrong_key_is_left_out_and_its_member_stays() {
    for properties in ["=p", "two words", "a b=c", "é=1", "=;\"q\"=1"] {
        let (baggage, skipped) = Baggage::parse([format!("a=1,k=v;good=1;{properties};also,b=2")]);
        assert_eq!(baggage.to_string(), "a=1,k=v;good=1;also,b=2");
        let [skipped] = &skipped[..] else { panic!("they are reported once: {skipped:?}") };
        assert!(skipped.is_malformed() && skipped.key() == "k");
        assert!(skipped.to_string().starts_with("properties of the baggage member \"k\" were left out: "), "{skipped}");
    }
}

#[test]
fn sixty_four_members_pass_by_default() {
    let (baggage, skipped) = Baggage::parse([numbered(65)]);
    assert_eq!(baggage.len(), 64);
    assert!(skipped.len() == 1 && skipped[0].is_over_limit() && skipped[0].key() == "k64");
    assert!(skipped[0].to_string().ends_with("with it there would be more than 64 members, which is the limit"));
}

#[test]
fn eight_thousand_one_hundred_and_ninety_two_bytes_pass_by_default() {
    for (length, fits) in [(8190, true), (8191, false)] {
        let header = format!("a={}", "0".repeat(length));
        let (baggage, skipped) = Baggage::parse([&header]);
        assert_eq!((baggage.len(), skipped.len()), if fits { (1, 0) } else { (0, 1) });
        let two = format!("b=1,a={}", "0".repeat(length - 4));
        let (baggage, skipped) = Baggage::parse([&two]);
        assert_eq!((baggage.len(), skipped.len()), if fits { (2, 0) } else { (1, 1) });
        let too_long = "with it the header would be longer than 8192 bytes, which is the limit";
        assert!(skipped.iter().all(|it| it.to_string().ends_with(too_long)));
        if fits {
            assert_eq!((header.len(), two.len()), (8192, 8192));
            assert_eq!(baggage.to_string(), two);
        }
    }
}

#[test]
fn white_space_does_not_count_towards_the_size() {
    let spaces = " ".repeat(10_000);
    let header = format!("a{spaces}={spaces}1{spaces};{spaces}p{spaces}={spaces}2{spaces},{spaces}b=3");
    assert_eq!(passed_on(&[header.as_bytes()]), "a=1;p=2,b=3");
    let full = format!("a={}", "0".repeat(8190));
    assert_eq!(passed_on(&[full.replace('=', " = ").as_bytes()]), full);
}

#[test]
fn what_is_encoded_anew_counts_as_it_is_sent() {
    let (baggage, skipped) = Baggage::parse([format!("a={}", "%".repeat(8000))]);
    assert!(baggage.is_empty() && skipped[0].is_over_limit());
}

#[test]
fn more_is_read_and_sent_where_the_settings_allow_it() {
    let settings = Settings::new().most_members(180);
    let headers = vec![("baggage".to_owned(), numbered(181))];
    let (mut context, skipped) = settings.extract(&headers, Context::new());
    assert!(skipped.len() == 1 && skipped[0].key() == "k180");
    assert!(skipped[0].to_string().contains("more than 180 members"), "{}", skipped[0]);
    assert_eq!(settings.of(&context).0.len(), 180);
    context.run(|| {
        let mut headers: Vec<(String, String)> = Vec::new();
        assert!(settings.inject(&mut headers).is_empty());
        assert_eq!(headers, [("baggage".to_owned(), numbered(180))]);
        assert_eq!(baggage::inject(&mut headers).len(), 116, "by the specification's limits, 64 go out");
        assert_eq!(headers, [("baggage".to_owned(), numbered(64))]);
    });
    let large = format!("a={}", "0".repeat(20_000));
    assert_eq!(Settings::new().most_bytes(20_002).parse([&large]).0.to_string(), large);
    assert!(Settings::new().most_bytes(20_001).parse([&large]).0.is_empty());
}

#[test]
fn less_is_read_and_sent_where_the_settings_say_so() {
    let few = Settings::new().most_members(1);
    assert_eq!(few.parse(["a=1,b=2"]).0.to_string(), "a=1");
    let none = Settings::new().most_members(0);
    assert!(none.parse(["a=1"]).0.is_empty());
    let context = Context::new().with(&TENANT, "acme".to_owned()).with(&LEVEL, 3);
    assert_eq!(few.of(&context).0.to_string(), "level=3", "the first by its key");
    assert_eq!(Settings::new().most_bytes(11).of(&context).0.to_string(), "level=3");
    assert_eq!(Settings::new().most_bytes(19).of(&context).0.to_string(), "level=3,tenant=acme");
    assert_eq!(Settings::new().most_bytes(18).of(&context).0.to_string(), "level=3");
}

#[test]
fn what_merely_passes_through_can_be_withheld() {
    let header = format!("{},level=3;p,tenant=acme,level=high", numbered(100));
    let headers = vec![("baggage".to_owned(), header)];
    let settings = Settings::new().variables_only();
    let (context, skipped) = settings.extract(&headers, Context::new());
    assert!(skipped.len() == 1 && skipped[0].is_wrong_value(), "what is withheld does not use up the limits");
    assert_eq!(Baggage::of(&context).0.to_string(), "tenant=acme", "on the way in");

    let (context, _) = Baggage::parse(["a=1,level=3;p,b=2"]).0.apply(Context::new());
    let (sent, skipped) = settings.of(&context);
    assert_eq!((sent.to_string().as_str(), skipped.len()), ("level=3;p", 0), "on the way out");
    assert_eq!(Baggage::of(&context).0.to_string(), "a=1,level=3;p,b=2", "elsewhere it goes on");
}

#[test]
fn only_the_variables_of_a_list_are_read_and_written_and_nothing_passes_through() {
    let settings = Settings::new().only([LISTED.variable()]);
    let headers = vec![("baggage".to_owned(), "listed=7,unlisted=8,plan=pro".to_owned())];
    let (context, skipped) = settings.extract(&headers, Context::new());
    assert_eq!((context.get(&LISTED), context.contains(&UNLISTED), skipped.len()), (Some(&7), false, 0));
    assert_eq!(Baggage::of(&context).0.to_string(), "listed=7", "what was not let in is not passed on");

    let (context, _) = Settings::new().extract(&headers, Context::new());
    assert_eq!(settings.of(&context).0.to_string(), "listed=7");
    let context = Context::new().with(&UNLISTED, 8).with(&LISTED, 7);
    assert_eq!(settings.of(&context).0.to_string(), "listed=7");
    assert!(Settings::new().only([]).of(&context).0.is_empty());
    // What is left out does not count towards the limits.
    let (context, skipped) = settings.most_members(1).extract(&headers, Context::new());
    assert_eq!((context.get(&LISTED), skipped.len()), (Some(&7), 0));
}

#[test]
fn a_list_refuses_a_variable_without_a_key_and_names_it() {
    let refused = std::panic::catch_unwind(|| Settings::new().only([LOCAL.variable()])).expect_err("it panics");
    let message = refused.downcast_ref::<String>().expect("a text");
    assert!(message.contains("`LOCAL`") && message.contains("baggage = \"key\""), "{message}");
}

#[test]
fn a_list_of_complaints_stays_short() {
    let (baggage, skipped) = Baggage::parse(["bad,".repeat(100_000)]);
    assert!(baggage.is_empty());
    assert_eq!(skipped.len(), 64);
    let (_, skipped) = Baggage::parse(["x".repeat(100_000)]);
    assert!(skipped[0].key().len() <= 64);
}

#[test]
fn no_key_is_there_twice_whatever_came_in() {
    let mut numbers = Numbers(7);
    for _ in 0..2000 {
        let count = 1 + numbers.below(100);
        let all: Vec<_> = (0..count).map(|number| (format!("k{}", numbers.below(80)), number)).collect();
        let header = all.iter().map(|(key, number)| format!("{key}={number}")).collect::<Vec<_>>().join(",");
        let (baggage, skipped) = Settings::new().most_members(100).parse([&header]);
        assert!(skipped.is_empty());
        let keys: HashSet<_> = baggage.iter().map(|member| member.key().to_owned()).collect();
        assert_eq!(keys.len(), baggage.len(), "{header}");
        for member in &baggage {
            let last = all.iter().rev().find(|(key, _)| key == member.key()).expect("it came in");
            assert_eq!(member.value(), last.1.to_string(), "{header}");
        }
        assert!(all.iter().all(|(key, _)| keys.contains(key)), "{header}");
    }
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
        let (baggage, skipped) = Baggage::parse(&headers);
        assert!(skipped.len() <= 64, "{headers:?}");
        let text = baggage.to_string();
        assert!(text.len() <= 8192 && baggage.len() <= 64, "{headers:?}");
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte)), "{headers:?}");
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

#[test]
fn the_keys_that_a_declaration_may_have_are_those_that_are_read() {
    for letter in (0..=u32::from(u16::MAX)).filter_map(char::from_u32) {
        let key = format!("a{letter}b");
        let (baggage, _) = Baggage::parse([format!("{key}=1")]);
        assert_eq!(baggage.iter().any(|member| member.key() == key), token::is_in_token(letter), "{letter:?}");
    }
}

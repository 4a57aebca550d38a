//! The header `grpc-timeout`: it is written by the specification, with no more time than is left, and a header that is not
//! by the specification is refused.

use std::collections::HashMap;
use std::time::Duration;

use contextvars::deadline::{self, DEADLINE, Deadline, GrpcTimeout};
use contextvars::headers::Format;
use contextvars::tokio::runtime::Builder;
use contextvars::{Context, tokio, with_context};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

const NAME: &str = "grpc-timeout";

fn headers(values: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(NAME, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

/// Runs a test whose clock stands still.
fn while_the_clock_stands<R>(test: impl FnOnce() -> R) -> R {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async { test() })
}

/// The time that a header leaves.
fn read(value: &[u8]) -> Option<Duration> {
    let deadline = deadline::extract(&headers(&[value])).ok()?;
    Some(deadline.expect("there is a header").remaining())
}

/// The header that is sent with so much time left.
fn written(left: Duration) -> String {
    let mut headers = HeaderMap::new();
    with_context!(DEADLINE = Deadline::within(left), { deadline::inject(&mut headers) });
    headers[NAME].to_str().unwrap().to_owned()
}

#[test]
fn every_unit_is_read_with_up_to_eight_digits() {
    while_the_clock_stands(|| {
        let cases: [(&[u8], Duration); 10] = [
            (b"1H", Duration::from_secs(3600)),
            (b"2M", Duration::from_secs(120)),
            (b"3S", Duration::from_secs(3)),
            (b"4m", Duration::from_millis(4)),
            (b"5u", Duration::from_micros(5)),
            (b"6n", Duration::from_nanos(6)),
            (b"00000007S", Duration::from_secs(7)),
            (b"99999999n", Duration::from_nanos(99_999_999)),
            (b"99999999m", Duration::from_millis(99_999_999)),
            (b"99999999S", Duration::from_secs(99_999_999)),
        ];
        for (value, expected) in cases {
            assert_eq!(read(value), Some(expected), "{}", value.escape_ascii());
        }
        assert!(read(b"99999999H") > Some(Duration::from_secs(20 * 365 * 24 * 3600)), "as far as the clock goes");
        assert_eq!(read(b"0S"), Some(Duration::ZERO), "it has passed");
    });
}

#[test]
fn what_the_specification_does_not_have_is_refused_and_the_error_shows_it() {
    let values: [&[u8]; 21] = [
        b"",
        b"S",
        b"5",
        b"5s",
        b"5h",
        b"5 S",
        b" 5S",
        b"5S ",
        b"+5S",
        b"-5S",
        b"5.0S",
        b"1e3S",
        b"0x5S",
        b"5SS",
        b"123456789S",
        b"5ms",
        b"5S,5S",
        b"5\xC2\xB5",
        b"\xD9\xA3S",
        b"\xFF\xFF",
        b"soon",
    ];
    for value in values {
        let error = deadline::extract(&headers(&[value])).unwrap_err();
        let shown = format!("the header `grpc-timeout` is \"{}\": it must be up to 8 digits", value.escape_ascii());
        assert!(error.to_string().starts_with(&shown), "{error}");
        assert!(format!("{error:?}").contains("`grpc-timeout`"));
    }
    // Nor does a long one fill the log, or one that has control characters break its lines.
    let long = deadline::extract(&headers(&[&[b'9'; 8_000]])).unwrap_err().to_string();
    assert!(long.len() < 200, "{long}");
    let tab = deadline::extract(&headers(&[b"1\tS"])).unwrap_err().to_string();
    assert!(!tab.contains('\t'), "{tab}");
}

#[test]
fn without_the_header_there_is_none_and_of_several_the_shortest_counts() {
    while_the_clock_stands(|| {
        assert_eq!(deadline::extract(&HeaderMap::new()), Ok(None));
        let several = deadline::extract(&headers(&[b"5S", b"2S", b"3S"])).unwrap().unwrap();
        assert_eq!(several.remaining(), Duration::from_secs(2));
        assert!(deadline::extract(&headers(&[b"5S", b"soon"])).is_err());
    });
}

#[test]
fn what_came_in_shortens_the_deadline_in_force_and_does_not_extend_it() {
    while_the_clock_stands(|| {
        with_context!(DEADLINE = Deadline::within(Duration::from_secs(5)), {
            assert_eq!(deadline::extract(&headers(&[b"9S"])), Ok(Some(DEADLINE.get())));
            let (shorter, line) = (deadline::extract(&headers(&[b"3S"])).unwrap().unwrap(), line!());
            assert_eq!(shorter.remaining(), Duration::from_secs(3));
            let place = shorter.set_at();
            assert_eq!((place.file().ends_with("deadline_header.rs"), place.line()), (true, line));
        });
    });
}

#[test]
fn what_goes_out_is_the_finest_unit_that_eight_digits_are_enough_for() {
    while_the_clock_stands(|| {
        let cases = [
            (Duration::ZERO, "1n"),
            (Duration::from_nanos(1), "1n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_999), "100000u"),
            (Duration::from_secs(5), "5000000u"),
            (Duration::from_micros(99_999_999), "99999999u"),
            (Duration::from_micros(100_000_999), "100000m"),
            (Duration::from_secs(3600), "3600000m"),
            (Duration::from_millis(99_999_999), "99999999m"),
            (Duration::from_millis(100_000_999), "100000S"),
            (Duration::from_secs(99_999_999), "99999999S"),
            (Duration::from_secs(100_000_019), "1666666M"),
        ];
        for (left, expected) in cases {
            assert_eq!(written(left), expected, "{left:?}");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_what_is_left_and_not_what_was_allowed() {
    let work = with_context!(DEADLINE = Deadline::within(Duration::from_secs(5)), async {
        tokio::time::advance(Duration::from_secs(2)).await;
        let mut headers = HeaderMap::new();
        deadline::inject(&mut headers);
        headers
    });
    assert_eq!(work.await[NAME], "3000000u");
}

#[test]
fn a_header_that_was_there_stays_if_it_asks_for_less_or_nothing_is_known_to_be_left() {
    while_the_clock_stands(|| {
        let sent = |before: &[&[u8]]| {
            let mut headers = headers(before);
            deadline::inject(&mut headers);
            headers.get_all(NAME).iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(sent(&[b"9S"]), ["9S"]);
        assert!(sent(&[]).is_empty());
        with_context!(DEADLINE = Deadline::within(Duration::from_secs(5)), {
            assert_eq!(sent(&[b"3S"]), ["3S"]);
            assert_eq!(sent(&[b"9S"]), ["5000000u"]);
            assert_eq!(sent(&[b"soon"]), ["5000000u"]);
            // One is left, whatever came before or after it.
            assert_eq!(sent(&[b"soon", b"9S"]), ["5000000u"]);
            assert_eq!(sent(&[b"soon", b"1n"]), ["1n"]);
            assert_eq!(sent(&[b"4S", b"3S", b"9S"]), ["3S"]);
        });
    });
}

#[test]
fn a_map_of_headers_that_is_full_stays_as_it_is() {
    let mut full = HeaderMap::new();
    for number in 0.. {
        let name = http::HeaderName::try_from(format!("x-{number}")).unwrap();
        if full.try_append(name, HeaderValue::from_static("")).is_err() {
            break;
        }
    }
    let before = full.len();
    Deadline::within(Duration::from_secs(5)).sync_scope(|| deadline::inject(&mut full));
    assert_eq!((full.len(), full.contains_key(NAME)), (before, false));
}

#[test]
fn as_a_format_it_is_read_from_any_carrier_and_shortens_the_deadline_of_the_context() {
    while_the_clock_stands(|| {
        let (format, line) = (GrpcTimeout::new(), line!());
        let message = HashMap::from([("Grpc-Timeout".to_owned(), "3S".to_owned())]);
        let five_seconds = Context::new().with(&DEADLINE, Deadline::within(Duration::from_secs(5)));
        let one_second = Context::new().with(&DEADLINE, Deadline::within(Duration::from_secs(1)));
        for (before, left) in [(Context::new(), 3), (five_seconds.clone(), 3), (one_second, 1)] {
            let (ctx, skipped) = format.extract(&message, before);
            assert_eq!((ctx[&DEADLINE].remaining(), skipped.len()), (Duration::from_secs(left), 0));
            // The caller's own does not count, nor is it changed.
            assert!(!DEADLINE.is_set());
        }
        // The place is where the format was made.
        let (ctx, _) = format.extract(&message, Context::new());
        let place = ctx[&DEADLINE].set_at();
        assert_eq!((place.file().ends_with("deadline_header.rs"), place.line()), (true, line));
        // Of several the shortest; without the header all stays.
        let (ctx, _) = format.extract(&headers(&[b"4S", b"2S", b"3S"]), Context::new());
        assert_eq!(ctx[&DEADLINE].remaining(), Duration::from_secs(2));
        let (ctx, skipped) = format.extract(&HeaderMap::new(), five_seconds);
        assert_eq!((ctx[&DEADLINE].remaining(), skipped.len()), (Duration::from_secs(5), 0));
        assert!(!format.extract(&HeaderMap::new(), Context::new()).0.contains(&DEADLINE));
    });
}

#[test]
fn as_a_format_it_leaves_out_what_the_specification_does_not_have_and_reports_it() {
    while_the_clock_stands(|| {
        for values in [&[&b"soon"[..]][..], &[b"5S", b"soon"], &[b"soon", b"5S"], &[b"", b"soon"]] {
            let (ctx, skipped) = GrpcTimeout::new().extract(&headers(values), Context::new());
            assert!(!ctx.contains(&DEADLINE));
            assert_eq!(skipped.len(), 1);
            assert!(skipped[0].is_wrong_value());
            let message = r#"the header "grpc-timeout" was left out: its value cannot be read as `Deadline`"#;
            assert_eq!((skipped[0].key(), skipped[0].to_string()), (NAME, message.to_owned()));
        }
    });
}

#[test]
fn as_a_format_only_the_context_says_what_goes_out() {
    while_the_clock_stands(|| {
        let sent = |before: &[&[u8]]| {
            let mut headers = headers(before);
            assert!(GrpcTimeout::new().inject(&mut headers).is_empty());
            headers.get_all(NAME).iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert!(sent(&[b"9S"]).is_empty(), "no deadline is set");
        Deadline::within(Duration::from_secs(5)).sync_scope(|| {
            for before in [&[][..], &[&b"9S"[..]], &[b"1n"], &[b"soon", b"1n"]] {
                assert_eq!(sent(before), ["5000000u"]);
            }
            let mut message = vec![("GRPC-TIMEOUT".to_owned(), "9S".to_owned())];
            GrpcTimeout::new().inject(&mut message);
            assert_eq!(message, [(NAME.to_owned(), "5000000u".to_owned())]);
            GrpcTimeout::new().remove(&mut message);
            assert!(message.is_empty());
        });
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_arrives_is_never_more_than_was_left_and_hardly_less(seconds in 0_u64..400_000_000, nanos in 0_u32..1_000_000_000) {
        let left = Duration::new(seconds, nanos);
        let (value, arrived) = while_the_clock_stands(|| {
            let value = written(left);
            let arrived = read(value.as_bytes());
            (value, arrived)
        });
        let Some(arrived) = arrived else { panic!("{value} is by the specification") };
        prop_assert!(arrived <= left.max(Duration::from_nanos(1)), "{left:?} {value}");
        // Five digits: not more than one in ten thousand is lost.
        prop_assert!(left.saturating_sub(arrived) <= left / 10_000, "{left:?} {value}");
    }

    #[test]
    fn any_bytes_are_read_or_refused(value in proptest::collection::vec(any::<u8>(), 0..12)) {
        let Ok(header) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        let mut headers = HeaderMap::new();
        headers.insert(NAME, header);
        let is_by_the_specification = value.split_last().is_some_and(|(unit, digits)| {
            b"HMSmun".contains(unit) && (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        });
        prop_assert_eq!(deadline::extract(&headers).is_ok(), is_by_the_specification);
    }
}

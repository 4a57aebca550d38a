//! Whatever comes in as baggage: what can be read of it is within the limits, can be written and read again, and passes
//! through a context unharmed; and whatever text a variable has arrives as it left.
//!
//! The input is the header's value, or several with line ends between them.

#![no_main]

use contextvars::baggage::{Baggage, Skipped};
use contextvars::{Context, context_var};
use libfuzzer_sys::fuzz_target;

const MOST_MEMBERS: usize = 64;
const MOST_BYTES: usize = 8192;

#[context_var(baggage = "user")]
static USER: String;

#[context_var(baggage = "level")]
static LEVEL: u8;

fn is_within_limits(baggage: &Baggage) -> bool {
    baggage.len() <= MOST_MEMBERS && baggage.to_string().len() <= MOST_BYTES
}

/// What is read from what `baggage` is written as.
fn read_again(baggage: &Baggage) -> Baggage {
    let (again, skipped) = Baggage::parse([baggage.to_string()]);
    assert!(skipped.is_empty(), "{skipped:?}");
    again
}

fuzz_target!(|input: &[u8]| {
    let (baggage, skipped) = Baggage::parse(input.split(|&byte| byte == b'\n'));
    assert!(is_within_limits(&baggage) && skipped.len() <= MOST_MEMBERS);
    assert_eq!(read_again(&baggage), baggage);
    let text = baggage.to_string();
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte)));
    let mut keys: Vec<_> = baggage.iter().map(|member| member.key()).collect();
    keys.sort_unstable();
    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "one member for each key");
    for member in &baggage {
        let properties = member.properties().filter(|(key, _)| !key.is_empty()).count();
        assert!(!member.key().is_empty() && properties == member.properties().count());
    }

    let (received, wrong) = baggage.clone().apply(Context::new());
    assert!(wrong.iter().all(|skipped| skipped.is_wrong_value() && skipped.key() == "level"));
    let (sent, skipped) = Baggage::of(&received);
    assert!(is_within_limits(&sent) && skipped.iter().all(Skipped::is_over_limit));
    if skipped.is_empty() {
        let (again, wrong) = read_again(&sent).apply(Context::new());
        assert!(wrong.is_empty());
        assert_eq!((again.get(&USER), again.get(&LEVEL)), (received.get(&USER), received.get(&LEVEL)));
    }

    let text = String::from_utf8_lossy(input).into_owned();
    let (sent, skipped) = Baggage::of(&Context::new().with(&USER, text.clone()));
    if skipped.is_empty() {
        let (arrived, wrong) = read_again(&sent).apply(Context::new());
        assert!(wrong.is_empty());
        assert_eq!(arrived[&USER], text);
    }
});

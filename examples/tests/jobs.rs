//! Jobs in a queue: what they know of the request that enqueued them, whatever happens in between.

#[path = "../jobs/saved.rs"]
mod saved;
mod support;

use contextvars::{Context, context_var};
use support::example;
use tracing::level_filters::LevelFilter;

#[context_var(baggage = "request-id")]
static REQUEST_ID: u64;

#[context_var(baggage = "shard")]
static SHARD: u8;

#[context_var(baggage = "log-level")]
static LOG_LEVEL: LevelFilter;

#[context_var]
static USER: String;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The lines that the second worker logs about an order, with their fields sorted: they stand in the order in which a
/// process first set them.
fn output() -> Vec<String> {
    let output = example("jobs").output().expect("the example starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout).expect("logs are UTF-8");
    let sorted = |line: &str| {
        let (mut fields, words): (Vec<_>, Vec<_>) = line.split(' ').partition(|word| word.contains('='));
        fields.sort_unstable();
        [words, fields].concat().join(" ")
    };
    output.lines().map(sorted).collect()
}

#[test]
fn a_job_whose_process_is_killed_is_run_again_by_another_and_knows_its_request() {
    let lines = output();
    let about: Vec<_> = lines.iter().filter(|line| line.contains("order 17 is")).collect();
    let of = |attempt: u32| format!("attempt={attempt} request=7 shard=3 tenant=acme user=ada");
    assert_eq!(
        about,
        [
            &format!("first worker  |  INFO the invoice for order 17 is begun {}", of(1)),
            &format!("second worker |  INFO the invoice for order 17 is begun {}", of(2)),
            &format!("second worker |  INFO the invoice for order 17 is sent {}", of(2)),
        ]
    );
}

#[test]
fn what_an_older_version_enqueued_is_run_and_each_part_that_cannot_be_restored_is_reported() {
    let lines = output();
    let of_5: Vec<_> = lines.iter().filter(|line| line.contains(" request=4")).collect();
    let parts = ["`USER` was left out", "\"\" was left out", "\"shard\" was left out", "\"campaign\"; it is passed on"];
    for (line, part) in of_5.iter().zip(parts) {
        assert!(line.starts_with("second worker |  WARN ") && line.contains(part), "{line:?} has {part:?}");
    }
    assert_eq!(
        of_5[parts.len()..],
        [
            "second worker |  INFO the invoice for order 5 is begun attempt=1 request=4",
            "second worker |  INFO the invoice for order 5 is sent attempt=1 request=4",
        ]
    );
    let others: Vec<_> = lines.iter().filter(|line| line.contains("order 6") || line.contains("ERROR")).collect();
    assert_eq!(
        others[..2],
        [
            "second worker |  INFO the invoice for order 6 is begun attempt=1",
            "second worker |  INFO the invoice for order 6 is sent attempt=1",
        ]
    );
    assert!(others.len() == 3 && others[2].contains("job 5 stays in the queue"), "{others:?}");
}

#[test]
fn what_goes_to_jobs_is_not_what_goes_over_http() {
    let context = Context::new()
        .with(&REQUEST_ID, 7)
        .with(&SHARD, 3)
        .with(&LOG_LEVEL, LevelFilter::DEBUG)
        .with(&USER, "ada".to_owned());
    let mut headers = Vec::new();
    let payload = context.run_copy(|| {
        contextvars::baggage::inject(&mut headers);
        saved::payload(17).expect("it can be written")
    });
    assert_eq!(headers, [("baggage".to_owned(), "log-level=debug,request-id=7,shard=3".to_owned())]);
    assert_eq!(payload, r#"{"order":17,"context":"request-id=7,shard=3","user":"ada"}"#);

    let (order, restored) = saved::restored(&payload).expect("it can be read");
    assert_eq!((order, restored.get(&REQUEST_ID), restored.get(&SHARD)), (17, Some(&7), Some(&3)));
    assert_eq!((restored.get(&USER).map(String::as_str), restored.contains(&LOG_LEVEL)), (Some("ada"), false));
}

#[test]
fn what_a_job_s_payload_has_for_a_context_never_keeps_the_job_from_being_run() {
    let texts =
        ["", ",", "=", "shard", "shard=", "shard=-1", "shard=%FF", "shard=3,shard=x", "a b=c", "\u{0}", "ü=ü;;="];
    let others = ["null", "1", "[]", "{}", "true"].map(str::to_owned);
    let contexts = texts.map(|it| serde_json::to_string(it).expect("a text")).into_iter().chain(others);
    let users = ["null", "1", "[]", "{}", "\"\"", "true"];
    for context in contexts {
        for user in users {
            let payload = format!(r#"{{"order":1,"context":{context},"user":{user},"more":[1]}}"#);
            let (order, restored) = saved::restored(&payload).unwrap_or_else(|error| panic!("{payload}: {error}"));
            assert_eq!((order, restored.contains(&SHARD)), (1, false), "{payload}");
        }
    }
}

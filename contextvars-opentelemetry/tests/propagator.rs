//! The header that leaves and the one that comes in, beside the SDK's own propagator of baggage.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue};
use contextvars::baggage::{Settings, Skipped};
use contextvars::{Context as Variables, context_var, with_context};
use contextvars_opentelemetry::{BaggagePropagator, apply_baggage, carry};
use opentelemetry::baggage::{Baggage, BaggageExt, KeyValueMetadata};
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::{BaggagePropagator as SdkPropagator, TraceContextPropagator};
use proptest::prelude::*;

/// Whose request it is.
#[context_var(baggage = "tenant")]
static TENANT: String;

/// A number, which not every text is.
#[context_var(baggage = "shard")]
static SHARD: u8;

/// Nobody else's business.
#[context_var]
static SECRET: String;

fn with(members: impl IntoIterator<Item = (&'static str, String)>) -> Context {
    Context::new().with_baggage(members.into_iter().map(|(key, value)| KeyValue::new(key, value)))
}

/// The header that a propagator writes.
fn injected(propagator: &dyn TextMapPropagator, cx: &Context) -> Option<String> {
    let mut headers = HashMap::new();
    propagator.inject_context(cx, &mut headers);
    headers.remove("baggage")
}

/// The context that a propagator reads from headers.
fn extracted(propagator: &dyn TextMapPropagator, values: &[&str]) -> Context {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append("baggage", HeaderValue::from_str(value).expect("it can stand in a header"));
    }
    propagator.extract_with_context(&Context::new(), &HeaderExtractor(&headers))
}

fn value(cx: &Context, key: &str) -> Option<String> {
    cx.baggage().get(key).map(ToString::to_string)
}

/// A propagator, and what it reports.
fn reporting() -> (BaggagePropagator, Arc<Mutex<Vec<Skipped>>>) {
    let skipped = Arc::new(Mutex::new(Vec::new()));
    let report = Arc::clone(&skipped);
    let propagator = BaggagePropagator::new()
        .on_skipped(move |it| report.lock().unwrap_or_else(PoisonError::into_inner).push(it.clone()));
    (propagator, skipped)
}

/// `k=a=b==` is a member whose value is `a=b==`: the specification allows `=` in values.
const WITH_EQUALS: &str = "k=a=b==";

#[test]
fn a_value_with_equals_signs_survives_a_round_trip() {
    let ours = BaggagePropagator::new();
    let cx = extracted(&ours, &[WITH_EQUALS]);
    assert_eq!(value(&cx, "k").as_deref(), Some("a=b=="));
    let header = injected(&ours, &cx).expect("there is baggage");
    assert_eq!(value(&extracted(&ours, &[&header]), "k").as_deref(), Some("a=b=="));
    assert_eq!(value(&extracted(&SdkPropagator::new(), &[&header]), "k").as_deref(), Some("a=b=="), "{header}");
}

#[test]
fn the_sdks_own_propagator_still_cuts_a_value_at_an_equals_sign() {
    assert_eq!(value(&extracted(&SdkPropagator::new(), &[WITH_EQUALS]), "k").as_deref(), Some("a"));
}

/// 6,000 bytes, which are 18,000 when they are encoded.
fn two_thousand_euros() -> String {
    "€".repeat(2000)
}

#[test]
fn the_limit_holds_for_what_is_encoded_and_what_does_not_fit_is_reported() {
    let (ours, skipped) = reporting();
    let header = injected(&ours, &with([("k", two_thousand_euros()), ("small", "fits".to_owned())]));
    assert_eq!(header.as_deref(), Some("small=fits"));
    let skipped = skipped.lock().unwrap();
    assert!(skipped.len() == 1 && skipped[0].key() == "k" && skipped[0].is_over_limit(), "{skipped:?}");
}

#[test]
fn the_sdks_own_propagator_still_writes_a_header_of_18_kilobytes() {
    let header = injected(&SdkPropagator::new(), &with([("k", two_thousand_euros())])).expect("there is baggage");
    assert_eq!(header.len(), 18_002);
}

#[test]
fn every_baggage_header_is_read() {
    let cx = extracted(&BaggagePropagator::new(), &["a=1, b=2", "c=3"]);
    assert_eq!(["a", "b", "c"].map(|key| value(&cx, key)), ["1", "2", "3"].map(|it| Some(it.to_owned())));
}

#[test]
fn the_sdks_own_propagator_still_reads_the_first_baggage_header_alone() {
    let cx = extracted(&SdkPropagator::new(), &["a=1, b=2", "c=3"]);
    assert_eq!(["a", "b", "c"].map(|key| value(&cx, key).is_some()), [true, true, false]);
}

#[test]
fn a_header_that_is_too_long_loses_what_is_too_much_and_not_everything() {
    let (ours, skipped) = reporting();
    let long = format!("first=1,{}=2,last=3", "k".repeat(8192));
    let cx = extracted(&ours, &[&long]);
    assert_eq!((value(&cx, "first").as_deref(), value(&cx, "last").as_deref()), (Some("1"), Some("3")));
    assert_eq!(skipped.lock().unwrap().len(), 1);
    assert!(extracted(&SdkPropagator::new(), &[&long]).baggage().is_empty(), "the SDK's own drops it whole");
}

#[test]
fn no_more_than_sixty_four_members_leave_and_the_rest_is_reported() {
    let (ours, skipped) = reporting();
    // As many as OpenTelemetry's baggage can have, and one of ours.
    let cx = Context::new().with_baggage((0..64).map(|number| KeyValue::new(format!("k{number:02}"), "v")));
    let header = with_context!(TENANT = "acme".to_owned(), { injected(&ours, &cx) }).expect("there is baggage");
    assert!(header.starts_with("tenant=acme,k00=v,") && header.ends_with(",k62=v"), "{header}");
    let skipped = skipped.lock().unwrap();
    assert!(skipped.len() == 1 && skipped[0].key() == "k63" && skipped[0].is_over_limit(), "{skipped:?}");
}

#[test]
fn variables_and_baggage_share_a_header_and_the_variable_counts() {
    let cx = with([("tenant", "from baggage".to_owned()), ("plan", "pro".to_owned())]);
    let header = with_context!(TENANT = "from variable".to_owned(), { injected(&BaggagePropagator::new(), &cx) });
    assert_eq!(header.as_deref(), Some("tenant=from%20variable,plan=pro"));
    let unset = injected(&BaggagePropagator::new(), &cx);
    assert_eq!(unset.as_deref(), Some("plan=pro,tenant=from%20baggage"), "where it is not set, it has no say");
}

#[test]
fn what_is_not_declared_to_travel_does_not_leave() {
    with_context!(SECRET = "hunter2".to_owned(), {
        assert_eq!(injected(&BaggagePropagator::new(), &Context::new()), None);
        let header = injected(&BaggagePropagator::new(), &with([("plan", "pro".to_owned())]));
        assert_eq!(header.as_deref(), Some("plan=pro"));
    });
}

#[test]
fn baggage_that_came_in_sets_the_variables_and_a_wrong_value_is_reported() {
    let cx = extracted(&BaggagePropagator::new(), &["tenant=R%C3%B6d,shard=many,plan=pro"]);
    let (ctx, skipped) = apply_baggage(&cx, Variables::new());
    assert_eq!(ctx[&TENANT], "Röd");
    assert!(!ctx.contains(&SHARD));
    assert!(skipped.len() == 1 && skipped[0].key() == "shard" && skipped[0].is_wrong_value(), "{skipped:?}");
}

#[test]
fn baggage_that_was_changed_on_the_way_leaves_as_it_is_now() {
    let ours = BaggagePropagator::new();
    let cx = extracted(&ours, &["plan=free,note=1"]);
    let (mut ctx, _) = apply_baggage(&cx, Variables::new());
    let changed = with([("plan", "pro".to_owned())]);
    let header = ctx.run(|| injected(&ours, &changed));
    assert_eq!(header.as_deref(), Some("plan=pro"), "neither the old value, nor what was removed");
}

#[test]
fn a_variable_that_was_changed_on_the_way_leaves_as_it_is_now() {
    let ours = BaggagePropagator::new();
    let cx = extracted(&ours, &["tenant=acme;sealed;by=x%20y"]);
    let (mut ctx, _) = apply_baggage(&cx, Variables::new());
    assert_eq!(ctx.run(|| injected(&ours, &cx)).as_deref(), Some("tenant=acme;sealed;by=x%20y"));
    let header = ctx.run(|| with_context!(TENANT = "globex".to_owned(), { injected(&ours, &cx) }));
    assert_eq!(header.as_deref(), Some("tenant=globex"));
}

#[test]
fn properties_pass_through_as_they_came_and_those_of_our_own_are_encoded() {
    let ours = BaggagePropagator::new();
    let cx = extracted(&ours, &["plan = pro ; ttl = 60 ; sealed ;by=x%20y"]);
    assert_eq!(injected(&ours, &cx).as_deref(), Some("plan=pro;ttl=60;sealed;by=x%20y"));
    let own = KeyValueMetadata::new("plan", "pro", "note = two words, \"so\"; sealed;");
    let header = injected(&ours, &Context::new().with_baggage([own]));
    assert_eq!(header.as_deref(), Some("plan=pro;note=two%20words%2C%20%22so%22;sealed"));
}

#[test]
fn malformed_members_are_left_out_one_by_one_and_reported() {
    let (ours, skipped) = reporting();
    let cx = extracted(&ours, &["=x,broken,good=1,k y=2,quoted=\"q\"", "also=2;=p;q"]);
    assert_eq!(cx.baggage().len(), 3);
    assert_eq!((value(&cx, "good").as_deref(), value(&cx, "also").as_deref()), (Some("1"), Some("2")));
    assert_eq!(value(&cx, "quoted").as_deref(), Some("\"q\""));
    let skipped = skipped.lock().unwrap();
    assert!(skipped.len() == 4 && skipped.iter().all(Skipped::is_malformed), "{skipped:?}");
}

#[test]
fn a_lone_percent_sign_is_sent_as_percent_25() {
    let ours = BaggagePropagator::new();
    let cx = extracted(&ours, &["rate=100%;of=5%,done= 1 ;"]);
    assert_eq!((value(&cx, "rate").as_deref(), value(&cx, "done").as_deref()), (Some("100%"), Some("1")));
    assert_eq!(injected(&ours, &cx).as_deref(), Some("done=1,rate=100%25;of=5%25"));
    let own = KeyValueMetadata::new("rate", "100%41", "of=5%");
    let header = injected(&ours, &Context::new().with_baggage([own]));
    assert_eq!(header.as_deref(), Some("rate=100%2541;of=5%25"), "a value of our own is encoded once");
}

#[test]
fn what_the_sdks_own_propagator_writes_is_read_and_what_is_sent_on_it_reads() {
    let (ours, sdk) = (BaggagePropagator::new(), SdkPropagator::new());
    let members = [KeyValueMetadata::new("rate", "100% sure", "note=two words"), KeyValue::new("plan", "pro").into()];
    let header = injected(&sdk, &Context::new().with_baggage(members)).expect("there is baggage");
    assert!(header.contains("rate=100%%20sure;note=two words"), "neither `%` nor properties are encoded: {header}");
    let cx = extracted(&ours, &[&header]);
    assert_eq!((value(&cx, "rate").as_deref(), value(&cx, "plan").as_deref()), (Some("100% sure"), Some("pro")));
    let header = injected(&ours, &cx).expect("there is baggage");
    assert_eq!(header, "plan=pro,rate=100%25%20sure;note=two%20words");
    assert_eq!(value(&extracted(&sdk, &[&header]), "rate").as_deref(), Some("100% sure"));
}

#[test]
fn of_several_members_with_one_key_the_last_counts() {
    let members: Vec<_> = (0..65).map(|number| format!("shard={number}")).collect();
    let cx = extracted(&BaggagePropagator::new(), &[&members[..60].join(","), &members[60..].join(",")]);
    assert_eq!((cx.baggage().len(), value(&cx, "shard").as_deref()), (1, Some("64")));
}

#[test]
fn a_value_that_is_in_opentelemetrys_baggage_sets_its_variable_however_long_it_is_encoded() {
    let cx = with([("tenant", two_thousand_euros())]);
    let (ctx, skipped) = apply_baggage(&cx, Variables::new());
    assert_eq!(ctx[&TENANT], two_thousand_euros());
    assert!(skipped.is_empty(), "{skipped:?}");
}

#[test]
fn settings_allow_more_to_go_out_than_the_specification_asks_for() {
    let cx = with([("k", two_thousand_euros())]);
    let ours = BaggagePropagator::new().settings(Settings::new().most_bytes(18_002));
    assert_eq!(injected(&ours, &cx).map(|header| header.len()), Some(18_002));
}

#[test]
fn what_opentelemetry_has_no_room_for_is_reported_whatever_the_settings() {
    let (ours, skipped) = reporting();
    let ours = ours.settings(Settings::new().most_members(180));
    let header: Vec<_> = (0..66).map(|number| format!("k{number}=v")).collect();
    let cx = extracted(&ours, &[&header.join(",")]);
    assert_eq!(cx.baggage().len(), 64);
    let skipped = skipped.lock().unwrap();
    assert!(skipped.len() == 2 && skipped.iter().all(Skipped::is_over_limit), "{skipped:?}");
    assert_eq!((skipped[0].key(), skipped[1].key()), ("k64", "k65"));
}

#[test]
fn opentelemetrys_own_baggage_can_be_withheld() {
    let ours = BaggagePropagator::new().settings(Settings::new().variables_only());
    let cx = with([("plan", "pro".to_owned()), ("shard", "7".to_owned())]);
    let header = with_context!(TENANT = "acme".to_owned(), { injected(&ours, &cx) });
    assert_eq!(header.as_deref(), Some("tenant=acme,shard=7"), "a variable stands for `shard`, set or not");
    let cx = extracted(&ours, &["plan=pro,tenant=acme"]);
    assert_eq!((cx.baggage().len(), value(&cx, "tenant").as_deref()), (1, Some("acme")));
}

#[test]
fn where_nothing_can_be_read_the_given_context_is_returned() {
    let cx = with([("plan", "pro".to_owned())]);
    for header in ["", ",,", "broken"] {
        let headers = HashMap::from([("baggage".to_owned(), header.to_owned())]);
        let read = BaggagePropagator::new().extract_with_context(&cx, &headers);
        assert_eq!(value(&read, "plan").as_deref(), Some("pro"), "{header:?}");
    }
}

#[test]
fn a_report_may_attach_contexts_itself() {
    let propagator = BaggagePropagator::new().on_skipped(|_| drop(Context::new().attach()));
    let headers = HashMap::from([("baggage".to_owned(), "broken".to_owned())]);
    assert!(propagator.extract(&headers).baggage().is_empty());
    let _attached = with([("k", two_thousand_euros())]).attach();
    propagator.inject(&mut HashMap::new());
}

#[test]
fn inject_writes_what_is_current() {
    carry();
    let _attached = with([("plan", "pro".to_owned())]).attach();
    let thread = contextvars::thread::spawn(|| {
        let mut headers = HeaderMap::new();
        BaggagePropagator::new().inject(&mut HeaderInjector(&mut headers));
        headers
    });
    assert_eq!(thread.join().unwrap()["baggage"], "plan=pro");
}

#[test]
fn it_stands_beside_the_propagator_of_traces() {
    let both = TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(BaggagePropagator::new()),
    ]);
    let mut fields: Vec<_> = both.fields().collect();
    fields.sort_unstable();
    assert_eq!(fields, ["baggage", "traceparent", "tracestate"]);
    let headers = HashMap::from([
        ("traceparent".to_owned(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        ("baggage".to_owned(), "plan=pro".to_owned()),
    ]);
    let cx = both.extract_with_context(&Context::new(), &headers);
    let mut sent = HashMap::new();
    both.inject_context(&cx, &mut sent);
    assert_eq!((&sent["traceparent"], &sent["baggage"]), (&headers["traceparent"], &headers["baggage"]));
}

proptest! {
    #[test]
    fn whatever_opentelemetry_holds_survives_a_round_trip(
        members in proptest::collection::hash_map("[!#$%&'*+.^_`|~a-zA-Z0-9-]{1,8}", "\\PC{0,12}", 0..20)
    ) {
        let baggage: Baggage = members.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        let cx = Context::new().with_baggage(baggage);
        let (ours, skipped) = reporting();
        let header = injected(&ours, &cx).unwrap_or_default();
        prop_assert!(header.len() <= 8192 && header.is_ascii());
        let read = ours.extract_with_context(&Context::new(), &HashMap::from([("baggage".to_owned(), header)]));
        prop_assert_eq!(read.baggage().len(), members.len());
        for (key, value) in &members {
            prop_assert_eq!(read.baggage().get(key).map(opentelemetry::StringValue::as_str), Some(value.as_str()));
        }
        prop_assert!(skipped.lock().unwrap().is_empty());
    }

    #[test]
    fn no_header_whatsoever_makes_it_panic_and_what_leaves_is_within_the_limits(
        headers in proptest::collection::vec("[ -~\\t€]{0,200}", 0..4),
        metadata in "\\PC{0,40}",
    ) {
        struct Several(Vec<String>);
        impl opentelemetry::propagation::Extractor for Several {
            fn get(&self, _: &str) -> Option<&str> {
                self.0.first().map(String::as_str)
            }
            fn keys(&self) -> Vec<&str> {
                vec!["baggage"]
            }
            fn get_all(&self, _: &str) -> Option<Vec<&str>> {
                Some(self.0.iter().map(String::as_str).collect())
            }
        }
        let ours = BaggagePropagator::new();
        let cx = ours.extract_with_context(&Context::new(), &Several(headers));
        let own = KeyValueMetadata::new("own", "1", metadata);
        let all = cx.baggage().iter().map(|(key, (value, metadata))| {
            KeyValueMetadata::new(key.clone(), value.clone(), metadata.clone())
        });
        let cx = cx.with_baggage(all.chain([own]).collect::<Vec<_>>());
        if let Some(header) = injected(&ours, &cx) {
            prop_assert!(header.len() <= 8192 && header.is_ascii());
            prop_assert!(HeaderValue::from_str(&header).is_ok());
        }
        let _ = apply_baggage(&cx, Variables::new());
    }
}

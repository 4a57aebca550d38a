//! Names in log lines: none is there twice, whatever an event, a format or a list of variables calls its parts.

/// The names that `#[context_var]` refuses.
#[path = "../../../contextvars-macros/src/context_var/reserved.rs"]
mod reserved;

use std::fmt;
use std::sync::Mutex;

use contextvars::log::ContextLog;
use contextvars::tracing::ContextFormat;
use contextvars::{Context, context_var, with_context};
use log::kv::{self, Key, VisitSource};
use log::{Log, Metadata, Record};
use serde_json::{Value, json};
use tracing::subscriber::with_default;
use tracing::{Subscriber, info, info_span};
use tracing_subscriber::fmt as format;
use tracing_subscriber::fmt::format::{Format, Json};

use crate::support::capture::Capture;
use crate::support::distinct::object;

#[context_var(log = "request_id")]
static REQUEST_ID: u64;

#[context_var(log = "type")]
static TYPE: &'static str;

/// The name of a member that has one of everything.
mod named_like_members {
    #![expect(non_upper_case_globals, reason = "the names are what this is about")]

    use contextvars::{Variable, context_var};

    macro_rules! declare {
        ($($name:ident)*) => {
            $(#[context_var] pub(super) static $name: u8;)*

            pub(super) fn all() -> [&'static Variable; 11] {
                [$($name.variable()),*]
            }

            pub(super) fn set() {
                $($name.set(1);)*
            }
        };
    }
    declare! { timestamp level fields message target filename line_number span spans threadName threadId }
}

/// Two variables of one name, neither declared with `log`.
mod namesakes {
    pub(super) mod first {
        #[contextvars::context_var]
        pub(crate) static TENANT: u8;
    }
    pub(super) mod second {
        #[contextvars::context_var]
        pub(crate) static TENANT: u8;
    }
}

/// What a subscriber writes, while `f` runs in a context of its own.
fn output_of<S: Subscriber + Send + Sync + 'static>(
    subscriber: impl FnOnce(Capture) -> S,
    f: impl FnOnce(),
) -> Capture {
    let output = Capture::default();
    Context::new().run(|| with_default(subscriber(output.clone()), f));
    output
}

fn written<S: Subscriber + Send + Sync + 'static>(subscriber: impl FnOnce(Capture) -> S, f: impl FnOnce()) -> String {
    output_of(subscriber, f).take()
}

fn text(output: Capture) -> impl Subscriber {
    format::fmt()
        .with_ansi(false)
        .without_time()
        .with_level(false)
        .with_target(false)
        .with_writer(move || output.clone())
        .map_event_format(ContextFormat::line)
        .finish()
}

/// One JSON object for each event, with everything in it that there is.
fn json_with(
    is_flat: bool,
    around: impl Fn(Format<Json>) -> ContextFormat<Format<Json>>,
) -> impl FnOnce(Capture) -> Box<dyn Subscriber + Send + Sync> {
    move |output| {
        let full = format::fmt()
            .json()
            .flatten_event(is_flat)
            .with_file(true)
            .with_line_number(true)
            .with_thread_names(true)
            .with_thread_ids(true);
        Box::new(full.with_writer(move || output.clone()).map_event_format(around).finish())
    }
}

#[test]
fn the_names_that_are_refused_are_those_of_the_json_formats_members() {
    let plain = |is_flat| json_with(is_flat, ContextFormat::json);
    let mut names: Vec<String> = [true, false]
        .into_iter()
        .flat_map(|is_flat| {
            let line = written(plain(is_flat), || info_span!("work").in_scope(|| info!("accepted")));
            object(&line).keys().cloned().collect::<Vec<_>>()
        })
        .collect();
    names.sort();
    names.dedup();
    let mut refused: Vec<_> = reserved::RESERVED.into_iter().filter(|name| !name.starts_with("log.")).collect();
    refused.sort_unstable();
    assert_eq!(names, refused);
}

#[test]
fn a_variable_named_like_a_member_of_the_object_is_left_out() {
    for is_flat in [true, false] {
        let all = |it| ContextFormat::flat_json(it).only(named_like_members::all());
        let line = written(json_with(is_flat, all), || {
            named_like_members::set();
            info_span!("work").in_scope(|| info!("accepted"));
        });
        let object = object(&line);
        assert_eq!((&object["level"], &object["span"]), (&json!("INFO"), &json!({ "name": "work" })), "{line}");
        // What is no member of this object is one of the variables.
        let (ours, its_own) = if is_flat { ("fields", "message") } else { ("message", "fields") };
        assert_eq!(object[ours], 1, "{line}");
        assert_ne!(object[its_own], 1, "{line}");
    }
}

#[test]
fn in_an_object_of_their_own_variables_may_have_any_name() {
    let all = |it| ContextFormat::json(it).only(named_like_members::all());
    let line = written(json_with(false, all), || {
        named_like_members::set();
        info!("accepted");
    });
    let object = object(&line);
    assert_eq!((&object["level"], &object["context"]["level"]), (&json!("INFO"), &json!(1)));
}

#[test]
fn the_field_of_an_event_wins_over_the_variable_of_its_name() {
    let event = || with_context!(REQUEST_ID = 7, { info!(request_id = 5, "accepted") });
    assert_eq!(written(text, event), "accepted request_id=5\n");
    let flattened = object(&written(json_with(true, ContextFormat::flat_json), event));
    assert_eq!(flattened["request_id"], 5);
}

#[test]
fn pretty_output_has_the_field_of_the_event_alone() {
    let pretty = |output: Capture| {
        let pretty = format::fmt().pretty().with_ansi(false).with_writer(move || output.clone());
        pretty.map_event_format(ContextFormat::pretty).finish()
    };
    let output = written(pretty, || with_context!(REQUEST_ID = 7, { info!(request_id = 5, "accepted") }));
    assert!(output.contains("request_id: 5") && !output.contains("with"), "{output}");
}

#[test]
fn where_the_fields_of_the_event_are_an_object_of_their_own_both_are_shown() {
    let event = || with_context!(REQUEST_ID = 7, { info!(request_id = 5, "accepted") });
    let beside = object(&written(json_with(false, ContextFormat::json), event));
    assert_eq!((&beside["fields"]["request_id"], &beside["context"]["request_id"]), (&json!(5), &json!(7)));
    let flat = object(&written(json_with(false, ContextFormat::flat_json), event));
    assert_eq!((&flat["fields"]["request_id"], &flat["request_id"]), (&json!(5), &json!(7)));
    let flattened = object(&written(json_with(true, ContextFormat::json), event));
    assert_eq!((&flattened["request_id"], &flattened["context"]["request_id"]), (&json!(5), &json!(7)));
}

#[test]
fn a_field_without_a_value_leaves_its_name_to_the_variable() {
    let event = || with_context!(REQUEST_ID = 7, { info!(request_id = None::<u64>, "accepted") });
    assert_eq!(written(text, event), "accepted request_id=7\n");
    let flattened = object(&written(json_with(true, ContextFormat::flat_json), event));
    assert_eq!(flattened["request_id"], 7);
}

#[test]
fn a_field_that_is_a_keyword_is_known_by_the_name_it_is_written_with() {
    let event = || with_context!(TYPE = "ours", { info!(r#type = "its own", "accepted") });
    assert_eq!(written(text, event), "accepted type=\"its own\"\n");
}

#[test]
fn a_field_called_context_takes_the_place_of_the_variables_in_a_flattened_object() {
    let event = || with_context!(REQUEST_ID = 7, { info!(context = "its own", "accepted") });
    assert_eq!(object(&written(json_with(true, ContextFormat::json), event))["context"], "its own");
    let line = object(&written(json_with(false, ContextFormat::json), event));
    assert_eq!((&line["fields"]["context"], &line["context"]), (&json!("its own"), &json!({ "request_id": 7 })));
}

#[test]
fn the_field_of_a_span_stays_with_the_span_and_the_variable_is_shown_besides() {
    let event = || {
        with_context!(REQUEST_ID = 7, { info_span!("work", request_id = 5).in_scope(|| info!("accepted")) });
    };
    assert_eq!(written(text, event), "work{request_id=5}: accepted request_id=7\n");
    for is_flat in [true, false] {
        let line = object(&written(json_with(is_flat, ContextFormat::flat_json), event));
        assert_eq!((&line["span"]["request_id"], &line["request_id"]), (&json!(5), &json!(7)));
    }
    // This format writes the fields of spans behind those of the event; the variable comes last.
    let compact = |output: Capture| {
        let compact = format::fmt().compact().with_ansi(false).without_time().with_writer(move || output.clone());
        compact.map_event_format(ContextFormat::line).finish()
    };
    let line = written(compact, event);
    assert!(line.ends_with(": accepted request_id=5 request_id=7\n"), "{line}");
}

#[test]
fn of_listed_variables_that_share_a_name_the_first_in_the_list_is_shown() {
    use namesakes::{first, second};
    let listed =
        [[first::TENANT.variable(), second::TENANT.variable()], [second::TENANT.variable(), first::TENANT.variable()]];
    for (variables, winner) in listed.into_iter().zip([1, 2]) {
        let subscriber = json_with(true, move |it| ContextFormat::flat_json(it).only(variables));
        let output = output_of(subscriber, || {
            second::TENANT.set(2);
            info!("one");
            first::TENANT.set(1);
            info!("both");
        });
        let lines: Vec<_> = output.lines().iter().map(|line| object(line)).collect();
        assert_eq!(lines.len(), 3, "a warning, and two lines");
        assert_eq!((&lines[0]["TENANT"], &lines[2]["TENANT"]), (&json!(2), &json!(winner)));
        assert_eq!((&lines[1]["level"], &lines[1]["target"]), (&json!("WARN"), &json!("contextvars")));
        let warning = lines[1]["message"].as_str().expect("a text");
        assert_eq!(warning.matches("`TENANT` (declared at ").count(), 2, "{warning}");
    }
}

#[test]
fn a_variable_that_is_listed_twice_is_shown_once_and_without_a_warning() {
    let twice = |it| ContextFormat::flat_json(it).only([REQUEST_ID.variable(), REQUEST_ID.variable()]);
    let line = written(json_with(true, twice), || with_context!(REQUEST_ID = 7, { info!("accepted") }));
    assert_eq!(object(&line)["request_id"], 7);
}

type Pairs = Vec<(String, String)>;

/// Keeps level, message and key-values of records, whose keys must be there once.
#[derive(Default)]
struct Records(Mutex<Vec<(log::Level, String, Pairs)>>);

impl Log for Records {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        struct Visited(Pairs);
        impl<'kvs> VisitSource<'kvs> for Visited {
            fn visit_pair(&mut self, key: Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
                assert!(self.0.iter().all(|(other, _)| *other != key.as_str()), "{key} is there twice");
                self.0.push((key.to_string(), value.to_string()));
                Ok(())
            }
        }
        let mut pairs = Visited(Vec::new());
        record.key_values().visit(&mut pairs).expect("nothing fails");
        assert_eq!(record.key_values().count(), pairs.0.len());
        self.0.lock().expect("nobody panics").push((record.level(), record.args().to_string(), pairs.0));
    }

    fn flush(&self) {}
}

fn pairs(pairs: &[(&str, impl fmt::Display)]) -> Pairs {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.to_string())).collect()
}

#[test]
fn the_key_value_of_a_record_wins_over_the_variable_of_its_name() {
    let records = Records::default();
    let logger = ContextLog::new(&records);
    let own: &[(&str, u64)] = &[("request_id", 5)];
    Context::new().run(|| {
        with_context!(REQUEST_ID = 7, TYPE = "ours", {
            logger.log(&Record::builder().key_values(&own).args(format_args!("accepted")).build());
        });
    });
    let (_, _, found) = records.0.into_inner().expect("nobody panics").remove(0);
    assert_eq!(found, pairs(&[("request_id", "5"), ("type", "ours")]));
}

#[test]
fn the_logger_is_warned_once_of_listed_variables_that_share_a_name() {
    use namesakes::{first, second};
    let records = Records::default();
    let logger = ContextLog::new(&records).only([first::TENANT.variable(), second::TENANT.variable()]);
    Context::new().run(|| {
        with_context!(second::TENANT = 2, first::TENANT = 1, {
            for _ in 0..2 {
                logger.log(&Record::builder().args(format_args!("accepted")).build());
            }
        });
    });
    let records = records.0.into_inner().expect("nobody panics");
    let [(level, warning, none), lines @ ..] = records.as_slice() else { panic!("a warning comes first") };
    assert!(*level == log::Level::Warn && none.is_empty());
    assert_eq!(warning.matches("`TENANT` (declared at ").count(), 2, "{warning}");
    assert_eq!(lines.iter().map(|(_, _, pairs)| pairs.clone()).collect::<Vec<_>>(), vec![pairs(&[("TENANT", 1)]); 2]);
}

#[test]
fn json_of_another_kind_has_no_name_twice_either() {
    /// Writes an object that is spread over lines, with an empty one and what looks like the end of one in it.
    struct Own;
    impl<S, N> format::FormatEvent<S, N> for Own
    where
        S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
        N: for<'a> format::FormatFields<'a> + 'static,
    {
        fn format_event(
            &self,
            _: &format::FmtContext<'_, S, N>,
            mut writer: format::format::Writer<'_>,
            _: &tracing::Event<'_>,
        ) -> fmt::Result {
            writeln!(writer, "{{\n  \"request_id\" : [\"}}\\\"\", {{}}],\n  \"other\": {{ \"type\": 0 }}\n}}")
        }
    }
    let own = |output: Capture| {
        format::fmt().with_writer(move || output.clone()).event_format(ContextFormat::flat_json(Own)).finish()
    };
    let line = written(own, || with_context!(REQUEST_ID = 7, TYPE = "ours", { info!("accepted") }));
    let expected: Value = json!({ "request_id": ["}\"", {}], "other": { "type": 0 }, "type": "ours" });
    assert_eq!(Value::Object(object(&line)), expected);
}

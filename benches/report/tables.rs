//! The results as tables for people.

use std::fmt::Write as _;

use crate::results::{Results, median};

/// A ratio that the library means to keep to.
struct Target {
    what: &'static str,
    /// The operation, and what is compared with what.
    operation: &'static str,
    ours: &'static str,
    theirs: &'static str,
    /// At most this much.
    limit: Option<f64>,
}

const fn target(
    what: &'static str,
    operation: &'static str,
    ours: &'static str,
    theirs: &'static str,
    limit: Option<f64>,
) -> Target {
    Target { what, operation, ours, theirs, limit }
}

const TARGETS: &[Target] = &[
    target(
        "read of an `i32`, 16 variables / tokio `task_local!` get",
        "read i32",
        "get, 16 variables",
        "tokio task_local! get",
        Some(1.1),
    ),
    target(
        "the same, in a function that is called",
        "read i32 in a function that is called",
        "get, 16 variables",
        "tokio task_local! get",
        Some(1.1),
    ),
    target(
        "read of an `i32` by `with`, 8 variables / tokio's",
        "read i32",
        "with, 8 variables",
        "tokio task_local! with",
        None,
    ),
    target("read, 4,096 variables / 8", "read i32", "get, 4096 variables", "get, 8 variables", Some(2.0)),
    target(
        "the same, in a function that is called",
        "read i32 in a function that is called",
        "get, 4096 variables",
        "get, 8 variables",
        Some(2.0),
    ),
    target(
        "read / OpenTelemetry `map_current`",
        "read i32",
        "get, 8 variables",
        "opentelemetry map_current, 8 values",
        Some(0.35),
    ),
    target("read / CPython", "read i32", "get, 8 variables", "CPython", Some(0.25)),
    target("poll / tokio `scope`", "poll", "in_context, 8 variables", "tokio task_local! scope", Some(0.5)),
    target(
        "poll / OpenTelemetry",
        "poll",
        "in_context, 8 variables",
        "opentelemetry with_context, 8 values",
        Some(0.2),
    ),
    target("poll, 4,096 variables / 1", "poll", "in_context, 4096 variables", "in_context, 1 variable", Some(1.1)),
    target(
        "poll with 3 reads / tokio `scope`",
        "poll with 3 reads",
        "in_context, 8 variables",
        "tokio task_local! scope",
        None,
    ),
    target(
        "poll of 64 futures in turn, 1 read / tokio `scope`",
        "poll switching contexts",
        "in_context, 8 variables",
        "tokio task_local! scope",
        None,
    ),
    target(
        "`copy_context` / OpenTelemetry `current`",
        "copy context",
        "copy_context, 8 variables",
        "opentelemetry current, 8 values",
        Some(1.0),
    ),
    target("`copy_context` / CPython", "copy context", "copy_context, 8 variables", "CPython", Some(0.2)),
    target("set + reset / malloc + free", "set + reset", "set + reset, 8 variables", "malloc + free", Some(2.0)),
    target("set + reset / CPython", "set + reset", "set + reset, 8 variables", "CPython", Some(0.25)),
    target(
        "`with_context!` of 1 over 8 / OpenTelemetry",
        "scope of 1 value",
        "with_context!, 8 variables",
        "opentelemetry with_value + attach, 8 values",
        Some(0.6),
    ),
    target(
        "`with_context!` of 1 over 8 / CPython",
        "scope of 1 value",
        "with_context!, 8 variables",
        "CPython",
        Some(0.4),
    ),
    target(
        "`with_context!` of 1 over 8 / tokio `sync_scope`",
        "scope of 1 value",
        "with_context!, 8 variables",
        "tokio task_local! sync_scope",
        None,
    ),
    target("two threads read an `i32` / one", "threads, get i32", "2 threads", "1 thread", Some(1.05)),
    target("two threads read a `String` by `with` / one", "threads, with String", "2 threads", "1 thread", Some(1.05)),
    target("two threads get an `Arc<str>` / one", "threads, get Arc<str>", "2 threads", "1 thread", None),
    target("spawn / `tokio::spawn`", "spawn", "contextvars::tokio::spawn, 8 variables", "tokio::spawn", Some(1.1)),
    target(
        "poll-heavy tasks / `tokio::spawn`",
        "poll-heavy tasks on two workers",
        "contextvars::tokio::spawn, 8 variables",
        "tokio::spawn",
        Some(1.1),
    ),
];

/// All tables.
pub(crate) fn of(results: &Results) -> String {
    let mut text = String::from("# What it costs\n\n");
    let versions: Vec<_> = results.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    line(&mut text, &format!("Measured on {} on {}.", results.date, results.machine));
    line(&mut text, &format!("{}.\n", versions.join(", ")));
    line(&mut text, "`bash benches/measure.sh` measures again and writes this file.\n");
    targets(&mut text, results);
    operations(&mut text, results);
    for (title, lines) in [
        ("Instructions (valgrind; stored, and now; the loop included)", &results.instructions),
        ("Memory", &results.memory),
        ("Requests to an axum server over sockets", &results.requests),
        ("Time of `cargo check`", &results.compile_time),
    ] {
        if !lines.is_empty() {
            line(&mut text, &format!("## {title}\n\n```text\n{}\n```\n", lines.join("\n")));
        }
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes any text");
}

/// The ratio of every run, beside what was aimed for.
fn targets(text: &mut String, results: &Results) {
    line(text, "## Ratios\n\nOf the medians within each run, and the median of those.\n");
    line(text, "| What | Aim | Ratio | Each run |\n|---|---|---|---|");
    for Target { what, operation, ours, theirs, limit } in TARGETS {
        let (Some(ours), Some(theirs)) = (results.find(operation, ours), results.find(operation, theirs)) else {
            line(text, &format!("| {what} | | not measured | |"));
            continue;
        };
        let ratios: Vec<f64> = ours.medians.iter().zip(&theirs.medians).map(|(ours, theirs)| ours / theirs).collect();
        let each: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        let ratio = median(ratios);
        let (aim, verdict) = match limit {
            Some(limit) if ratio <= *limit => (format!("≤ {limit}"), "✓"),
            Some(limit) => (format!("≤ {limit}"), "✗"),
            None => (String::new(), ""),
        };
        line(text, &format!("| {what} | {aim} | {ratio:.2} {verdict} | {} |", each.join(", ")));
    }
    line(text, "");
}

fn operations(text: &mut String, results: &Results) {
    line(text, "## Nanoseconds\n\nThe median of the runs' medians, and each run's.\n");
    for operation in &results.operations {
        line(text, &format!("### {}\n\n| | ns | Each run |\n|---|---|---|", operation.name));
        for entry in &operation.entries {
            let each: Vec<String> = entry.medians.iter().map(|ns| readable(*ns)).collect();
            line(text, &format!("| {} | {} | {} |", entry.name, readable(entry.median()), each.join(", ")));
        }
        line(text, "");
    }
}

/// Three digits.
pub(crate) fn readable(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 10.0 => format!("{ns:.2}"),
        ns if ns < 100.0 => format!("{ns:.1}"),
        ns => format!("{ns:.0}"),
    }
}

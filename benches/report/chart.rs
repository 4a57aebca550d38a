//! Draws `benches/chart.svg` from `benches/results/results.json`: what an operation costs, peers grouped by operation.
//!
//! ```text
//! cargo run --release -p contextvars-benches --example chart
//! ```

mod results;

use std::fs;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use self::results::{Results, folder};

/// An operation that is shown.
struct Group {
    title: &'static str,
    /// Its name in the results.
    operation: &'static str,
    /// The names that entries have in the results, and here.
    entries: &'static [(&'static str, &'static str)],
}

const GROUPS: &[Group] = &[
    Group {
        title: "Read a number",
        operation: "read i32",
        entries: &[
            ("thread_local! Cell", "std thread_local! Cell"),
            ("tokio task_local! get", "tokio task_local!"),
            ("get, 8 variables", "contextvars, 8 variables"),
            ("get, 4096 variables", "contextvars, 4,096 variables"),
            ("scoped-tls", "scoped-tls"),
            ("fluid-let", "fluid-let"),
            ("opentelemetry map_current, 8 values", "OpenTelemetry, 8 values"),
            ("fastrace span identity", "fastrace (the span's id)"),
            ("dcontext, 8 values", "dcontext, 8 values"),
            ("tracing span extension", "tracing (span extension)"),
            ("CPython", "CPython"),
        ],
    },
    Group {
        title: "Set it, and take that back",
        operation: "set + reset",
        entries: &[
            ("set + reset, 8 variables", "contextvars, 8 variables"),
            ("malloc + free", "(one malloc + free)"),
            ("thread_local! Cell", "std thread_local! Cell"),
            ("tokio task_local! sync_scope", "tokio task_local! (holds 1)"),
            ("fluid-let", "fluid-let (holds 1)"),
            ("scoped-tls", "scoped-tls (holds 1)"),
            ("opentelemetry with_value + attach, 8 values", "OpenTelemetry, 8 values"),
            ("dcontext scope, 8 values", "dcontext, 8 values"),
            ("CPython", "CPython, 8 variables"),
        ],
    },
    Group {
        title: "Copy the current context",
        operation: "copy context",
        entries: &[
            ("copy_context, 8 variables", "contextvars, 8 variables"),
            ("copy_context, 4096 variables", "contextvars, 4,096 variables"),
            ("opentelemetry current, 8 values", "OpenTelemetry, 8 values"),
            ("tracing Span::current", "tracing Span::current"),
            ("dcontext fork, 8 values", "dcontext, 8 values"),
            ("CPython", "CPython, 8 variables"),
        ],
    },
    Group {
        title: "Run a block with one value set",
        operation: "scope of 1 value",
        entries: &[
            ("tokio task_local! sync_scope", "tokio task_local! (holds 1)"),
            ("fluid-let", "fluid-let (holds 1)"),
            ("scoped-tls", "scoped-tls (holds 1)"),
            ("with_context!, 8 variables", "contextvars, 8 variables"),
            ("opentelemetry with_value + attach, 8 values", "OpenTelemetry, 8 values"),
            ("dcontext scope, 8 values", "dcontext, 8 values"),
            ("CPython", "CPython, 8 variables"),
        ],
    },
    Group {
        title: "Enter and leave for one poll",
        operation: "poll",
        entries: &[
            ("in_context, 8 variables", "contextvars, 8 variables"),
            ("in_context, 4096 variables", "contextvars, 4,096 variables"),
            ("tokio task_local! scope", "tokio task_local!, 1 variable"),
            ("tokio task_local! 3 scopes", "tokio task_local!, 3 variables"),
            ("tracing instrument", "tracing instrument"),
            ("dcontext, 8 values", "dcontext, 8 values"),
            ("opentelemetry with_context, 8 values", "OpenTelemetry, 8 values"),
            ("fastrace in_span", "fastrace in_span"),
        ],
    },
];

const WIDTH: u32 = 980;
const ROW: i32 = 19;
const TITLE: i32 = 34;
const TOP: i32 = 62;
const BOTTOM: i32 = 60;
/// Where the bars begin, and where the longest may end.
const LEFT: i32 = 250;
const RIGHT: i32 = 900;

const OURS: RGBColor = RGBColor(206, 66, 43);
const RUST: RGBColor = RGBColor(140, 152, 168);
const PYTHON: RGBColor = RGBColor(226, 178, 62);
const INK: RGBColor = RGBColor(36, 41, 47);
const FAINT: RGBColor = RGBColor(222, 226, 231);

/// The ends of the logarithmic scale, as powers of ten of nanoseconds.
const SCALE: (i32, i32) = (-1, 4);

fn main() {
    let text = fs::read_to_string(Results::file()).expect("the results are kept beside the benchmarks");
    let results = serde_json::from_str(&text).expect("the results have the form that they were written with");
    let file = folder().join("chart.svg");
    draw(&results, &file).expect("the chart can be drawn");
    println!("{}", file.display());
}

fn draw(results: &Results, file: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let groups: Vec<_> = GROUPS.iter().map(|group| (group.title, rows(results, group))).collect();
    let rows: usize = groups.iter().map(|(_, rows)| rows.len()).sum();
    let height = TOP + BOTTOM + TITLE * i32::try_from(groups.len())? + ROW * i32::try_from(rows)?;
    let area = SVGBackend::new(file, (WIDTH, u32::try_from(height)?)).into_drawing_area();
    area.fill(&WHITE)?;

    let text = |size: i32, color: &RGBColor, at: HPos| {
        ("sans-serif", size).into_font().color(color).pos(Pos::new(at, VPos::Center))
    };
    let bold = |size: i32| {
        ("sans-serif", size).into_font().style(FontStyle::Bold).color(&INK).pos(Pos::new(HPos::Left, VPos::Center))
    };
    area.draw_text("What an operation costs, in nanoseconds (logarithmic; shorter is faster)", &bold(18), (16, 24))?;

    for power in SCALE.0..=SCALE.1 {
        let x = place(10_f64.powi(power));
        area.draw(&PathElement::new([(x, TOP - 6), (x, height - BOTTOM + 6)], FAINT))?;
        let label =
            if power < 0 { "0.1 ns".to_owned() } else { format!("{} ns", thousands(10_u64.pow(power.unsigned_abs()))) };
        area.draw_text(&label, &text(12, &INK, HPos::Center), (x, TOP - 14))?;
        area.draw_text(&label, &text(12, &INK, HPos::Center), (x, height - BOTTOM + 16))?;
    }

    let mut y = TOP;
    for (title, rows) in &groups {
        area.draw_text(title, &bold(15), (16, y + TITLE / 2))?;
        y += TITLE;
        for (label, nanoseconds) in rows {
            let color = color(label);
            let label_color = if color == OURS { OURS } else { INK };
            let end = place(*nanoseconds);
            area.draw_text(label, &text(13, &label_color, HPos::Right), (LEFT - 8, y + ROW / 2))?;
            area.draw(&Rectangle::new([(LEFT, y + 3), (end, y + ROW - 3)], color.filled()))?;
            area.draw_text(&readable(*nanoseconds), &text(12, &INK, HPos::Left), (end + 5, y + ROW / 2))?;
            y += ROW;
        }
    }

    let versions = |names: &[&str]| -> String {
        let known = names.iter().filter_map(|name| Some(format!("{name} {}", results.versions.get(*name)?)));
        known.collect::<Vec<_>>().join(", ")
    };
    let small = text(11, &INK, HPos::Left);
    let measured = format!(
        "{}, {}, rustc {}. {}",
        results.date,
        results.machine,
        results.versions["rustc"],
        versions(&["contextvars", "CPython"])
    );
    area.draw_text(&measured, &small, (16, height - 26))?;
    let peers = versions(&["tokio", "opentelemetry", "tracing", "fastrace", "dcontext", "scoped-tls", "fluid-let"]);
    area.draw_text(&format!("{peers}. Medians of benches/measure.sh."), &small, (16, height - 10))?;
    area.present()?;
    Ok(())
}

/// Labels and nanoseconds of a group: those that were measured, the quickest first.
fn rows(results: &Results, group: &Group) -> Vec<(&'static str, f64)> {
    let mut rows: Vec<_> = group
        .entries
        .iter()
        .filter_map(|(name, label)| Some((*label, results.find(group.operation, name)?.median())))
        .collect();
    rows.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    rows
}

/// Where on the scale a duration ends.
#[expect(clippy::cast_possible_truncation, reason = "a place in the picture")]
fn place(nanoseconds: f64) -> i32 {
    let (least, most) = (f64::from(SCALE.0), f64::from(SCALE.1));
    let part = (nanoseconds.log10() - least) / (most - least);
    LEFT + (f64::from(RIGHT - LEFT) * part.clamp(0.0, 1.0)) as i32
}

fn color(label: &str) -> RGBColor {
    if label.starts_with("contextvars") {
        OURS
    } else if label.starts_with("CPython") {
        PYTHON
    } else {
        RUST
    }
}

fn readable(nanoseconds: f64) -> String {
    if nanoseconds < 10.0 { format!("{nanoseconds:.1}") } else { format!("{nanoseconds:.0}") }
}

fn thousands(number: u64) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}

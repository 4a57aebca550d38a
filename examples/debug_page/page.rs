//! The page: a table of the program's variables with their values, and what changed since the request began.

use std::fmt::{self, Display, Write};
use std::ptr;

use contextvars::{Context, Variable, variables};

const STYLE: &str = "\
    body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1d2733 }\
    table { border-collapse: collapse; width: 100% }\
    th, td { text-align: left; vertical-align: top; padding: .45rem .7rem; border-bottom: 1px solid #dde3ea }\
    th { font-weight: 600; color: #5a6877 }\
    code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere }\
    pre { background: #f4f6f8; padding: .7rem; white-space: pre-wrap }\
    small { display: block; color: #5a6877 }\
    .unset { color: #8a96a3; font-style: italic }\
    .mark { display: inline-block; background: #e8eef5; border-radius: .3rem; padding: 0 .4rem; margin: 0 .3rem .2rem 0 }";

/// The page for a request that began in the context `at_first` and is in `now`.
pub(crate) fn render(at_first: &Context, now: &Context) -> String {
    let mut variables: Vec<_> = variables().collect();
    variables.sort_by_key(|variable| (variable.module_path(), variable.line()));
    let rows = Concat(variables.iter().map(|variable| row(variable, now)));
    let diff = at_first.diff(now);
    let changes = if diff.is_empty() { "nothing".to_owned() } else { diff.to_string() };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Context variables</title>\
         <style>{STYLE}</style></head>\n<body>\n<h1>Context variables</h1>\n<table>\n\
         <thead><tr><th>Variable</th><th>Value here</th><th>Type</th><th>Declared</th><th>Marks</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n<h2>Changed since the request began</h2>\n<pre id=\"changes\">{}</pre>\n\
         </body>\n</html>\n",
        Escaped(&changes)
    )
}

fn row(variable: &Variable, context: &Context) -> String {
    let value = context.iter().find(|(key, _)| ptr::eq(*key, variable)).map(|(_, value)| value);
    let value = match value {
        Some(value) => format!("<code>{}</code>", Escaped(&format_args!("{value:?}"))),
        None if variable.has_default() => "<span class=\"unset\">its default</span>".to_owned(),
        None => "<span class=\"unset\">unset</span>".to_owned(),
    };
    format!(
        "<tr id=\"{name}\"><td><code>{name}</code><small>{docs}</small></td><td class=\"value\">{value}</td>\
         <td><code>{ty}</code></td><td><code>{file}:{line}</code></td><td>{marks}</td></tr>\n",
        name = Escaped(variable.name()),
        docs = Escaped(variable.docs().unwrap_or_default()),
        ty = Escaped(variable.type_name()),
        file = Escaped(variable.file()),
        line = variable.line(),
        marks = Concat(marks(variable).iter().map(|mark| format!("<span class=\"mark\">{}</span>", Escaped(mark)))),
    )
}

fn marks(variable: &Variable) -> Vec<String> {
    let mut marks = Vec::new();
    if let Some(key) = variable.log_key() {
        marks.push(format!("log as {key}"));
    }
    if let Some(key) = variable.baggage_key() {
        marks.push(format!("travels as {key}"));
    }
    if !variable.inherits() {
        marks.push("not inherited".to_owned());
    }
    if variable.is_redacted() {
        marks.push("redacted".to_owned());
    }
    marks
}

/// Texts, one after the other.
struct Concat<I>(I);

impl<I: Iterator<Item = String> + Clone> Display for Concat<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.clone().try_for_each(|part| f.write_str(&part))
    }
}

/// A text that means itself in HTML: values come from clients.
struct Escaped<'a, T: ?Sized>(&'a T);

impl<T: Display + ?Sized> Display for Escaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{}", self.0)
    }
}

struct Escape<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|letter| match letter {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&quot;"),
            '\'' => self.0.write_str("&#39;"),
            letter => self.0.write_char(letter),
        })
    }
}

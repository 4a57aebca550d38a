//! The page: a table of the program's variables with their values, and what changed since the request began.

use std::fmt::{self, Display, Write};
use std::ptr;

use contextvars::{Context, Variable, variables};

const STYLE: &str = "
    :root { color-scheme: light dark; --text: #1d2733; --faint: #5a6877; --line: #dde3ea; --box: #f1f4f8; --new: #fff6d6 }
    @media (prefers-color-scheme: dark) {
        :root { --text: #dbe3ec; --faint: #93a1b1; --line: #2f3a46; --box: #212a34; --new: #3b3413 }
    }
    body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem;
        color: var(--text) }
    header { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline }
    table { border-collapse: collapse; width: 100% }
    th, td { text-align: left; vertical-align: top; padding: .5rem .7rem; border-bottom: 1px solid var(--line) }
    th { font-weight: 600; color: var(--faint) }
    tr.changed { background: var(--new) }
    code, pre { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
    pre { background: var(--box); padding: .7rem; white-space: pre-wrap }
    .name { font-weight: 600 }
    .value code { font-size: 14px }
    .faint, small { color: var(--faint) }
    small { display: block }
    .unset { color: var(--faint); font-style: italic }
    .line { white-space: nowrap }
    .mark { display: inline-block; background: var(--box); border-radius: .3rem; padding: 0 .4rem; font-size: 13px;
        margin: 0 .3rem .2rem 0; white-space: nowrap }
    @media (max-width: 45rem) {
        thead { display: none }
        table, tbody, tr, td { display: block }
        tr { border-bottom: 1px solid var(--line); padding: .5rem 0 }
        td { border: 0; padding: .1rem .3rem }
    }";

/// The page for a request that began in the context `at_first` and is in `now`.
pub(crate) fn render(at_first: &Context, now: &Context) -> String {
    let mut variables: Vec<_> = variables().collect();
    // The program's own first, those of libraries after them.
    let own = module_path!().split("::").next();
    variables.sort_by_key(|variable| {
        let module = variable.module_path();
        (module.split("::").next() != own, module, variable.line())
    });
    let diff = at_first.diff(now);
    let is_changed = |variable: &Variable| diff.iter().any(|change| ptr::eq(change.variable(), variable));
    let rows = Concat(variables.iter().map(|variable| row(variable, now, is_changed(variable))));
    let changes = if diff.is_empty() { "nothing".to_owned() } else { diff.to_string() };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Context variables</title><style>{STYLE}</style></head>\n<body>\n\
         <header><h1>Context variables</h1><p class=\"faint\">{set} of {all} set · <a href=\"context.json\">as JSON</a></p>\
         </header>\n<table>\n<thead><tr><th>Variable</th><th>Value here</th><th>Type and place</th><th>Marks</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n<h2>Changed since the request began</h2>\n<pre id=\"changes\">{changes}</pre>\n\
         </body>\n</html>\n",
        set = now.len(),
        all = variables.len(),
        changes = Escaped(&changes)
    )
}

fn row(variable: &Variable, context: &Context, is_changed: bool) -> String {
    let value = context.iter().find(|(key, _)| ptr::eq(*key, variable)).map(|(_, value)| value);
    let value = match value {
        Some(value) => format!("<code>{}</code>", Escaped(&format_args!("{value:?}"))),
        None if variable.has_default() => "<span class=\"unset\">its default</span>".to_owned(),
        None => "<span class=\"unset\">unset</span>".to_owned(),
    };
    format!(
        "<tr id=\"{variable}\"{class}><td><code><span class=\"faint\">{module}::<wbr></span>\
         <span class=\"name\">{name}</span></code><small>{docs}</small></td><td class=\"value\">{value}</td>\
         <td><code>{ty}</code><small><code>{file}<span class=\"line\">:{line}</span></code></small></td>\
         <td>{marks}</td></tr>\n",
        variable = Escaped(variable),
        class = if is_changed { " class=\"changed\"" } else { "" },
        module = Breakable(variable.module_path()),
        name = Escaped(variable.name()),
        docs = Escaped(variable.docs().unwrap_or_default()),
        ty = Breakable(variable.type_name()),
        file = Breakable(variable.file()),
        line = variable.line(),
        marks = Concat(marks(variable).iter().map(|mark| format!("<span class=\"mark\">{}</span>", Escaped(mark)))),
    )
}

fn marks(variable: &Variable) -> Vec<String> {
    let mut marks = Vec::new();
    if variable.has_default() {
        marks.push("has a default".to_owned());
    }
    if let Some(key) = variable.log_key() {
        marks.push(format!("log as {key}"));
    }
    if let Some(key) = variable.baggage_key() {
        marks.push(format!("travels as {key}"));
    }
    if let Some(name) = variable.header_name() {
        marks.push(format!("travels in {name}"));
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

/// A path, or the name of a type, which may go on in the next line after each of its parts.
struct Breakable<'a>(&'a str);

impl Display for Breakable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split_inclusive([':', '/', '<', ' ']).try_for_each(|part| {
            // Of two colons, the second stands alone.
            let may_break = part == ":" || part.ends_with(['/', '<', ' ']);
            write!(f, "{}{}", Escaped(part), if may_break { "<wbr>" } else { "" })
        })
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

//! [`ContextFormat`]: adds context variables to the output of another event format.

use std::fmt::{self, Write};

use tracing_core::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Compact, Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::logged::{Logged, Shown};
use crate::variable::Variable;

/// An event format that adds the context's variables to what another format writes.
///
/// The constructor says what the other writes: a [`line`](Self::line), [`pretty`](Self::pretty) lines, or a
/// [`json`](Self::json) object. What is added are the variables declared with `log`, or those given to
/// [`only`](Self::only), as far as they are set in the context in which the event happens. `redact` is honoured.
///
/// Costs a look at each variable that is set, for each event; where there is something to add, the other format writes
/// into a buffer first.
///
/// # Examples
///
/// ```
/// use contextvars::tracing::ContextFormat;
/// use contextvars::{context_var, with_context};
/// use tracing::{info, subscriber::with_default};
/// use tracing_subscriber::fmt;
///
/// #[context_var(log)]
/// static REQUEST_ID: u64;
/// #[context_var]
/// static USER: &'static str;
///
/// # #[derive(Clone, Default)]
/// # struct Output(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
/// # impl Output {
/// #     fn take(&self) -> String { String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap() }
/// # }
/// # impl std::io::Write for Output {
/// #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(bytes) }
/// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
/// # }
/// # fn main() {
/// # let output = Output::default();
/// # let fmt = || {
/// #     let writer = output.clone();
/// #     fmt().with_ansi(false).with_writer(move || writer.clone())
/// # };
/// let lines = fmt().map_event_format(ContextFormat::line).finish();
/// let pretty = fmt().pretty().map_event_format(ContextFormat::pretty).finish();
/// let json = fmt().json().map_event_format(ContextFormat::json).finish();
/// let flat = fmt().json().map_event_format(ContextFormat::flat_json).finish();
/// let users = fmt().compact().map_event_format(|it| ContextFormat::line(it).only([USER.variable()])).finish();
///
/// with_context!(REQUEST_ID = 7, USER = "ada", {
///     with_default(lines, || info!("accepted"));
///     assert!(output.take().ends_with(": accepted REQUEST_ID=7\n"));
///     with_default(pretty, || info!("accepted"));
///     assert!(output.take().contains("\n    with REQUEST_ID=7\n"));
///     with_default(json, || info!("accepted"));
///     assert!(output.take().contains(r#""context":{"REQUEST_ID":7}"#));
///     with_default(flat, || info!("accepted"));
///     assert!(output.take().ends_with("\"REQUEST_ID\":7}\n"));
///     with_default(users, || info!("accepted"));
///     assert!(output.take().ends_with(": accepted USER=ada\n"));
/// });
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ContextFormat<E> {
    plain: E,
    /// The format to be used where the output may have colours; a writer of our own cannot say that it may.
    coloured: Option<E>,
    shape: Shape,
    logged: Logged,
}

/// What the other format writes.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Line,
    Pretty,
    Json,
    FlatJson,
}

/// A format that writes one line for each event: `Full`, the usual one, and `Compact`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not write lines that `NAME=value` could stand at the end of",
    note = "write `ContextFormat::json` after `.json()`, and `ContextFormat::pretty` after `.pretty()`"
)]
pub trait OnOneLine: sealed::Sealed {}

impl OnOneLine for Full {}
impl OnOneLine for Compact {}

mod sealed {
    use super::{Compact, Full};

    pub trait Sealed {}

    impl Sealed for Full {}
    impl Sealed for Compact {}
}

impl<F: OnOneLine, T> ContextFormat<Format<F, T>>
where
    Format<F, T>: Clone,
{
    /// Adds `NAME=value` at the end of the lines that `format` writes.
    ///
    /// ```text
    /// 2026-01-01T12:00:00.000000Z  INFO shop: accepted items=2 REQUEST_ID=7 USER=ada
    /// ```
    ///
    /// After `.json()` it does not compile: a line of JSON with something at its end is no JSON any more.
    ///
    /// ```compile_fail,E0277
    /// # use contextvars::tracing::ContextFormat;
    /// let lines = tracing_subscriber::fmt().json().map_event_format(ContextFormat::line).finish();
    /// ```
    #[must_use]
    pub fn line(format: Format<F, T>) -> Self {
        Self::with_colours(format, Shape::Line)
    }
}

impl<F, T> ContextFormat<Format<F, T>>
where
    Format<F, T>: Clone,
{
    /// Adds a line to the several that `format` writes, as after `.pretty()`.
    ///
    /// ```text
    ///   2026-01-01T12:00:00.000000Z  INFO shop: accepted, items: 2
    ///     at src/shop.rs:17
    ///     with REQUEST_ID=7 USER=ada
    /// ```
    #[must_use]
    pub fn pretty(format: Format<F, T>) -> Self {
        Self::with_colours(format, Shape::Pretty)
    }

    fn with_colours(format: Format<F, T>, shape: Shape) -> Self {
        let coloured = Some(format.clone().with_ansi(true));
        Self { coloured, ..Self::around(format, shape) }
    }
}

impl<E> ContextFormat<E> {
    /// Adds `NAME=value` at the end of what any other `format` writes, before the line feed. Without colours.
    #[must_use]
    pub fn other(format: E) -> Self {
        Self::around(format, Shape::Line)
    }

    /// Adds a member `"context"` to the JSON object that `format` writes.
    ///
    /// Numbers and truth values are written as such, everything else as a string.
    ///
    /// ```text
    /// {"timestamp":"..","level":"INFO","fields":{"message":"accepted"},"context":{"REQUEST_ID":7,"USER":"ada"}}
    /// ```
    #[must_use]
    pub fn json(format: E) -> Self {
        Self::around(format, Shape::Json)
    }

    /// Adds the variables to the JSON object that `format` writes, beside its own members.
    ///
    /// It is then up to the declarations (`log = "name"`) that no name is one that the format uses, such as `level`.
    #[must_use]
    pub fn flat_json(format: E) -> Self {
        Self::around(format, Shape::FlatJson)
    }

    /// Adds these variables, in this order, instead of those declared with `log`.
    #[must_use]
    pub fn only(mut self, variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        self.logged = Logged::listed(variables);
        self
    }

    fn around(format: E, shape: Shape) -> Self {
        Self { plain: format, coloured: None, shape, logged: Logged::Declared }
    }
}

impl<S, N, E> FormatEvent<S, N> for ContextFormat<E>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    E: FormatEvent<S, N>,
{
    fn format_event(&self, cx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let has_colours = writer.has_ansi_escapes() && self.coloured.is_some();
        let variables = self.shape.variables(&self.logged, has_colours)?;
        if variables.is_empty() {
            return self.plain.format_event(cx, writer, event);
        }
        let format = self.coloured.as_ref().filter(|_| has_colours).unwrap_or(&self.plain);
        let mut text = String::new();
        format.format_event(cx, Writer::new(&mut text), event)?;
        let at = self.shape.place(&text);
        writer.write_str(&text[..at])?;
        if matches!(self.shape, Shape::Json | Shape::FlatJson) && !text[..at].trim_end().ends_with('{') {
            writer.write_char(',')?;
        }
        writer.write_str(&variables)?;
        writer.write_str(&text[at..])
    }
}

impl Shape {
    /// The variables, as they are to stand in the text; nothing if there are none.
    fn variables(self, logged: &Logged, has_colours: bool) -> Result<String, fmt::Error> {
        let mut text = String::new();
        logged.with_all(|variables| {
            variables.iter().try_for_each(|(name, value)| self.variable(&mut text, name, *value, has_colours))
        })?;
        Ok(match self {
            _ if text.is_empty() => text,
            Self::Json => format!("\"context\":{{{text}}}"),
            Self::Pretty => format!("\n    {}{text}", if has_colours { "\x1b[2;3mwith\x1b[0m" } else { "with" }),
            Self::Line | Self::FlatJson => text,
        })
    }

    fn variable(self, text: &mut String, name: &str, value: Shown<'_>, has_colours: bool) -> fmt::Result {
        match self {
            Self::Json | Self::FlatJson => {
                if !text.is_empty() {
                    text.push(',');
                }
                json::string(text, format_args!("{name}"))?;
                text.push(':');
                json::value(text, value)
            }
            Self::Line | Self::Pretty if has_colours => {
                write!(text, " \x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{}", on_one_line(value))
            }
            Self::Line | Self::Pretty => write!(text, " {name}={}", on_one_line(value)),
        }
    }

    /// Where in what the other format wrote the variables belong.
    fn place(self, text: &str) -> usize {
        let end = text.trim_end().len();
        match self {
            Self::Line | Self::Pretty => end,
            Self::Json | Self::FlatJson => text[..end].strip_suffix('}').map_or(end, str::len),
        }
    }
}

/// The value as text that cannot be mistaken for another field or another line: quoted if it has to be.
fn on_one_line(value: Shown<'_>) -> String {
    let value = match value {
        Shown::Bool(it) => return it.to_string(),
        Shown::Signed(it) => return it.to_string(),
        Shown::Unsigned(it) => return it.to_string(),
        Shown::Float(it) => return format!("{it:?}"),
        Shown::Text(value) => value.to_string(),
    };
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control() && !"\"=\\".contains(letter);
    if !value.is_empty() && value.chars().all(is_plain) { value } else { format!("{value:?}") }
}

/// Just enough JSON for values that have no parts.
mod json {
    use super::{Shown, Write, fmt};

    pub(super) fn value(text: &mut String, value: Shown<'_>) -> fmt::Result {
        match value {
            Shown::Bool(it) => write!(text, "{it}"),
            Shown::Signed(it) => write!(text, "{it}"),
            Shown::Unsigned(it) => write!(text, "{it}"),
            Shown::Float(it) if it.is_finite() => write!(text, "{it:?}"),
            Shown::Float(_) => write!(text, "null"),
            Shown::Text(it) => string(text, format_args!("{it}")),
        }
    }

    pub(super) fn string(text: &mut String, content: fmt::Arguments<'_>) -> fmt::Result {
        text.push('"');
        Escape(text).write_fmt(content)?;
        text.push('"');
        Ok(())
    }

    struct Escape<'a>(&'a mut String);

    impl Write for Escape<'_> {
        fn write_str(&mut self, content: &str) -> fmt::Result {
            for letter in content.chars() {
                match letter {
                    '"' | '\\' => write!(self.0, "\\{letter}")?,
                    '\n' => self.0.push_str("\\n"),
                    '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => write!(self.0, "\\u{:04x}", u32::from(letter))?,
                    _ => self.0.push(letter),
                }
            }
            Ok(())
        }
    }
}

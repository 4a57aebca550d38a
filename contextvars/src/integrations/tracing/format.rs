//! [`ContextFormat`]: adds context variables to the output of another event format.

use std::fmt;

use tracing_core::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Compact, Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::buffer::Buffer;
use super::shape::Shape;
use super::warning;
use crate::context::copy_context;
use crate::logged::{self, Logged};
use crate::variable::Variable;

/// An event format that adds the context's variables to the output of another format.
///
/// Choose the constructor by the output of the other: a [`line`](Self::line), [`pretty`](Self::pretty) lines, or a
/// [`json`](Self::json) object. Added are the variables declared with `log`, or those given to [`only`](Self::only),
/// that are set in the context in which the event happens. Redacted values are not shown.
///
/// No name occurs twice on a line or in an object:
///
/// - A field of the event takes precedence over a variable of its name, which is left out. If the fields are an object
///   of their own, as they are by default in JSON, both are shown. Fields of spans are shown with the spans, in
///   addition to the variable; after `.compact()` they precede it on the line.
/// - A member that the format writes itself, such as `level`, takes precedence, too; `log = "level"` does not compile.
/// - Of the variables that are declared with one name, the first that is set is shown, ordered by crate name, file and
///   line. Of those given to [`only`](Self::only), it is the first in the list.
///
/// Before the first line from which a variable is left out for another one, a warning with the target `contextvars` is
/// written for each shared name, once per process (for each list given to `only`, once).
///
/// O(n) in the variables that are set, for each event. If there is something to add, the other format writes into a
/// buffer that the thread keeps: for up to eight variables, only a value that must be quoted and is not a string
/// allocates. A line with two variables takes half the instructions of a span with two fields and a line in it. In
/// JSON, the object is parsed once for its names.
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
#[doc(alias = "MDC")]
pub struct ContextFormat<E> {
    plain: E,
    /// The format for output with colours; the writer for the buffer cannot report that it supports them.
    coloured: Option<E>,
    shape: Shape,
    logged: Logged,
}

/// A format that writes one line for each event: `Full`, the default, and `Compact`.
#[diagnostic::on_unimplemented(
    message = "`ContextFormat::line` cannot append `NAME=value` to what `{Self}` writes",
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
    /// After `.json()` it does not compile: a line of JSON with text appended is not JSON.
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
    /// Adds a line to the lines that `format` writes, as after `.pretty()`.
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
    /// Appends `NAME=value` to the output of any other `format`, before the line feed. Without colours.
    #[must_use]
    pub fn other(format: E) -> Self {
        Self::around(format, Shape::Line)
    }

    /// Adds a member `"context"` to the JSON object that `format` writes.
    ///
    /// Numbers and Booleans are written as such, other values as strings. If the object already has a `"context"`, such
    /// as a field of the event after `.flatten_event(true)`, that stays, and the variables are left out.
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
    /// A variable with the name of an existing member is left out.
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
        let context = copy_context();
        let mut variables = self.logged.fields(&context);
        for text in self.logged.warnings(&variables) {
            warning::with_event(&text, |event| self.plain.format_event(cx, writer.by_ref(), event))?;
        }
        self.shape.leave_out_fields_of(event, &mut variables);
        if variables.is_empty() {
            return self.plain.format_event(cx, writer, event);
        }
        let coloured = self.coloured.as_ref().filter(|_| writer.has_ansi_escapes());
        let mut buffer = Buffer::take();
        let text = &mut buffer.text;
        coloured.unwrap_or(&self.plain).format_event(cx, Writer::new(text), event)?;
        let place = self.shape.place(text);
        self.shape.leave_out_members_of(&text[..place], &mut variables);
        let end = text.len();
        logged::writing(|| self.shape.write(text, place, &variables, coloured.is_some()))?;
        let (line, added) = text.split_at(end);
        writer.write_str(&line[..place])?;
        writer.write_str(added)?;
        writer.write_str(&line[place..])
    }
}

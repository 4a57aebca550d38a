//! The shape of a format's output, and how variables are added to it.

use std::fmt::{self, Debug, Write};

use tracing_core::Event;
use tracing_core::field::{Field, Visit};

use super::json;
use crate::logged::{Fields, Shown};

/// The output of the other format.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Line,
    Pretty,
    Json,
    FlatJson,
}

impl Shape {
    /// Leaves out the variables that have the name of a field of the event, if both would be in one list.
    pub(super) fn leave_out_fields_of(self, event: &Event<'_>, variables: &mut Fields<'_>) {
        if matches!(self, Self::Line | Self::Pretty) && !variables.is_empty() {
            event.record(&mut LeaveOut(variables));
        }
    }

    /// Leaves out the variables that have the name of a member of the object, if they would become members, too. Only
    /// the text shows which members a format writes, and whether the event's fields are among them.
    pub(super) fn leave_out_members_of(self, object: &str, variables: &mut Fields<'_>) {
        match self {
            Self::Line | Self::Pretty => {}
            Self::Json => {
                if json::names(object).any(|it| it == CONTEXT) {
                    variables.leave_out(|_| true);
                }
            }
            Self::FlatJson => {
                json::names(object).for_each(|it| variables.leave_out(|name| json::is_written_as(name, it)));
            }
        }
    }

    /// The position at which to insert the variables in the output of the other format.
    pub(super) fn place(self, text: &str) -> usize {
        let end = text.trim_end().len();
        match self {
            Self::Line | Self::Pretty => end,
            Self::Json | Self::FlatJson => text[..end].strip_suffix('}').map_or(end, str::len),
        }
    }

    /// Appends the variables to `text`, in the form in which they are inserted at `place`; nothing if there are none.
    pub(super) fn write(
        self,
        text: &mut String,
        place: usize,
        variables: &Fields<'_>,
        has_colours: bool,
    ) -> fmt::Result {
        if variables.is_empty() {
            return Ok(());
        }
        match self {
            Self::Line => write_pairs(text, variables, has_colours),
            Self::Pretty => {
                text.push_str(if has_colours { "\n    \x1b[2;3mwith\x1b[0m" } else { "\n    with" });
                write_pairs(text, variables, has_colours)
            }
            Self::Json | Self::FlatJson => {
                if !text[..place].trim_end().ends_with('{') {
                    text.push(',');
                }
                if matches!(self, Self::FlatJson) {
                    return json::write_members(text, variables);
                }
                text.extend(["\"", CONTEXT, "\":{"]);
                json::write_members(text, variables)?;
                text.push('}');
                Ok(())
            }
        }
    }
}

/// The member that contains the variables.
const CONTEXT: &str = "context";

/// Leaves out the variables that have the name of one of the event's fields, as formats write it.
pub(super) struct LeaveOut<'a, 'b>(pub(super) &'a mut Fields<'b>);

impl Visit for LeaveOut<'_, '_> {
    fn record_debug(&mut self, field: &Field, _: &dyn Debug) {
        let written = written(field);
        self.0.leave_out(|name| name == written);
    }
}

/// The field's name as formats write it.
pub(super) fn written(field: &Field) -> &str {
    field.name().strip_prefix("r#").unwrap_or(field.name())
}

fn write_pairs(text: &mut String, variables: &Fields<'_>, has_colours: bool) -> fmt::Result {
    let (before, between) = if has_colours { (" \x1b[3m", "\x1b[0m\x1b[2m=\x1b[0m") } else { (" ", "=") };
    for field in variables.iter() {
        text.push_str(before);
        text.push_str(field.name);
        text.push_str(between);
        write_on_one_line(text, field.shown())?;
    }
    Ok(())
}

/// Writes the value as text that cannot be mistaken for another field or another line: quoted if it has to be.
fn write_on_one_line(text: &mut String, value: Shown<'_>) -> fmt::Result {
    match value {
        Shown::Bool(it) => write!(text, "{it}"),
        Shown::Signed(it) => write!(text, "{it}"),
        Shown::Unsigned(it) => write!(text, "{it}"),
        Shown::LargeSigned(it) => write!(text, "{it}"),
        Shown::LargeUnsigned(it) => write!(text, "{it}"),
        Shown::Float(it) => write!(text, "{it:?}"),
        Shown::Str(it) if is_plain(it) => text.write_str(it),
        Shown::Str(it) => write_quoted(text, it),
        Shown::Text(it) => {
            let begin = text.len();
            write!(text, "{it}")?;
            if !is_plain(&text[begin..]) {
                let it = text.split_off(begin);
                write_quoted(text, &it)?;
            }
            Ok(())
        }
    }
}

fn is_plain(value: &str) -> bool {
    let is_plain = |it: char| it != '=' && !it.is_whitespace() && it.escape_debug().eq([it]);
    !value.is_empty() && value.chars().all(is_plain)
}

fn write_quoted(text: &mut String, value: &str) -> fmt::Result {
    if value.bytes().all(|it| matches!(it, b' '..=b'~') && !matches!(it, b'"' | b'\\')) {
        // The same output as `Debug`, one character at a time.
        text.push('"');
        text.push_str(value);
        text.push('"');
        return Ok(());
    }
    write!(text, "{value:?}")
}

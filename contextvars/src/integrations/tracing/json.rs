//! The part of JSON that is needed to add members to an object.

use std::fmt::{self, Write};

use crate::logged::{Fields, Shown};

/// Writes the variables as members, with commas between them.
pub(super) fn write_members(text: &mut String, variables: &Fields<'_>) -> fmt::Result {
    for (index, field) in variables.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push('"');
        write_escaped(text, field.name)?;
        text.push_str("\":");
        write_value(text, field.shown())?;
    }
    Ok(())
}

fn write_value(text: &mut String, value: Shown<'_>) -> fmt::Result {
    match value {
        Shown::Bool(it) => write!(text, "{it}"),
        Shown::Signed(it) => write!(text, "{it}"),
        Shown::Unsigned(it) => write!(text, "{it}"),
        Shown::LargeSigned(it) => write!(text, "{it}"),
        Shown::LargeUnsigned(it) => write!(text, "{it}"),
        Shown::Float(it) if it.is_finite() => write!(text, "{it:?}"),
        Shown::Float(_) => text.write_str("null"),
        Shown::Str(it) => {
            text.push('"');
            write_escaped(text, it)?;
            text.push('"');
            Ok(())
        }
        Shown::Text(it) => {
            text.push('"');
            write!(Escape(text), "{it}")?;
            text.push('"');
            Ok(())
        }
    }
}

/// Writes into a string of JSON.
struct Escape<'a>(&'a mut String);

impl Write for Escape<'_> {
    fn write_str(&mut self, content: &str) -> fmt::Result {
        write_escaped(self.0, content)
    }
}

fn write_escaped(text: &mut String, content: &str) -> fmt::Result {
    let mut rest = content;
    let must_be_escaped = |letter: char| matches!(letter, '"' | '\\') || letter.is_control();
    while let Some((at, letter)) = rest.char_indices().find(|&(_, letter)| must_be_escaped(letter)) {
        text.push_str(&rest[..at]);
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            _ => write!(text, "\\u{:04x}", u32::from(letter))?,
        }
        rest = &rest[at + letter.len_utf8()..];
    }
    text.write_str(rest)
}

/// The names of the members of an object that begins with this text, each as it is written between its quotes.
pub(super) fn names(object: &str) -> impl Iterator<Item = &str> {
    let bytes = object.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    std::iter::from_fn(move || {
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' => {
                    let begin = at;
                    while *bytes.get(at)? != b'"' {
                        at += if bytes[at] == b'\\' { 2 } else { 1 };
                    }
                    let string = &object[begin..at];
                    at += 1;
                    if depth == 1 && object[at..].trim_start().starts_with(':') {
                        return Some(string);
                    }
                }
                _ => {}
            }
        }
        None
    })
}

/// Whether `written` is the escaped form of `name`.
pub(super) fn is_written_as(name: &str, written: &str) -> bool {
    if !written.contains('\\') {
        return name == written;
    }
    let mut escaped = String::new();
    write_escaped(&mut escaped, name).is_ok() && escaped == written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_an_object_are_those_of_its_own_members() {
        let object = r#" { "a" : {"b": 1, "c": ["d", {"e": 2}]}, "f": "g", "h\"i": ["j"], "é": "\\", "k":"l:", "m" "#;
        assert_eq!(names(object).collect::<Vec<_>>(), ["a", "f", r#"h\"i"#, "é", "k"]);
        for not_an_object in ["", "{", "{\"", "{\"a", "{\"a\\", "}}\"a\":", "[\"a\"", "no JSON: \"at all\"", "\"a\": 1"]
        {
            assert_eq!(names(not_an_object).next(), None, "{not_an_object}");
        }
    }

    #[test]
    fn a_name_is_known_in_its_escaped_form() {
        assert!(is_written_as("a", "a") && is_written_as("a\"b", "a\\\"b") && is_written_as("a\n", "a\\n"));
        assert!(!is_written_as("a", "b") && !is_written_as("a\\n", "a\\n"));
    }
}

//! Percent-encoding of the values of baggage.

use std::borrow::Cow;
use std::fmt;

/// The role of a byte in an encoded value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Stands for itself.
    Plain,
    /// Stands for itself as well, but some readers end a value at `=`, or read `+` as a space: left unchanged in
    /// received values, and encoded in those of variables.
    Mistakable,
    /// `%`, which begins an encoded byte.
    Percent,
    /// Has to be encoded.
    Forbidden,
}

/// The class of each byte.
static CLASSES: [Class; 256] = {
    let mut classes = [Class::Forbidden; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        classes[byte as usize] = match byte {
            b'"' | b',' | b';' | b'\\' => Class::Forbidden,
            b'=' | b'+' => Class::Mistakable,
            b'%' => Class::Percent,
            _ => Class::Plain,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// Appends `value`, encoded.
fn encode(value: &str, text: &mut String) {
    encode_unless(value, text, |value, at| class(value[at]) == Class::Plain);
}

/// Appends `value`, which was received encoded, and encodes the bytes that should have been, among them a `%` without
/// two digits.
pub(super) fn encode_the_rest(value: &str, text: &mut String) {
    encode_unless(value, text, |value, at| match class(value[at]) {
        Class::Plain | Class::Mistakable => true,
        Class::Percent => {
            matches!(value[at + 1..], [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
        }
        Class::Forbidden => false,
    });
}

/// Appends `value` and encodes the bytes for which `stays` returns `false`; it is given all bytes and the index of one,
/// and must return `false` for bytes that are not ASCII.
#[inline]
fn encode_unless(value: &str, text: &mut String, stays: impl Fn(&[u8], usize) -> bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    let bytes = value.as_bytes();
    let mut begin = 0;
    while let Some(length) = (begin..bytes.len()).position(|at| !stays(bytes, at)) {
        let at = begin + length;
        // Inside of a character that is not ASCII there is nothing to copy.
        text.push_str(value.get(begin..at).unwrap_or_default());
        text.push('%');
        text.push(digit(bytes[at] >> 4));
        text.push(digit(bytes[at] & 0xf));
        begin = at + 1;
    }
    text.push_str(&value[begin..]);
}

/// A writer that encodes into the string behind it.
pub(super) struct Encoder<'a>(pub(super) &'a mut String);

impl fmt::Write for Encoder<'_> {
    fn write_str(&mut self, value: &str) -> fmt::Result {
        encode(value, self.0);
        Ok(())
    }
}

/// Returns the value that `text` encodes. A `%` without two digits stands for itself; invalid UTF-8 becomes U+FFFD.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        match after {
            [high, low, after @ ..] if byte == b'%' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn digit(letter: u8) -> u8 {
    match letter {
        b'0'..=b'9' => letter - b'0',
        _ => (letter | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: &str) -> String {
        let mut text = String::new();
        encode(value, &mut text);
        text
    }

    #[test]
    fn every_character_survives() {
        let all: String = (0..=0x10_ffff).step_by(7).filter_map(char::from_u32).chain(' '..='~').collect();
        assert!(encoded(&all).bytes().all(|byte| matches!(class(byte), Class::Plain | Class::Percent)));
        assert_eq!(decode(&encoded(&all)), all);
    }

    #[test]
    fn letters_stay_and_separators_do_not() {
        assert_eq!(encoded("a-b_c.d~1"), "a-b_c.d~1");
        assert_eq!(encoded(" \",;\\%=+é"), "%20%22%2C%3B%5C%25%3D%2B%C3%A9");
    }

    #[test]
    fn what_came_in_encoded_stays_and_the_rest_is_encoded() {
        let repaired = |value| {
            let mut text = String::new();
            encode_the_rest(value, &mut text);
            text
        };
        for (came_in, goes_out) in [
            ("a-b=c+d%20%c3%A9", "a-b=c+d%20%c3%A9"),
            ("100%", "100%25"),
            ("%4", "%254"),
            ("%zz%41%", "%25zz%41%25"),
            ("%%41", "%25%41"),
            ("%ff", "%ff"),
            ("a b\t\"\\é\0", "a%20b%09%22%5C%C3%A9%00"),
        ] {
            assert_eq!(repaired(came_in), goes_out);
            assert_eq!(decode(goes_out), decode(came_in));
            assert_eq!(repaired(goes_out), goes_out);
        }
    }

    #[test]
    fn what_is_not_an_encoding_stands_for_itself() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%4"), "%4");
        assert_eq!(decode("%zz%41"), "%zzA");
        assert_eq!(decode("%e2%82%ac"), "€");
        assert_eq!(decode("a%ffb"), "a\u{fffd}b");
    }
}

//! Percent-encoding, as the values of baggage have it.

use std::borrow::Cow;

/// Whether the byte may stand in an encoded value.
pub(super) fn is_allowed(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

/// Whether the byte stands for itself in what we encode.
///
/// `=` and `+` might as well, but there are readers that end a value at the one or take the other for a space.
fn is_plain(byte: u8) -> bool {
    is_allowed(byte) && !matches!(byte, b'%' | b'=' | b'+')
}

/// Appends `value`, encoded.
pub(super) fn encode(value: &str, text: &mut String) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for &byte in value.as_bytes() {
        if is_plain(byte) {
            text.push(char::from(byte));
        } else {
            text.extend(['%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]);
        }
    }
}

/// The value that `text` encodes. A `%` without two digits stands for itself; what is not UTF-8 becomes U+FFFD.
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
        assert!(encoded(&all).bytes().all(is_allowed));
        assert_eq!(decode(&encoded(&all)), all);
    }

    #[test]
    fn letters_stay_and_separators_do_not() {
        assert_eq!(encoded("a-b_c.d~1"), "a-b_c.d~1");
        assert_eq!(encoded(" \",;\\%=+é"), "%20%22%2C%3B%5C%25%3D%2B%C3%A9");
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

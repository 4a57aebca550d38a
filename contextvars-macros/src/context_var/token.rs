//! The characters of HTTP's tokens, which are allowed in keys of baggage and names of headers. `contextvars` has the
//! same list for incoming headers; a test compares the two.

/// Whether the character is allowed in a token.
pub(super) fn is_in_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter)
}

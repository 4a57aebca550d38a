//! The characters of HTTP's tokens, which keys of baggage and names of headers are made of. `contextvars` knows them as
//! well, for headers that come in; a test holds the two lists against each other.

/// Whether the character may stand in a token.
pub(super) fn is_in_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter)
}

//! Questions about single tokens, and taking a run of them out of a slice.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// Whether `token` is the punctuation mark `mark`.
pub(super) fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Whether `token` is a punctuation mark that the next token continues, as `=` continues `>` in `>=`.
pub(super) fn is_joint(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.spacing() == Spacing::Joint)
}

/// Whether `token` is the identifier or keyword `word`.
pub(super) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

/// The group that `token` is, if it has this delimiter.
pub(super) fn group(token: &TokenTree, delimiter: Delimiter) -> Option<&Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// The tokens of a slice as a stream.
pub(super) fn stream(tokens: &[TokenTree]) -> TokenStream {
    tokens.iter().cloned().collect()
}

/// The tokens as the user would write them, if that fits into a message.
pub(super) fn text(tokens: &[TokenTree]) -> Option<String> {
    let text = stream(tokens).to_string();
    (text.len() <= 40 && !text.contains('\n')).then_some(text)
}

/// The tokens of a path as text, without spaces.
pub(super) fn path_text(tokens: &[TokenTree]) -> String {
    stream(tokens).to_string().replace(' ', "")
}

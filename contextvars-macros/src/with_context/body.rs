//! The body of a `with_context!` call, which is never parsed.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::tokens::{group, is_word, stream};

/// The body, which runs in the context.
pub(super) enum Body {
    /// `{ .. }`
    Block(Group),
    /// `async { .. }` or `async move { .. }`
    Future(TokenStream),
}

impl Body {
    /// The body that is all of `tokens`. Returns `None` if they are something else.
    pub(super) fn of(tokens: &[TokenTree]) -> Option<Self> {
        match tokens {
            // A fragment of a `macro_rules!` macro comes in a group without delimiters.
            [TokenTree::Group(fragment)] if fragment.delimiter() == Delimiter::None => {
                Self::of(&fragment.stream().into_iter().collect::<Vec<_>>())
            }
            [block] => group(block, Delimiter::Brace).cloned().map(Self::Block),
            [first, .., block] => {
                let is_future = match tokens.len() {
                    2 => is_word(first, "async"),
                    3 => is_word(first, "async") && is_word(&tokens[1], "move"),
                    _ => false,
                };
                (is_future && group(block, Delimiter::Brace).is_some()).then(|| Self::Future(stream(tokens)))
            }
            [] => None,
        }
    }
}

//! Says what is wrong with an argument that is neither a binding nor a body, and what to write instead.

use proc_macro2::{Delimiter, TokenTree};

use super::body::Body;
use super::scan;
use super::tokens::{group, is_joint, is_punct, is_word, path_text, stream, text};

/// The message for an argument that is not the last one, so it should be a binding.
pub(super) fn not_a_binding(argument: &[TokenTree]) -> String {
    if Body::of(argument).is_some() {
        return "the body must be the last argument: write `with_context!(VAR = value, { .. })`".to_owned();
    }
    let (path, rest) = argument.split_at(path_length(argument));
    let name = path_text(path);
    match rest {
        _ if path.is_empty() => {}
        [] => return format!("`{name}` has no value: write `{name} = value`"),
        [first, second, value @ ..] if is_punct(first, '=') && is_punct(second, '=') => {
            return format!(
                "a binding is written with `=`, not `==`: write `{name} = {}`",
                text(value).as_deref().unwrap_or("value")
            );
        }
        [first, value @ ..] if is_punct(first, ':') => {
            return format!(
                "a binding is written with `=`, not `:`: write `{name} = {}`",
                text(value).as_deref().unwrap_or("value")
            );
        }
        _ => {}
    }
    "expected a binding, or the body as the last argument: write `VAR = value`, where `VAR` is the path of a \
     context variable"
        .to_owned()
}

/// How many of the tokens, from the first on, are words and the `::` between them; a `:` of its own is none of those.
fn path_length(tokens: &[TokenTree]) -> usize {
    let mut length = 0;
    loop {
        length += match &tokens[length..] {
            [TokenTree::Ident(_), ..] => 1,
            [first, second, ..] if is_joint(first) && is_punct(first, ':') && is_punct(second, ':') => 2,
            _ => return length,
        };
    }
}

/// The message for the last argument, which should be the body.
pub(super) fn not_a_body(argument: &[TokenTree], has_bindings: bool) -> String {
    if let Some(closure) = Closure::of(argument) {
        return format!("the body must be a block, not a closure: write `{}`", closure.as_block());
    }
    let shown = text(argument);
    let shown = shown.as_deref().unwrap_or("..");
    match argument {
        [TokenTree::Ident(name)] if !has_bindings => {
            format!("`{name}` is neither a binding nor a body: write `with_context!({name} = value, {{ .. }})`")
        }
        _ if !scan::awaits(stream(argument)).is_empty() => {
            format!("the body must be a block or an async block: write `async move {{ {shown} }}`")
        }
        [first, .., last] if group(last, Delimiter::Parenthesis).is_some() && !is_punct(first, '|') => format!(
            "the body must be a block or an async block: write `{{ {shown} }}`, or \
             `async move {{ {shown}.await }}` for a future"
        ),
        _ => format!("the body must be a block or an async block: write `{{ {shown} }}`"),
    }
}

/// A closure instead of the body.
struct Closure<'a> {
    is_async: bool,
    /// The body of the closure.
    does: &'a [TokenTree],
}

impl<'a> Closure<'a> {
    /// Returns `None` if the tokens are not a closure.
    fn of(tokens: &'a [TokenTree]) -> Option<Self> {
        let words = tokens.iter().take_while(|token| is_word(token, "async") || is_word(token, "move")).count();
        let (words, rest) = tokens.split_at(words);
        let (_, rest) = rest.split_first().filter(|(bar, _)| is_punct(bar, '|'))?;
        let end = rest.iter().position(|token| is_punct(token, '|'))?;
        Some(Self { is_async: words.iter().any(|word| is_word(word, "async")), does: &rest[end + 1..] })
    }

    /// The equivalent block.
    fn as_block(&self) -> String {
        let inside = match self.does {
            [only] => group(only, Delimiter::Brace).map(|block| block.stream().into_iter().collect::<Vec<_>>()),
            _ => None,
        };
        let inside = text(inside.as_deref().unwrap_or(self.does));
        let keyword = if self.is_async { "async move " } else { "" };
        format!("{keyword}{{ {} }}", inside.as_deref().unwrap_or(".."))
    }
}

/// The message for a call that ends after `value`, that of its last binding.
pub(super) fn missing_body(value: &[TokenTree]) -> String {
    let hint = match value.last() {
        Some(last) if group(last, Delimiter::Brace).is_some() => "\nif these braces are the body, put a `,` before it",
        _ => "",
    };
    format!("the body is missing: write `with_context!(VAR = value, {{ .. }})`{hint}")
}

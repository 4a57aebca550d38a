//! Finds where the value of a binding ends.

use proc_macro2::TokenTree;
use syn::Expr;
use syn::parse::{ParseStream, Parser};

use super::tokens::{is_joint, is_punct, stream};
use crate::mistakes::Mistakes;

/// The length of the value at the beginning of `tokens`, in the comma form: it ends at a comma outside parameter lists
/// and generic arguments.
pub(super) fn length_in_comma_form(tokens: &[TokenTree]) -> usize {
    let comma = until_comma(tokens);
    let is_plain = !tokens[..comma].iter().any(|token| is_punct(token, '<') || is_punct(token, '|'));
    if comma == tokens.len() || is_plain {
        return comma;
    }
    // Whether a comma belongs to `|a, b|` or `Map::<K, V>` depends on the grammar of expressions.
    let parser = |input: ParseStream<'_>| {
        input.parse::<Expr>()?;
        input.parse::<proc_macro2::TokenStream>()
    };
    let Ok(unread) = parser.parse2(stream(tokens)) else { return comma };
    // What is left can be more than there was: syn looks into groups without delimiters, which macros make.
    let Some(end) = tokens.len().checked_sub(unread.into_iter().count()) else { return comma };
    if tokens.get(end).is_none_or(|token| is_punct(token, ',')) { end } else { comma }
}

/// The number of tokens before the first comma.
pub(super) fn until_comma(tokens: &[TokenTree]) -> usize {
    tokens.iter().position(|token| is_punct(token, ',')).unwrap_or(tokens.len())
}

/// The length of the value at the beginning of `tokens`, in the angle form: it ends at a `,` or `>` outside `::<..>`.
///
/// Reports a comparison or a shift outside parentheses, which this form cannot tell from its own brackets.
pub(super) fn length_in_angle_form(tokens: &[TokenTree], mistakes: &mut Mistakes) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Punct(mark) = token else { continue };
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let continues = |first| before.is_some_and(|before| is_punct(before, first) && is_joint(before));
        match mark.as_char() {
            ',' if depth == 0 => return at,
            // `->` and `=>`; the second `>` of `>>`.
            '>' if continues('-') || continues('=') || (depth == 0 && continues('>')) => {}
            '<' if depth > 0 || before.is_none_or(opens_a_path) => depth += 1,
            '<' if continues('<') => {}
            '>' if depth > 0 => depth -= 1,
            '>' if !begins_an_operator(tokens, at) => return at,
            '<' | '>' => mistakes.over(
                token,
                "an operator with `<` or `>` in `with_context!(<..> ..)` needs parentheses: write `<VAR = (a < b)>`\n\
                 generic arguments are written with `::`, as in `f::<T>()`",
            ),
            _ => {}
        }
    }
    tokens.len()
}

/// Whether a `<` behind `token` opens generic arguments or a qualified path, and does not compare.
fn opens_a_path(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if !['?', '>', '<'].contains(&mark.as_char()))
}

/// Whether the `>` at `at` is the beginning of `>=` or `>>`.
fn begins_an_operator(tokens: &[TokenTree], at: usize) -> bool {
    is_joint(&tokens[at]) && tokens.get(at + 1).is_some_and(|next| is_punct(next, '=') || is_punct(next, '>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> Vec<TokenTree> {
        source.parse::<proc_macro2::TokenStream>().expect("tokens").into_iter().collect()
    }

    #[track_caller]
    fn assert_comma_form(value: &str, rest: &str) {
        assert_eq!(length_in_comma_form(&tokens(&format!("{value}{rest}"))), tokens(value).len(), "{value}");
    }

    #[track_caller]
    fn assert_angle_form(value: &str, rest: &str) {
        let mut mistakes = Mistakes::default();
        assert_eq!(
            length_in_angle_form(&tokens(&format!("{value}{rest}")), &mut mistakes),
            tokens(value).len(),
            "{value}"
        );
        assert_eq!(mistakes.messages(), [""; 0], "{value}");
    }

    #[test]
    fn a_value_in_the_comma_form_ends_at_a_comma_of_its_own_level() {
        for value in [
            "1",
            "f(a, b)",
            "S { a, b }",
            "a < b",
            "a || b",
            "HashMap::<K, V>::new()",
            "<A as B<C, D>>::e()",
            "|a, b| a + b",
            "move |a: Map<K, V>, b| -> C { a[b] }",
            "x as Map<K, V>",
            "if a { b } else { c }",
        ] {
            assert_comma_form(value, ", B = 2, { body }");
            assert_comma_form(value, ", { body }");
        }
    }

    #[test]
    fn a_value_in_the_comma_form_that_is_no_expression_ends_at_the_next_comma() {
        assert_comma_form("a < < b", ", { body }");
        assert_comma_form("|", ", { body }");
    }

    #[test]
    fn a_value_in_the_angle_form_ends_at_its_bracket_or_a_comma() {
        for value in [
            "1",
            "-1",
            "(a < b)",
            "f(a > b, c)",
            "HashMap::<K, Vec<V>>::new()",
            "<A as B<C, D>>::e()",
            "1 + <u8>::MAX",
            "|a| -> C { a }",
            "f::<fn(A) -> B>(c)",
            "x?.y",
            "match a { b => c, _ => d }",
        ] {
            assert_angle_form(value, ", B = 2> { body }");
            assert_angle_form(value, "> { body }");
            assert_angle_form(value, ",> { body }");
        }
    }

    #[test]
    fn an_operator_with_angle_brackets_is_reported_once() {
        for value in ["a < b", "a <= b", "a << b", "a >= b", "a >> b", "f()? < b"] {
            let mut mistakes = Mistakes::default();
            length_in_angle_form(&tokens(&format!("{value}> {{ body }}")), &mut mistakes);
            assert_eq!(mistakes.messages().len(), 1, "{value}");
        }
    }
}

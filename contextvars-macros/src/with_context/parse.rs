//! Finds the bindings and the body of a `with_context!` call in its tokens, in either spelling.
//!
//! Values are runs of tokens: whatever rustc accepts there is accepted here, and its errors stay its own. The body is
//! never looked into.

use proc_macro2::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};
use syn::Expr;
use syn::parse::{ParseStream, Parser};

use super::scan;
use crate::mistakes::Mistakes;

/// A `with_context!` call, taken apart.
pub(super) struct Call {
    /// The path of the `contextvars` crate.
    pub(super) krate: TokenStream,
    pub(super) bindings: Vec<Binding>,
    /// Absent after a mistake only.
    pub(super) body: Option<Body>,
}

/// `TARGET = VALUE`.
pub(super) struct Binding {
    pub(super) target: TokenStream,
    pub(super) value: TokenStream,
}

/// What runs in the context.
pub(super) enum Body {
    /// `{ .. }`
    Block(Group),
    /// `async { .. }` or `async move { .. }`
    Future(TokenStream),
}

/// Whether `token` is the punctuation mark `mark`.
pub(super) fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Whether `token` is the identifier or keyword `word`.
pub(super) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

/// Takes `(path of the crate) arguments` apart.
pub(super) fn call(input: TokenStream, mistakes: &mut Mistakes) -> Call {
    let mut tokens = input.into_iter();
    let krate = match tokens.next() {
        Some(TokenTree::Group(group)) => group.stream(),
        _ => TokenStream::new(),
    };
    let tokens: Vec<TokenTree> = tokens.collect();
    let mut reader = Reader { tokens: &tokens, at: 0, bindings: Vec::new(), seen: Vec::new(), mistakes };
    let body = if tokens.is_empty() {
        reader
            .mistakes
            .at(Span::call_site(), "`with_context!` needs a body: write `with_context!(VAR = value, { .. })`");
        None
    } else if is_punct(&tokens[0], '<') {
        reader.angle_form()
    } else {
        reader.comma_form()
    };
    Call { krate, bindings: reader.bindings, body }
}

/// A position in the arguments, and what was found before it.
struct Reader<'a> {
    tokens: &'a [TokenTree],
    at: usize,
    bindings: Vec<Binding>,
    seen: Vec<String>,
    mistakes: &'a mut Mistakes,
}

impl<'a> Reader<'a> {
    /// `A = 1, B = 2, BODY`
    fn comma_form(&mut self) -> Option<Body> {
        loop {
            let begin = self.at;
            if begin == self.tokens.len() {
                self.missing_body();
                return None;
            }
            let Some(target) = self.target() else {
                if let Some(body) = self.body() {
                    return Some(body);
                }
                self.at = self.next_comma(begin);
                if self.tokens[begin..].iter().any(|token| is_punct(token, ',')) && self.at + 1 < self.tokens.len() {
                    self.not_a_binding(begin);
                    self.at += 1;
                    continue;
                }
                self.not_a_body(begin);
                return None;
            };
            let value = self.at;
            self.at = self.end_of_comma_value();
            self.bind(target, value);
            if self.at == self.tokens.len() {
                self.missing_body();
                return None;
            }
            self.at += 1;
        }
    }

    /// `<A = 1, B = 2> BODY`
    fn angle_form(&mut self) -> Option<Body> {
        let open = &self.tokens[0];
        self.at = 1;
        loop {
            if self.tokens.get(self.at).is_some_and(|token| is_punct(token, '>')) {
                break;
            }
            let begin = self.at;
            if let Some(target) = self.target() {
                let value = self.at;
                self.at = self.end_of_angle_value();
                self.bind(target, value);
            } else {
                self.at = self.end_of_angle_value();
                self.not_a_binding(begin);
            }
            match self.tokens.get(self.at) {
                Some(token) if is_punct(token, ',') => self.at += 1,
                Some(token) if is_punct(token, '>') => break,
                _ => {
                    self.mistakes.over(open, "this `<` is never closed: write `with_context!(<VAR = value> { .. })`");
                    return None;
                }
            }
        }
        let close = &self.tokens[self.at];
        self.at += 1;
        if self.at == self.tokens.len() {
            self.mistakes.over(close, "a body is missing behind this `>`: write `with_context!(<VAR = value> { .. })`");
            return None;
        }
        if is_punct(&self.tokens[self.at], ',') {
            self.mistakes.over(
                &self.tokens[self.at],
                "no comma between `>` and the body: write `with_context!(<VAR = value> { .. })`",
            );
            return None;
        }
        let begin = self.at;
        let body = self.body();
        if body.is_none() && self.mistakes.is_empty() {
            if self.bindings.is_empty() {
                self.at = self.tokens.len();
                self.not_a_body(begin);
            } else {
                self.mistakes.over(
                    close,
                    "this `>` ends the bindings, but no body follows: a body is `{ .. }` or `async move { .. }`, and a comparison \
                     in a value needs parentheses, as in `<VAR = (a > b)>`",
                );
            }
        }
        body
    }

    /// Reads `PATH =`, or nothing at all.
    fn target(&mut self) -> Option<TokenStream> {
        let rest = &self.tokens[self.at..];
        let mut length = 0;
        while let Some(token) = rest.get(length) {
            let is_part = match token {
                TokenTree::Ident(word) => !["async", "unsafe", "move"].iter().any(|keyword| word == keyword),
                TokenTree::Group(group) => group.delimiter() == Delimiter::None,
                TokenTree::Punct(mark) => mark.as_char() == ':',
                TokenTree::Literal(_) => false,
            };
            if !is_part {
                break;
            }
            length += 1;
        }
        let is_assignment = rest.get(length).is_some_and(|token| is_punct(token, '='))
            && !(is_joint(&rest[length])
                && rest.get(length + 1).is_some_and(|next| is_punct(next, '=') || is_punct(next, '>')));
        if length == 0 || !is_assignment || is_punct(&rest[length - 1], ':') {
            return None;
        }
        self.at += length + 1;
        Some(rest[..length].iter().cloned().collect())
    }

    /// Adds the binding of `target` to the tokens from `value` to here.
    fn bind(&mut self, target: TokenStream, value: usize) {
        let tokens = &self.tokens[value..self.at];
        let name = target.to_string().replace(' ', "");
        if tokens.is_empty() {
            self.mistakes.over(
                &self.tokens[value - 1],
                format!("`{name} =` has no value: write `{name} = value`, or leave the binding out"),
            );
        }
        if self.seen.contains(&name) {
            self.mistakes.over(&target, format!("`{name}` is bound twice: remove one of the two"));
        }
        self.seen.push(name);
        self.bindings.push(Binding { target, value: tokens.iter().cloned().collect() });
    }

    /// Where the value that starts here ends: at a comma outside parameter lists and generic arguments.
    fn end_of_comma_value(&self) -> usize {
        let comma = self.next_comma(self.at);
        let run = &self.tokens[self.at..comma];
        if comma == self.tokens.len() || !run.iter().any(|token| is_punct(token, '<') || is_punct(token, '|')) {
            return comma;
        }
        // Whether a comma belongs to `|a, b|` or `Map::<K, V>` depends on the grammar of expressions.
        let rest: TokenStream = self.tokens[self.at..].iter().cloned().collect();
        let parser = |input: ParseStream<'_>| {
            input.parse::<Expr>()?;
            input.parse::<TokenStream>()
        };
        match parser.parse2(rest) {
            Ok(unread) => match self.tokens.len() - unread.into_iter().count() {
                end if end == self.tokens.len() || is_punct(&self.tokens[end], ',') => end,
                _ => comma,
            },
            Err(_) => comma,
        }
    }

    fn next_comma(&self, from: usize) -> usize {
        (from..self.tokens.len()).find(|&at| is_punct(&self.tokens[at], ',')).unwrap_or(self.tokens.len())
    }

    /// Where the value that starts here ends: at a `,` or `>` outside `::<..>`.
    ///
    /// Reports a comparison or a shift outside parentheses, which this form cannot tell from its own brackets.
    fn end_of_angle_value(&mut self) -> usize {
        let begin = self.at;
        let mut depth = 0;
        for at in begin..self.tokens.len() {
            let TokenTree::Punct(mark) = &self.tokens[at] else { continue };
            let before = (at > begin).then(|| &self.tokens[at - 1]);
            match mark.as_char() {
                ',' if depth == 0 => return at,
                '<' if depth > 0 || before.is_none_or(opens_a_path) => depth += 1,
                '<' => self.comparison(at),
                '>' if before
                    .is_some_and(|token| (is_punct(token, '-') || is_punct(token, '=')) && is_joint(token)) => {}
                '>' if depth > 0 => depth -= 1,
                '>' if is_joint(&self.tokens[at]) && self.continues_an_operator(at + 1) => self.comparison(at),
                '>' if before.is_some_and(|token| is_punct(token, '>') && is_joint(token)) => {}
                '>' => return at,
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// Whether the `>` before `at` is the beginning of `>=` or `>>`.
    fn continues_an_operator(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| is_punct(token, '=') || is_punct(token, '>'))
    }

    fn comparison(&mut self, at: usize) {
        self.mistakes.over(
            &self.tokens[at],
            "an operator with `<` or `>` in a value of `with_context!(<..> ..)` needs parentheses: write `<VAR = (a < b)>`, \
             and `::<T>` for generic arguments",
        );
    }

    /// Reads the body and a comma behind it, if they are all that is left.
    fn body(&mut self) -> Option<Body> {
        let mut rest = &self.tokens[self.at..];
        if let [body @ .., last] = rest
            && is_punct(last, ',')
        {
            rest = body;
        }
        let body = body(rest)?;
        self.at = self.tokens.len();
        Some(body)
    }

    fn missing_body(&mut self) {
        let hint = match self.bindings.last().map(|binding| last_token(&binding.value)) {
            Some(Some(TokenTree::Group(group))) if group.delimiter() == Delimiter::Brace => {
                "; if these braces are the body, put a `,` before it"
            }
            _ => "",
        };
        let last = self.tokens.last();
        self.mistakes
            .over(last, format!("a body is missing at the end: write `with_context!(VAR = value, {{ .. }})`{hint}"));
    }

    /// Reports the argument from `begin` to here, which others follow.
    fn not_a_binding(&mut self, begin: usize) {
        let tokens: TokenStream = self.tokens[begin..self.at].iter().cloned().collect();
        if tokens.is_empty() {
            let here = self.tokens.get(self.at).or(self.tokens.last());
            self.mistakes.over(here, "expected a binding here: write `VAR = value`");
        } else if body(&self.tokens[begin..self.at]).is_some() {
            self.mistakes
                .over(tokens, "the body must be the last argument: write `with_context!(VAR = value, { .. })`");
        } else if self.tokens[begin..self.at]
            .iter()
            .all(|token| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':'))
        {
            let name = tokens.to_string().replace(' ', "");
            self.mistakes.over(tokens, format!("`{name}` has no value: write `{name} = value`"));
        } else {
            self.mistakes.over(
                tokens,
                "expected a binding: write `VAR = value`, where VAR is the path of a context variable, or the body as the last argument",
            );
        }
    }

    /// Reports the last argument, which is neither a block nor a future.
    fn not_a_body(&mut self, begin: usize) {
        let run = &self.tokens[begin..self.at];
        let tokens: TokenStream = run.iter().cloned().collect();
        let text = tokens.to_string();
        let text = if text.len() > 40 || text.contains('\n') { ".." } else { text.as_str() };
        let message = if run.len() == 1 && matches!(run[0], TokenTree::Ident(_)) && self.bindings.is_empty() {
            format!("`{text}` is neither a binding nor a body: write `with_context!({text} = value, {{ .. }})`")
        } else if !scan::awaits(tokens.clone()).is_empty() {
            format!("the body is a block or an async block: write `async move {{ {text} }}`")
        } else {
            format!(
                "the body is a block or an async block: write `{{ {text} }}` to run it at once, or `async move {{ {text}.await }}` for a future"
            )
        };
        self.mistakes.over(tokens, message);
    }
}

/// Whether a `<` behind `token` opens generic arguments or a qualified path, and does not compare.
fn opens_a_path(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() != '?' && mark.as_char() != '>')
}

fn is_joint(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.spacing() == Spacing::Joint)
}

fn last_token(tokens: &TokenStream) -> Option<TokenTree> {
    tokens.clone().into_iter().last()
}

/// Reads a body that is all of `tokens`. A fragment of a `macro_rules!` macro comes in a group without delimiters.
fn body(tokens: &[TokenTree]) -> Option<Body> {
    match tokens {
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => {
            body(&group.stream().into_iter().collect::<Vec<_>>())
        }
        [TokenTree::Group(block)] if block.delimiter() == Delimiter::Brace => Some(Body::Block(block.clone())),
        [word, .., TokenTree::Group(block)]
            if is_word(word, "async")
                && block.delimiter() == Delimiter::Brace
                && (tokens.len() == 2 || (tokens.len() == 3 && is_word(&tokens[1], "move"))) =>
        {
            Some(Body::Future(tokens.iter().cloned().collect()))
        }
        _ => None,
    }
}

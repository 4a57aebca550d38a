//! Finds the bindings and the body of a `with_context!` call in its tokens, in either spelling.
//!
//! Values are sequences of tokens: all that rustc accepts is accepted here, and errors in them are those of rustc. The
//! body is never parsed.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};

use super::body::Body;
use super::tokens::{is_joint, is_punct, path_text, stream};
use super::{refusal, value};
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

/// Takes `(path of the crate) arguments` apart.
pub(super) fn call(input: TokenStream, mistakes: &mut Mistakes) -> Call {
    let mut tokens = input.into_iter();
    let krate = match tokens.next() {
        Some(TokenTree::Group(group)) => group.stream(),
        _ => TokenStream::new(),
    };
    let tokens: Vec<TokenTree> = tokens.collect();
    let mut reader = Reader { tokens: &tokens, at: 0, bindings: Vec::new(), seen: Vec::new(), mistakes };
    let body = match tokens.first() {
        None => {
            let message = "`with_context!` needs a body: write `with_context!(VAR = value, { .. })`";
            reader.mistakes.at(Span::call_site(), message);
            None
        }
        Some(open) if is_punct(open, '<') => reader.angle_form(open),
        Some(_) => reader.comma_form(),
    };
    Call { krate, bindings: reader.bindings, body }
}

/// A position in the arguments, and the parts found before it.
struct Reader<'a> {
    tokens: &'a [TokenTree],
    at: usize,
    bindings: Vec<Binding>,
    /// The targets so far.
    seen: Vec<String>,
    mistakes: &'a mut Mistakes,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [TokenTree] {
        &self.tokens[self.at..]
    }

    /// `A = 1, B = 2, BODY`
    fn comma_form(&mut self) -> Option<Body> {
        loop {
            if let Some(target) = self.target() {
                let length = value::length_in_comma_form(self.rest());
                self.bind(target, length);
            } else if let Some(body) = self.last_argument() {
                return Some(body);
            } else {
                let length = value::until_comma(self.rest());
                let (argument, behind) = self.rest().split_at(length);
                match (argument, behind) {
                    ([], [comma, ..]) => {
                        self.mistakes.over(comma, "expected a binding before this comma: write `VAR = value`");
                    }
                    (_, [] | [_]) => {
                        self.mistakes.over(stream(argument), refusal::not_a_body(argument, !self.bindings.is_empty()));
                        return None;
                    }
                    _ => {
                        self.mistakes.over(stream(argument), refusal::not_a_binding(argument));
                        if Body::of(argument).is_some() {
                            return None;
                        }
                    }
                }
                self.at += length;
            }
            if self.rest().len() <= 1 {
                let last = &self.tokens[self.tokens.len() - 1];
                let end = if is_punct(last, ',') { self.tokens.len() - 1 } else { self.tokens.len() };
                self.mistakes.over(last, refusal::missing_body(&self.tokens[..end]));
                return None;
            }
            self.at += 1;
        }
    }

    /// `<A = 1, B = 2> BODY`, where `open` is the first token.
    fn angle_form(&mut self, open: &TokenTree) -> Option<Body> {
        self.at = 1;
        let close = loop {
            match self.rest() {
                [close, ..] if is_punct(close, '>') => break close,
                [comma, ..] if is_punct(comma, ',') => {
                    self.mistakes.over(comma, "expected a binding before this comma: write `VAR = value`");
                }
                _ => {
                    let target = self.target();
                    let length = value::length_in_angle_form(self.rest(), self.mistakes);
                    if let Some(target) = target {
                        self.bind(target, length);
                    } else if self.at + length < self.tokens.len() {
                        let argument = &self.rest()[..length];
                        self.mistakes.over(stream(argument), refusal::not_a_binding(argument));
                        self.at += length;
                    } else {
                        self.at = self.tokens.len();
                    }
                }
            }
            match self.rest() {
                [comma, ..] if is_punct(comma, ',') => self.at += 1,
                [close, ..] if is_punct(close, '>') => break close,
                _ => {
                    self.mistakes.over(open, "this `<` is never closed: write `with_context!(<VAR = value> { .. })`");
                    return None;
                }
            }
        };
        self.at += 1;
        let body = self.last_argument();
        if body.is_none() && self.mistakes.is_empty() {
            self.no_body_behind(close);
        }
        body
    }

    /// Reports a mistake after the angle form's `>`, where the body should be.
    fn no_body_behind(&mut self, close: &TokenTree) {
        match self.rest() {
            [] => self
                .mistakes
                .over(close, "the body is missing after this `>`: write `with_context!(<VAR = value> { .. })`"),
            [comma, ..] if is_punct(comma, ',') => self
                .mistakes
                .over(comma, "unexpected comma between `>` and the body: write `with_context!(<VAR = value> { .. })`"),
            // A later `>` suggests that this one was meant as an operator.
            rest if rest.iter().any(|token| is_punct(token, '>')) => self.mistakes.over(
                close,
                "this `>` ends the bindings, but no body follows: write a comparison in parentheses, as in \
                 `<VAR = (a > b)>`",
            ),
            rest => self.mistakes.over(stream(rest), refusal::not_a_body(rest, true)),
        }
    }

    /// Reads `PATH =`, or nothing at all.
    fn target(&mut self) -> Option<&'a [TokenTree]> {
        let rest = self.rest();
        let length = rest.iter().take_while(|token| is_part_of_path(token)).count();
        let (path, behind) = rest.split_at(length);
        let is_assignment = match behind {
            [equals, next, ..] if is_joint(equals) => {
                is_punct(equals, '=') && !is_punct(next, '=') && !is_punct(next, '>')
            }
            [equals, ..] => is_punct(equals, '='),
            [] => false,
        };
        if !is_assignment || path.last().is_none_or(|last| is_punct(last, ':')) {
            return None;
        }
        self.at += length + 1;
        Some(path)
    }

    /// Adds the binding of `target` to the next `length` tokens.
    fn bind(&mut self, target: &[TokenTree], length: usize) {
        let value = &self.rest()[..length];
        let name = path_text(target);
        if value.is_empty() {
            let equals = &self.tokens[self.at - 1];
            let message = format!("`{name} =` has no value: write `{name} = value`, or remove the binding");
            self.mistakes.over(equals, message);
        }
        if self.seen.contains(&name) {
            self.mistakes.over(stream(target), format!("`{name}` is bound twice: remove one of the two"));
        }
        self.seen.push(name);
        self.bindings.push(Binding { target: stream(target), value: stream(value) });
        self.at += length;
    }

    /// Reads the body and a comma behind it, if they are all that is left.
    fn last_argument(&self) -> Option<Body> {
        match self.rest() {
            [argument @ .., comma] if is_punct(comma, ',') => Body::of(argument),
            argument => Body::of(argument),
        }
    }
}

fn is_part_of_path(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(word) => !["async", "unsafe", "move"].iter().any(|keyword| word == keyword),
        // `$path:path` of a `macro_rules!` macro.
        TokenTree::Group(group) => group.delimiter() == Delimiter::None,
        TokenTree::Punct(mark) => mark.as_char() == ':',
        TokenTree::Literal(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bindings as text, `{}` or `async` for the body, and the mistakes.
    fn read(source: &str) -> (String, Option<&'static str>, Vec<String>) {
        let mut mistakes = Mistakes::default();
        let call = call(format!("(krate) {source}").parse().expect("tokens"), &mut mistakes);
        let bindings: Vec<_> = call
            .bindings
            .iter()
            .map(|Binding { target, value }| format!("{target}={value}").replace(' ', ""))
            .collect();
        let body = call.body.map(|body| match body {
            Body::Block(_) => "{}",
            Body::Future(_) => "async",
        });
        (bindings.join(";"), body, mistakes.messages())
    }

    #[track_caller]
    fn assert_read(source: &str, bindings: &str, body: &'static str) {
        assert_eq!(read(source), (bindings.to_owned(), Some(body), Vec::new()), "{source}");
    }

    #[test]
    fn both_spellings_are_read_alike() {
        assert_read("{}", "", "{}");
        assert_read("{},", "", "{}");
        assert_read("<> {}", "", "{}");
        assert_read("A = 1, {}", "A=1", "{}");
        assert_read("A = 1, async {},", "A=1", "async");
        assert_read("<A = 1> {}", "A=1", "{}");
        assert_read("<A = 1,> async move {},", "A=1", "async");
        assert_read("A = 1, B = f(2, 3), {}", "A=1;B=f(2,3)", "{}");
        assert_read("<A = 1, B = f(2, 3)> {}", "A=1;B=f(2,3)", "{}");
    }

    #[test]
    fn a_value_may_begin_with_an_operator() {
        assert_read("A =-1, B =&x, C =!y, {}", "A=-1;B=&x;C=!y", "{}");
        assert_read("<A =<u8>::MAX> {}", "A=<u8>::MAX", "{}");
    }

    #[test]
    fn a_value_may_look_like_a_body() {
        assert_read("A = { 1 }, B = async {}, {}", "A={1};B=async{}", "{}");
    }

    #[test]
    fn each_mistake_is_reported_once() {
        for source in [
            "",
            "A",
            "A,",
            "A=1",
            "A = 1,",
            "A = , {}",
            "A, {}",
            "A == 1, {}",
            "A: 1, {}",
            "A += 1, {}",
            "{}, A = 1",
            "f()",
            "A = 1, f()",
            "A = 1, f(),",
            "A = 1, A = 2, {}",
            ", {}",
            "<",
            "<>",
            "<A",
            "<A>",
            "<A> {}",
            "<A = 1",
            "<A = 1>",
            "<A = 1>, {}",
            "<A = > {}",
            "<A = 1> f()",
            "<A = a > b> {}",
            "<A = a < b> {}",
            "<A = 1, A = 2> {}",
            "<,> {}",
            "async",
            "A = 1, async",
            "A = 1, async move",
            "A = 1, move {}",
            "A = 1, 'a: {}",
            "{} {}",
        ] {
            let (_, _, mistakes) = read(source);
            assert_eq!(mistakes.len(), 1, "{source}: {mistakes:#?}");
        }
    }

    #[test]
    fn a_mistake_is_called_by_its_name() {
        for (source, message) in [
            (", {}", "expected a binding before this comma"),
            ("<,> {}", "expected a binding before this comma"),
            ("<A = > {}", "`A =` has no value"),
            ("== 1, {}", "expected a binding, or"),
            ("A += 1, {}", "expected a binding, or"),
            ("A +:, {}", "expected a binding, or"),
            ("1, {}", "expected a binding, or"),
            ("A == 1, {}", "is written with `=`, not `==`: write `A = 1`"),
            ("a::B, {}", "`a::B` has no value"),
            ("a::B: 1, {}", "write `a::B = 1`"),
            ("A", "`A` is neither a binding nor a body"),
            ("A = 1, x", "the body must be a block or an async block: write `{ x }`"),
            ("A = 1, \"too long to be shown as a part of a message\"", "an async block: write `{ .. }`"),
            ("<A = 1> f()", "the body must be a block or an async block"),
            ("<A = a > b> {}", "write a comparison in parentheses"),
            ("A = 1, async unsafe {}", "the body must be a block or an async block"),
            ("A = 1, unsafe move {}", "the body must be a block or an async block"),
            ("A = 1 {}", "put a `,` before it"),
            ("A = 1 {},", "put a `,` before it"),
        ] {
            let (_, body, mistakes) = read(source);
            assert!(mistakes.len() == 1 && mistakes[0].contains(message), "{source}: {mistakes:#?}");
            assert!(body.is_none() || source.ends_with(" {}"), "{source}");
        }
    }

    #[test]
    fn all_mistakes_are_reported() {
        let (_, _, mistakes) = read("A, B = , C = 1, C = 2, f()");
        assert_eq!(mistakes.len(), 4, "{mistakes:#?}");
        let (_, _, mistakes) = read("<A = 8 >> 2, A = 1> {}");
        assert_eq!(mistakes.len(), 2, "{mistakes:#?}");
    }
}

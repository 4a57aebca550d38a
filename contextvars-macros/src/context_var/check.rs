//! The meaning: the declaration with its checked arguments, and every mistake found.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta, Type, Visibility};

use super::ast::{Argument, Declaration, Value};
use super::reserved::RESERVED;
use super::reserved_headers::HEADERS;
use super::token::is_in_token;
use crate::mistakes::Mistakes;

/// The arguments that `#[context_var]` knows, with how they are written.
const KNOWN: [(&str, &str); 7] = [
    ("default", "default = EXPR"),
    ("inherit", "inherit = false"),
    ("redact", "redact"),
    ("log", "log"),
    ("baggage", "baggage = \"key\""),
    ("header", "header = \"name\""),
    ("crate", "crate = PATH"),
];

/// The checked arguments.
#[derive(Clone, Default)]
pub(super) struct Options {
    /// The argument, and the expression.
    default: Option<(Ident, TokenStream)>,
    pub(super) not_inherited: bool,
    pub(super) redact: bool,
    pub(super) log: Option<LogKey>,
    /// The key under which the value leaves the process in baggage.
    pub(super) baggage: Option<TokenStream>,
    /// The header in which the value leaves the process.
    pub(super) header: Option<TokenStream>,
    /// The path of the `contextvars` crate, if not the usual one.
    pub(super) krate: Option<TokenStream>,
}

/// The name that a value has in log lines.
#[derive(Clone)]
pub(super) enum LogKey {
    /// The variable's.
    Name {
        /// The place of the argument.
        argument: Span,
    },
    /// A string literal.
    Other(TokenStream),
}

/// A declaration ready to be written out.
pub(super) struct Variable {
    /// Every attribute of the static but a second `#[context_var]`.
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) keyword: Span,
    pub(super) name: Ident,
    /// The type of the value, or the mistake in it.
    pub(super) ty: Result<Type, syn::Error>,
    /// The default's expression, from the arguments or from behind the `=`.
    pub(super) default: Option<TokenStream>,
    pub(super) docs: Option<String>,
    pub(super) options: Options,
}

/// Checks the arguments.
pub(super) fn options(arguments: Vec<Argument>, mistakes: &mut Mistakes) -> Options {
    let mut options = Options::default();
    let mut seen: Vec<String> = Vec::new();
    for Argument { name, value } in arguments {
        let word = name.unraw().to_string();
        if !KNOWN.iter().any(|(known, _)| *known == word) {
            mistakes.over(&name, unknown(&word));
            continue;
        }
        if seen.contains(&word) {
            mistakes.over(&name, format!("`{word}` is given twice: remove one of the two"));
            continue;
        }
        match (word.as_str(), value) {
            (_, Some(Value::Refused)) => {}
            ("default", None) => {
                let tokens = quote_spanned!(name.span()=> ::core::default::Default::default());
                options.default = Some((name, tokens));
            }
            ("default", Some(Value::Expr(tokens))) => options.default = Some((name, tokens)),
            ("inherit", Some(Value::Expr(tokens))) => options.not_inherited = !truth(&word, tokens, true, mistakes),
            ("inherit", None) => mistakes.over(&name, "`inherit` needs a value: write `inherit = false`"),
            ("redact", Some(Value::Expr(tokens))) => options.redact = truth(&word, tokens, false, mistakes),
            ("redact", None) => options.redact = true,
            ("log", Some(Value::Expr(tokens))) => options.log = log_key(&name, tokens, mistakes),
            ("log", None) => options.log = Some(LogKey::Name { argument: name.span() }),
            ("baggage", Some(Value::Expr(tokens))) => options.baggage = baggage_key(tokens, mistakes),
            ("baggage", None) => {
                mistakes.over(&name, "`baggage` needs a key: write `baggage = \"key\"`");
            }
            ("header", Some(Value::Expr(tokens))) => options.header = header_name(tokens, mistakes),
            ("header", None) => {
                mistakes.over(&name, "`header` needs a header name: write `header = \"x-name\"`");
            }
            ("crate", Some(Value::Path(path))) => options.krate = Some(path.to_token_stream()),
            _ => mistakes.over(&name, "`crate` needs a path: write `crate = path::to::contextvars`"),
        }
        seen.push(word);
    }
    for (word, key) in [("baggage", &options.baggage), ("header", &options.header)] {
        if let (true, Some(key)) = (options.redact, key) {
            let message =
                format!("`{word}` sends the value to other processes, but `redact` hides it: remove one of the two");
            mistakes.over(key, message);
        }
    }
    options
}

fn log_key(argument: &Ident, tokens: TokenStream, mistakes: &mut Mistakes) -> Option<LogKey> {
    match syn::parse2::<Lit>(tokens.clone()) {
        Ok(Lit::Bool(value)) => return value.value.then_some(LogKey::Name { argument: argument.span() }),
        Ok(Lit::Str(key)) if RESERVED.contains(&&*key.value()) => mistakes.over(&key, reserved(&key.value())),
        Ok(Lit::Str(key)) if !key.value().is_empty() => return Some(LogKey::Other(key.into_token_stream())),
        _ => mistakes
            .over(tokens, "the name of `log` must be a string that is not empty: write `log`, or `log = \"name\"`"),
    }
    None
}

/// The message for a name that formats use.
fn reserved(name: &str) -> String {
    let other = name.replace('.', "_");
    format!("`{name}` is a reserved name in log lines: write another one, such as `log = \"my_{other}\"`")
}

/// The key of a baggage member, which is a token of HTTP by the W3C specification.
fn baggage_key(tokens: TokenStream, mistakes: &mut Mistakes) -> Option<TokenStream> {
    let Ok(key) = syn::parse2::<LitStr>(tokens.clone()) else {
        mistakes.over(tokens, "the key of `baggage` must be a string: write `baggage = \"key\"`");
        return None;
    };
    let text = key.value();
    if let Some(letter) = text.chars().find(|&letter| !is_in_token(letter)) {
        mistakes.over(
            &key,
            format!("{letter:?} is not allowed in a key of `baggage`: use ASCII letters, digits, `-`, `_`, `.`"),
        );
        return None;
    }
    if text.is_empty() {
        mistakes.over(&key, "the key of `baggage` is empty: write `baggage = \"key\"`");
        return None;
    }
    Some(tokens)
}

/// The name of a header: a token of HTTP in lower case, as HTTP/2 requires, that is not reserved.
fn header_name(tokens: TokenStream, mistakes: &mut Mistakes) -> Option<TokenStream> {
    let Ok(name) = syn::parse2::<LitStr>(tokens.clone()) else {
        mistakes.over(tokens, "the name of a `header` must be a string: write `header = \"x-name\"`");
        return None;
    };
    let text = name.value();
    let message = if text.is_empty() {
        "the name of the `header` is empty: write `header = \"x-name\"`".to_owned()
    } else if let Some(letter) = text.chars().find(|&letter| !is_in_token(letter)) {
        format!("{letter:?} is not allowed in a header name: use lower-case ASCII letters, digits, `-`, `_`")
    } else if text.chars().any(|letter| letter.is_ascii_uppercase()) {
        format!("a header name must be in lower case: write `header = {:?}`", text.to_ascii_lowercase())
    } else if let Some((_, advice)) = HEADERS.iter().find(|(names, _)| names.contains(&&*text)) {
        format!("`{text}` {advice}")
    } else {
        return Some(tokens);
    };
    mistakes.over(&name, message);
    None
}

fn truth(word: &str, tokens: TokenStream, otherwise: bool, mistakes: &mut Mistakes) -> bool {
    match syn::parse2::<Expr>(tokens.clone()) {
        Ok(Expr::Lit(ExprLit { lit: Lit::Bool(value), .. })) => value.value,
        _ => {
            mistakes.over(tokens, format!("`{word}` must be `true` or `false`: write `{word} = {}`", !otherwise));
            otherwise
        }
    }
}

/// The message for an argument that does not exist.
fn unknown(word: &str) -> String {
    let list: Vec<_> = KNOWN.iter().map(|(_, form)| format!("`{form}`")).collect();
    let list = list.join(", ");
    match nearest(word) {
        Some(known) => format!("unknown argument `{word}`: did you mean `{known}`?\nthe arguments are {list}"),
        None => format!("unknown argument `{word}`\nthe arguments are {list}"),
    }
}

/// The known argument that `word` most likely means.
fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    KNOWN
        .iter()
        .map(|&(known, _)| (distance(&word, known), known))
        .filter(|&(distance, known)| distance <= known.len() / 3 || known.starts_with(&word) || word.starts_with(known))
        .min()
        .map(|(_, known)| known)
}

/// The edit distance of two words: letters added, removed or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for j in 0..b.len() {
            let replaced = diagonal + usize::from(letter != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Combines a declaration with its options.
pub(super) fn variable(declaration: Declaration, mut options: Options, mistakes: &mut Mistakes) -> Variable {
    let Declaration { mut attrs, vis, keyword, name, ty, initialiser } = declaration;
    attrs.retain(|attr| {
        let again = attr.path().segments.last().is_some_and(|last| last.ident == "context_var");
        if again {
            mistakes.over(attr, format!("`{name}` has `#[context_var]` twice: remove one of the two"));
        }
        !again
    });
    let default = match (options.default.take(), initialiser) {
        (Some((word, _)), Some(initialiser)) => {
            mistakes.over(
                &word,
                format!("`{name}` has two defaults, this one and the one after its `=`: remove one of the two"),
            );
            Some(initialiser)
        }
        (Some((_, tokens)), None) | (None, Some(tokens)) => Some(tokens),
        (None, None) => None,
    };
    if let Some(LogKey::Name { argument }) = &options.log {
        let name = name.unraw().to_string();
        if RESERVED.contains(&&*name) {
            mistakes.at(*argument, reserved(&name));
        }
    }
    Variable { docs: docs(&attrs), attrs, vis, keyword, name, ty, default, options }
}

/// The text of the doc comments, without the space that follows `///`.
fn docs(attrs: &[Attribute]) -> Option<String> {
    let mut lines = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("doc")) {
        let Meta::NameValue(pair) = &attr.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else { continue };
        let text = text.value();
        if text.is_empty() {
            lines.push(String::new());
        }
        lines.extend(text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn a_misspelt_argument_is_recognised() {
        assert_eq!(nearest("defualt"), Some("default"));
        assert_eq!(nearest("def"), Some("default"));
        assert_eq!(nearest("Inherit"), Some("inherit"));
        assert_eq!(nearest("inherits"), Some("inherit"));
        assert_eq!(nearest("redacted"), Some("redact"));
        assert_eq!(nearest("krate"), Some("crate"));
        assert_eq!(nearest("lifetime"), None);
        assert_eq!(nearest("x"), None);
    }

    #[test]
    fn a_distance_counts_letters_added_removed_and_replaced() {
        for (a, b, letters) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abcd", 1),
            ("abcd", "bcd", 1),
            ("abc", "axc", 1),
            ("ab", "ba", 2),
            ("kitten", "sitting", 3),
            ("abcdef", "azced", 3),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (letters, letters), "{a} {b}");
        }
    }

    fn is_refused(key: TokenStream) -> bool {
        let mut mistakes = Mistakes::default();
        log_key(&parse_quote!(log), key, &mut mistakes).is_none() && mistakes.messages().len() == 1
    }

    #[test]
    fn a_name_in_log_lines_is_not_empty() {
        assert!(is_refused(quote::quote!("")) && is_refused(quote::quote!(1)) && !is_refused(quote::quote!("name")));
    }

    #[test]
    fn a_name_that_formats_use_is_refused() {
        for name in RESERVED {
            assert!(is_refused(quote::quote!(#name)), "{name}");
            let other = format!("my_{name}");
            assert!(!is_refused(quote::quote!(#other)), "{other}");
        }
    }

    #[test]
    fn a_header_has_a_name_that_is_a_token_in_lower_case_and_free() {
        let told = |name: &str| {
            let mut mistakes = Mistakes::default();
            let is_taken = header_name(quote::quote!(#name), &mut mistakes).is_some();
            assert_eq!(is_taken, mistakes.is_empty(), "{name}");
            mistakes.messages().concat()
        };
        for name in ["x-request-id", "accept-language", "traceparent", "_a.1~"] {
            assert_eq!(told(name), "");
        }
        for (name, advice) in [
            ("", "is empty"),
            ("x id", "' ' is not allowed"),
            ("x:", "':' is not allowed"),
            ("ü", "'ü' is not allowed"),
            ("X-Id", "write `header = \"x-id\"`"),
            ("Cookie", "write `header = \"cookie\"`"),
        ] {
            assert!(told(name).contains(advice), "{name}: {}", told(name));
        }
        for (names, advice) in HEADERS {
            for name in names {
                assert_eq!(told(name), format!("`{name}` {advice}"));
            }
        }
        assert!(header_name(quote::quote!(1), &mut Mistakes::default()).is_none());
    }

    #[test]
    fn docs_are_the_text_behind_the_slashes() {
        let attrs: Vec<Attribute> = vec![
            parse_quote!(#[doc = " First."]),
            parse_quote!(#[doc = ""]),
            parse_quote!(#[doc(hidden)]),
            parse_quote!(#[doc = "   indented\n second line "]),
            parse_quote!(#[doc = include_str!("elsewhere.md")]),
        ];
        assert_eq!(docs(&attrs).as_deref(), Some("First.\n\n  indented\nsecond line "));
        assert_eq!(docs(&[]), None);
    }
}

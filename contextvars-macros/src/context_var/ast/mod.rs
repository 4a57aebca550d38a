//! The syntax: the arguments of the attribute and the static below it, before any check.
//!
//! rustc accepts a static without an initialiser as the input of an attribute; `syn::ItemStatic` does not, hence the
//! parser here. It continues after a mistake if it can, so that all mistakes are reported at once.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, Path, Token, Type, Visibility, token};

use crate::mistakes::Mistakes;

/// One argument of the attribute: `name` or `name = value`.
pub(super) struct Argument {
    pub(super) name: Ident,
    pub(super) value: Option<Value>,
}

/// The value after an argument's `=`.
pub(super) enum Value {
    /// An expression, kept as its tokens.
    Expr(TokenStream),
    /// The path of `crate = PATH`.
    Path(Path),
    /// A value whose mistake has been reported already.
    Refused,
}

/// The item below the attribute.
pub(super) enum Subject {
    /// A static, or an item that was meant as one; with `thread_local!`, all statics within it.
    Statics(Vec<Declaration>),
    /// Any other item, which is kept unchanged beside the error.
    Other(TokenStream),
}

/// `ATTRS VIS static NAME: TYPE = INITIALISER;`, where the last part is optional.
pub(super) struct Declaration {
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    /// The word `static`.
    pub(super) keyword: Span,
    pub(super) name: Ident,
    /// The type of the value, or the mistake in it.
    pub(super) ty: Result<Type, syn::Error>,
    pub(super) initialiser: Option<TokenStream>,
}

/// Reads the attribute's arguments.
pub(super) fn arguments(tokens: TokenStream, mistakes: &mut Mistakes) -> Vec<Argument> {
    let parser = |input: ParseStream<'_>| {
        let mut list = Vec::new();
        while !input.is_empty() {
            match argument(input, mistakes) {
                Ok(argument) => list.push(argument),
                Err(error) => {
                    mistakes.push(error);
                    skip_until(input, |input| input.peek(Token![,]));
                }
            }
            if input.is_empty() {
                break;
            }
            if !input.peek(Token![,]) {
                mistakes.push(input.error("expected `,` between the arguments of `#[context_var(..)]`"));
                skip_until(input, |input| input.peek(Token![,]));
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(list)
    };
    match parser.parse2(tokens) {
        Ok(list) => list,
        Err(error) => {
            mistakes.push(error);
            Vec::new()
        }
    }
}

fn argument(input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<Argument> {
    let is_name = input.peek(Ident::peek_any)
        && (input.peek2(Token![=])
            || input.peek2(Token![,])
            || input.peek2(Token![:])
            || input.peek2(token::Paren)
            || ends_after_one(input));
    if !is_name || input.peek(syn::LitBool) {
        let span = input.span();
        let value = input.parse::<Expr>().map(|value| value.to_token_stream().to_string());
        let advice = match value {
            Ok(value) if value.len() <= 40 => format!(": for a default, write `default = {value}`"),
            _ => ": for a default, write `default = EXPR`".to_owned(),
        };
        return Err(syn::Error::new(span, format!("expected an argument name{advice}")));
    }
    let name = input.call(Ident::parse_any)?;
    if input.peek(Token![:]) || input.peek(token::Paren) {
        mistakes.over(&name, format!("the value of `{name}` is given with `=`: write `{name} = ..`"));
        skip_until(input, |input| input.peek(Token![,]));
        return Ok(Argument { name, value: Some(Value::Refused) });
    }
    if !input.peek(Token![=]) {
        return Ok(Argument { name, value: None });
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        mistakes.over(equals, format!("`{name} =` has no value: write `{name} = ..`, or remove the argument"));
        return Ok(Argument { name, value: Some(Value::Refused) });
    }
    let value = if name == "crate" { crate_path(input) } else { expression(input).map(Value::Expr) };
    let value = value.unwrap_or_else(|error| {
        mistakes.push(error);
        skip_until(input, |input| input.peek(Token![,]));
        Value::Refused
    });
    Ok(Argument { name, value: Some(value) })
}

/// Reads the path of `crate = PATH`.
fn crate_path(input: ParseStream<'_>) -> syn::Result<Value> {
    if let Ok(text) = input.fork().parse::<syn::LitStr>() {
        let advice = format!("`crate` must be a path, not a string: write `crate = {}`", text.value());
        return Err(input.error(advice));
    }
    Path::parse_mod_style(input).map(Value::Path)
}

/// Whether the next token is the last one.
fn ends_after_one(input: ParseStream<'_>) -> bool {
    input.cursor().token_tree().is_some_and(|(_, rest)| rest.eof())
}

/// Parses an expression to find its end, and returns the tokens as they were written.
fn expression(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let begin = input.cursor();
    input.parse::<Expr>()?;
    let end = input.cursor();
    let mut tokens = TokenStream::new();
    let mut cursor = begin;
    while cursor != end {
        let Some((token, next)) = cursor.token_tree() else { break };
        tokens.extend([token]);
        cursor = next;
    }
    Ok(tokens)
}

fn skip_until(input: ParseStream<'_>, stop: impl Fn(ParseStream<'_>) -> bool) {
    while !input.is_empty() && !stop(input) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

/// Reads the item below the attribute.
pub(super) fn subject(tokens: TokenStream, mistakes: &mut Mistakes) -> Subject {
    let whole = tokens.clone();
    let parser = |input: ParseStream<'_>| {
        let subject = item(input, mistakes)?;
        skip_until(input, |_| false);
        Ok(subject)
    };
    match parser.parse2(tokens) {
        Ok(Some(subject)) => subject,
        Ok(None) => Subject::Other(whole),
        Err(error) => {
            mistakes.push(error);
            Subject::Other(TokenStream::new())
        }
    }
}

/// Reads one item; `None` for one that is kept as it is.
fn item(input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<Option<Subject>> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis: Visibility = input.parse()?;
    while input.peek(Token![unsafe])
        || input.peek(Token![extern])
        || (peek_word(input, "safe") && input.peek2(Token![static]))
    {
        if !leads_to_static(input) {
            break;
        }
        let word = input.call(Ident::parse_any)?;
        mistakes.over(&word, format!("a context variable cannot be `{word}`: write `static NAME: T;`"));
        input.parse::<Option<syn::LitStr>>()?;
    }
    if input.peek(Token![static]) {
        let keyword = input.parse::<Token![static]>()?.span;
        return declaration(input, attrs, vis, keyword, mistakes)
            .map(|declared| Some(Subject::Statics(vec![declared])));
    }
    if input.peek(Token![const]) && (input.peek3(Token![:]) || input.peek3(Token![=])) {
        let keyword = input.parse::<Token![const]>()?.span;
        mistakes.at(keyword, "a context variable must be a `static`, not a `const`: write `static NAME: T;`");
        return declaration(input, attrs, vis, keyword, mistakes)
            .map(|declared| Some(Subject::Statics(vec![declared])));
    }
    if input.peek(Token![let]) {
        mistakes.push(input.error(
            "a context variable must be a `static`, not a local variable: write `static NAME: T;` at module level",
        ));
        return Ok(Some(Subject::Other(TokenStream::new())));
    }
    if is_thread_local(input) {
        let path = input.call(Path::parse_mod_style)?;
        mistakes.over(
            path,
            "a context variable is separate for each thread already: write `static NAME: T;` without `thread_local!`",
        );
        input.parse::<Token![!]>()?;
        let body: proc_macro2::Group = input.parse()?;
        let statics = within_thread_local.parse2(body.stream()).unwrap_or_default();
        return Ok(Some(Subject::Statics(statics)));
    }
    let found = match input.cursor().token_tree() {
        Some((token, _)) => format!("`{}`", first_line(&token.to_string())),
        None => "nothing".to_owned(),
    };
    mistakes
        .push(input.error(format!("`#[context_var]` applies to a `static`, found {found}: write `static NAME: T;`")));
    Ok(None)
}

fn first_line(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split(['{', '(']).next().unwrap_or(line).trim_end()
}

fn peek_word(input: ParseStream<'_>, word: &str) -> bool {
    input.cursor().ident().is_some_and(|(ident, _)| ident == word)
}

/// Whether only qualifiers stand before the word `static`.
fn leads_to_static(input: ParseStream<'_>) -> bool {
    let mut cursor = input.cursor();
    loop {
        if let Some((word, next)) = cursor.ident() {
            if word == "static" {
                return true;
            }
            if word != "unsafe" && word != "extern" && word != "safe" {
                return false;
            }
            cursor = next;
        } else if let Some((_, next)) = cursor.literal() {
            cursor = next;
        } else {
            return false;
        }
    }
}

fn is_thread_local(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    fork.call(Path::parse_mod_style)
        .is_ok_and(|path| path.segments.last().is_some_and(|last| last.ident == "thread_local"))
        && fork.peek(Token![!])
}

/// The statics within a `thread_local!`, read for their names only: its mistake is reported already.
fn within_thread_local(input: ParseStream<'_>) -> syn::Result<Vec<Declaration>> {
    let mut statics = Vec::new();
    while !input.is_empty() {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let keyword = input.parse::<Token![static]>()?.span;
        statics.push(declaration(input, attrs, vis, keyword, &mut Mistakes::default())?);
    }
    Ok(statics)
}

/// Parses the declaration after the word `static`.
fn declaration(
    input: ParseStream<'_>,
    attrs: Vec<Attribute>,
    vis: Visibility,
    keyword: Span,
    mistakes: &mut Mistakes,
) -> syn::Result<Declaration> {
    if input.peek(Token![mut]) {
        let word: Token![mut] = input.parse()?;
        mistakes.over(
            word,
            "a context variable cannot be `mut`: write `static NAME: T;`, and change its value with `NAME.set(..)`",
        );
    }
    if !input.peek(syn::Ident) {
        return Err(input.error("a context variable needs a name: write `static NAME: T;`"));
    }
    let name: Ident = input.parse()?;
    if input.peek(Token![<]) {
        mistakes
            .push(input.error("a context variable cannot be generic: write `static NAME: T;` with a concrete type"));
        skip_until(input, ends_generics);
    }
    let ty = value_type(input, &name);
    let mut initialiser = None;
    if input.peek(Token![=]) {
        let equals: Token![=] = input.parse()?;
        if input.is_empty() || input.peek(Token![;]) {
            mistakes.over(equals, format!("`=` has no value: write `static {name}: T = EXPR;`, or remove the `=`"));
        } else {
            match expression(input) {
                Ok(tokens) => initialiser = Some(tokens),
                Err(error) => {
                    mistakes.push(error);
                    skip_until(input, |input| input.peek(Token![;]));
                }
            }
        }
    }
    input.parse::<Option<Token![;]>>()?;
    Ok(Declaration { attrs, vis, keyword, name, ty, initialiser })
}

/// Whether the `:` here introduces the static's type: no `>` follows before the end.
fn ends_generics(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    fork.parse::<Token![:]>().is_ok() && fork.parse::<Type>().is_ok() && (fork.peek(Token![=]) || fork.peek(Token![;]))
}

/// Reads `: TYPE`.
fn value_type(input: ParseStream<'_>, name: &Ident) -> Result<Type, syn::Error> {
    let missing = |at: &dyn ToTokens| {
        syn::Error::new_spanned(at, format!("the type of the value is missing: write `static {name}: T;`"))
    };
    if !input.peek(Token![:]) {
        return Err(missing(name));
    }
    let colon: Token![:] = input.parse()?;
    if input.peek(Token![;]) || input.peek(Token![=]) || input.is_empty() {
        return Err(missing(&colon));
    }
    let ty: Type = input.parse().inspect_err(|_| {
        skip_until(input, |input| input.peek(Token![=]) || input.peek(Token![;]));
    })?;
    let advice = match &ty {
        Type::Infer(_) => format!("the type of the value cannot be inferred: write `static {name}: T;`"),
        Type::Path(path) if path.path.is_ident("str") => {
            unsized_value("str", &format!("static {name}: String;` or `static {name}: &'static str;"))
        }
        Type::Slice(slice) => {
            let elem = slice.elem.to_token_stream();
            unsized_value(&format!("[{elem}]"), &format!("static {name}: Vec<{elem}>;"))
        }
        Type::TraitObject(_) => unsized_value("dyn ..", &format!("static {name}: Box<dyn ..>;")),
        _ => return Ok(ty),
    };
    Err(syn::Error::new_spanned(ty, advice))
}

fn unsized_value(ty: &str, instead: &str) -> String {
    format!("a context variable's type must be `Sized`, and `{ty}` is not: write `{instead}`")
}

#[cfg(test)]
mod tests;

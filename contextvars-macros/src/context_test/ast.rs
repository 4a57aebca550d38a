//! The syntax: the arguments of the attribute and the function below it, before any check.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, MetaNameValue, Signature, Token, Visibility, token};

use crate::mistakes::Mistakes;

/// `ATTRS VIS SIGNATURE { .. }`, whose body is not parsed.
pub(super) struct Function {
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) signature: Signature,
    /// The block with its braces.
    pub(super) body: TokenTree,
}

/// Reads the attribute's arguments: `name = value`, separated by commas.
pub(super) fn arguments(tokens: TokenStream, mistakes: &mut Mistakes) -> Vec<MetaNameValue> {
    let parser = Punctuated::<MetaNameValue, Token![,]>::parse_terminated;
    match parser.parse2(tokens) {
        Ok(arguments) => arguments.into_iter().collect(),
        Err(error) => {
            mistakes
                .at(error.span(), format!("an argument of `#[contextvars::test]` is written `name = value`: {error}"));
            Vec::new()
        }
    }
}

/// Reads the function below the attribute.
pub(super) fn function(tokens: TokenStream) -> syn::Result<Function> {
    let parser = |input: ParseStream<'_>| {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let is_function = input.fork().parse::<Signature>().is_ok();
        if !is_function {
            return Err(input.error("`#[contextvars::test]` applies to a function: write `fn name() { .. }`"));
        }
        let signature = input.parse()?;
        if !input.peek(token::Brace) {
            return Err(input.error("a test function needs a body: write `{ .. }`"));
        }
        let body = input.parse()?;
        Ok(Function { attrs, vis, signature, body })
    };
    parser.parse2(tokens)
}

//! The expansion of a `with_context!` call.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};

use super::body::Body;
use super::parse::{Binding, Call};
use crate::mistakes::Mistakes;

/// The expansion of a call without mistakes.
///
/// Generated names have `mixed_site` spans, so that user code can neither see nor shadow them.
pub(super) fn call(call: &Call, body: &Body) -> TokenStream {
    let krate = &call.krate;
    let site = Span::mixed_site();
    let mut bindings = TokenStream::new();
    let mut names = Vec::new();
    for (number, Binding { target, value }) in call.bindings.iter().enumerate() {
        let binding = format_ident!("binding{}", number, span = site);
        let value = without_lints(value.clone());
        let at_target = site.located_at(first_span(target));
        let reference = quote_spanned!(at_target=> &#target);
        // Each value is a statement of its own: its temporaries are gone before the context is entered. A field, and
        // not an argument, because a value of the wrong type is then reported without a function that the user never
        // called.
        bindings.extend(quote_spanned!(site=>
            let #binding = #krate::__private::Binding { var: #reference, value: #value };
        ));
        names.push(binding);
    }
    match body {
        // An arm ends the lifetime of the body's temporaries before that of the guard, in every edition, and passes the
        // expected type on to the body, which a variable would not.
        Body::Block(block) => {
            let guard = Ident::new("_guard", site);
            let block = with_span(block, site.located_at(block.span()));
            quote_spanned!(site=> {
                #bindings
                match #krate::__private::enter([#(#names.bound()),*]) { #guard => #block }
            })
        }
        Body::Future(future) => {
            let ctx = Ident::new("ctx", site);
            let future = without_lints(future.clone());
            quote_spanned!(site=> {
                #bindings
                let #ctx = #krate::copy_context();
                #(let #ctx = #krate::Context::with(#ctx, #names.var, #names.value);)*
                #krate::__private::in_context(#ctx, #future)
            })
        }
    }
}

/// The errors, as an expression that fits wherever the call stands.
pub(super) fn refused(mistakes: &Mistakes) -> TokenStream {
    let errors = mistakes.to_compile_errors();
    quote!({ #errors })
}

/// Silences lints about parentheses or braces around a whole value, and about an `async` block that is the whole body:
/// they may have been necessary where the user wrote them.
fn without_lints(tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) if group.delimiter() != Delimiter::None => {
                with_span(&group, Span::mixed_site().located_at(group.span())).into()
            }
            TokenTree::Ident(word) if word == "async" => {
                Ident::new("async", Span::mixed_site().located_at(word.span())).into()
            }
            token => token,
        })
        .collect()
}

fn with_span(group: &Group, span: Span) -> Group {
    let mut group = Group::new(group.delimiter(), group.stream());
    group.set_span(span);
    group
}

fn first_span(tokens: &TokenStream) -> Span {
    tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

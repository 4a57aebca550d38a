//! The expansion of a declaration: the static, its registration, and the proof that it is at module level.
//!
//! Every generated token gets a `mixed_site` span, so that lints about it are not reported to the user, located at the
//! user's token to which an error about it should point.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt;

use super::check::{LogKey, Options, Variable};
use crate::mistakes::Mistakes;

/// The expansion of a declaration without mistakes.
pub(super) fn variable(variable: &Variable, ty: &Type) -> TokenStream {
    let Variable { attrs, vis, keyword, name, .. } = variable;
    let at_name = ours(name.span());
    let at_type = ours(first_span(ty));
    let private = private(variable, at_name);
    let described = description(variable, &private);
    let default = match &variable.default {
        Some(value) => {
            let value = without_lints(value.clone());
            quote_spanned!(at_name=> ::core::option::Option::Some(|| -> #ty { #value }))
        }
        None => quote_spanned!(at_name=> ::core::option::Option::None),
    };
    let marker = marker(name);
    let cfgs: Vec<_> = attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect();
    let at_module_level = module_level_check(name, &private);
    let keyword = Ident::new("static", *keyword);
    let traits = quote_spanned!(at_name=> {
        use #private::Absent as _;
        #private::Traits {
            debug: #private::Probe::<#ty>::DEBUG,
            display: #private::Probe::<#ty>::DISPLAY,
            eq: #private::Probe::<#ty>::EQ,
            serialize: #private::Probe::<#ty>::SERIALIZE,
        }
    });
    // These paths have bounds on the value's type, so their span is that of the type: errors point there.
    let declared = context_var(variable, at_type, &ty.to_token_stream());
    let private_at_type = self::private(variable, at_type);
    let declare = quote_spanned!(at_type=> #private_at_type::declare::<#ty>);
    let key = variable.options.baggage.as_ref().or(variable.options.header.as_ref());
    let propagated = key.map(|_| {
        let propagated = format_ident!("__Propagated_{}", name.unraw(), span = at_name);
        let text = quote_spanned!(at_type=> #private_at_type::Text::<#ty>::new());
        // In a block of its own, so that the default's expression cannot see it.
        quote_spanned!(at_name=> {
            static #propagated: #private::PropagatedVar<#ty> = #private::PropagatedVar::new(&#name, #text);
            #private::inventory::submit! { #private::PropagatedEntry::new(&#propagated) }
        })
    });
    // The registration and the check are items within the static, so that the user's attributes of the static
    // (`#[deprecated]`, `#[cfg]`, lint levels) apply to them as well.
    quote_spanned!(at_name=>
        #(#attrs)*
        #vis #keyword #name: #declared = {
            #private::inventory::submit! { #private::Registration::new(#name.variable()) }
            #propagated
            #at_module_level
            #declare(#described, #default, #traits)
        };
        #(#cfgs)*
        #[doc(hidden)]
        enum #marker {}
    )
}

/// The expansion of declarations with mistakes: the errors, and the names with their types, so that uses of them cause
/// no further errors.
pub(super) fn refused(mistakes: &Mistakes, variables: &[Variable]) -> TokenStream {
    let mut tokens = mistakes.to_compile_errors();
    for variable in variables {
        let Variable { attrs, vis, name, ty, .. } = variable;
        let ty = match ty {
            Ok(ty) => ty.to_token_stream(),
            Err(mistake) => {
                tokens.extend(mistake.to_compile_error());
                continue;
            }
        };
        let at_name = ours(name.span());
        let private = private(variable, at_name);
        let declared = context_var(variable, at_name, &ty);
        tokens
            .extend(quote_spanned!(at_name=> #(#attrs)* #vis static #name: #declared = #private::undeclared::<#ty>();));
    }
    tokens
}

/// The path of the `contextvars` crate.
fn krate(variable: &Variable, at: Span) -> TokenStream {
    match &variable.options.krate {
        Some(path) => path.clone(),
        None => quote_spanned!(at=> ::contextvars),
    }
}

fn private(variable: &Variable, at: Span) -> TokenStream {
    let krate = krate(variable, at);
    quote_spanned!(at=> #krate::__private)
}

/// The type of the static.
fn context_var(variable: &Variable, at: Span, ty: &TokenStream) -> TokenStream {
    let krate = krate(variable, at);
    quote_spanned!(at=> #krate::ContextVar<#ty>)
}

/// The facts that `variable.name()` and similar methods return.
fn description(variable: &Variable, private: &TokenStream) -> TokenStream {
    let name = variable.name.unraw().to_string();
    // `line!()` returns the line of its outermost expansion, which must be that of the name and not of the attribute.
    let at_name = variable.name.span();
    let place = quote_spanned!(at_name=> ::core::module_path!(), ::core::file!(), ::core::line!(), ::core::column!());
    let Options { not_inherited, redact, log, baggage, header, .. } = &variable.options;
    let facts = [
        variable.docs.as_ref().map(|docs| quote!(.with_docs(#docs))),
        not_inherited.then(|| quote!(.not_inherited())),
        redact.then(|| quote!(.redacted())),
        log.as_ref().map(|key| match key {
            LogKey::Name { .. } => quote!(.logged(#name)),
            LogKey::Other(key) => quote!(.logged(#key)),
        }),
        baggage.as_ref().map(|key| quote!(.in_baggage(#key))),
        header.as_ref().map(|name| quote!(.in_header(#name))),
    ];
    let facts = facts.iter().flatten();
    quote_spanned!(ours(at_name)=> #private::Variable::declared(#name, #place) #(#facts)*)
}

/// An expression whose evaluation by the compiler fails unless the variable is an item of a module.
///
/// The marker is looked up lexically, and through `use self::*`, which always refers to the enclosing module. The glob
/// import takes precedence over the fallback in the enclosing block, and nothing takes precedence over it, because
/// every name in the inner block is mangled. So both look-ups find the same type if and only if the variable is at
/// module level. Blocks are used instead of constants, since the compiler would evaluate each constant separately.
fn module_level_check(name: &Ident, private: &TokenStream) -> TokenStream {
    let at_name = ours(name.span());
    let marker = marker(name);
    let here = format_ident!("__Here_{}", name.unraw(), span = at_name);
    let runtime = format_ident!("__Runtime_{}", name.unraw(), span = at_name);
    let mut message = format!(
        "context variable `{}` must be declared at module level, not inside a function, closure or block",
        name.unraw()
    );
    if std::env::var_os("UNSTABLE_RUSTDOC_TEST_PATH").is_some() {
        message.push_str(
            "\nin a doctest, write `fn main() { .. }` below the declaration: rustdoc wraps code without it in a function",
        );
    }
    quote_spanned!(at_name=>
        {
            use #private as #runtime;
            use #private::NotSame as _;
            type #here = #marker;
            {
                enum #marker {}
                {
                    use self::*;
                    #runtime::require_module_level(#runtime::Same::<#marker, #here>::YES, #message)
                }
            }
        }
    )
}

/// The private type beside the variable. Not named like the variable, or links in docs would be ambiguous.
fn marker(name: &Ident) -> Ident {
    format_ident!("__ContextVar_{}", name.unraw(), span = ours(name.span()))
}

/// The span of generated tokens for the user's token at `place`.
fn ours(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

/// Silences lints about parentheses or braces around a whole value: they may have been necessary where the user wrote
/// it.
fn without_lints(value: TokenStream) -> TokenStream {
    value
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) if group.delimiter() != Delimiter::None => {
                let mut outer = Group::new(group.delimiter(), group.stream());
                outer.set_span(ours(group.span()));
                TokenTree::Group(outer)
            }
            token => token,
        })
        .collect()
}

/// The span of the first token.
fn first_span(tokens: &impl ToTokens) -> Span {
    tokens.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

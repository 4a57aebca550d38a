//! The expansion of a test: the function as it was, within one that the test harness calls.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::ast::Function;
use super::check::{How, Kind};
use crate::mistakes::Mistakes;

/// The expansion of a test without mistakes.
pub(super) fn test(function: &Function, how: &How) -> TokenStream {
    let Function { attrs, vis, signature, body } = function;
    let name = &signature.ident;
    let output = &signature.output;
    let private = match &how.krate {
        Some(path) => quote!(#path::__private),
        None => quote!(::contextvars::__private),
    };
    let run = match (&signature.asyncness, &how.block_on) {
        (None, _) => quote!(#private::run_test(#name)),
        (Some(_), Some(block_on)) => {
            let block_on = quote_spanned!(block_on.span()=> (#block_on));
            quote!(#block_on(#private::async_test(#name())))
        }
        (Some(word), None) => on_tokio(how, &private, word.span(), &name.to_token_stream()),
    };
    // An async test need not await anything.
    let lint = quote_spanned!(Span::mixed_site()=> #[allow(clippy::unused_async)]);
    // The user's function is an item within the test: the user's attributes apply to it too, and its body keeps its
    // meaning.
    quote! {
        #[::core::prelude::v1::test]
        #(#attrs)*
        #vis fn #name() #output {
            #lint
            #signature #body
            #run
        }
    }
}

/// The call that runs the test on a runtime of tokio. Methods that depend on features of tokio have the span of the
/// argument that needs them, so that an error points there.
fn on_tokio(how: &How, private: &TokenStream, at_async: Span, name: &TokenStream) -> TokenStream {
    let check = quote_spanned!(at_async=> #private::async_test_has_a_runtime! {});
    let at_flavor = how.flavor.span.unwrap_or(at_async).resolved_at(Span::mixed_site());
    let builder = match how.flavor.kind {
        Kind::CurrentThread | Kind::Local => quote_spanned!(at_flavor=> new_current_thread()),
        Kind::MultiThread => quote_spanned!(at_flavor=> new_multi_thread()),
    };
    let threads = how.worker_threads.as_ref().map(|threads| quote_spanned!(threads.span()=> .worker_threads(#threads)));
    let paused = how.start_paused.as_ref().map(|paused| quote_spanned!(paused.span()=> .start_paused(#paused)));
    let run = if how.flavor.kind == Kind::Local { quote!(run_local_test) } else { quote!(run_async_test) };
    quote! {
        #check
        #private::tokio::#run(#private::tokio::Builder::#builder.enable_all() #threads #paused, #name())
    }
}

/// The mistakes, and the item unchanged, so that uses of it do not cause further errors.
pub(super) fn refused(mistakes: &Mistakes, item: &TokenStream) -> TokenStream {
    let mut tokens = mistakes.to_compile_errors();
    tokens.extend([quote!(#[allow(dead_code)]), item.clone()]);
    tokens
}

//! `with_context!`: runs a block, or a future, in a copy of the current context with some variables bound.
//!
//! [`parse`] finds the bindings and the [`body`] without looking into either, [`scan`] looks for an `.await` where none
//! may be, [`codegen`] writes the expansion.

mod body;
mod codegen;
mod parse;
mod refusal;
mod scan;
mod tokens;
mod value;

use proc_macro2::TokenStream;

use self::body::Body;
use crate::mistakes::Mistakes;

/// The expansion of `(path of the crate) arguments`, or every mistake in it.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let call = parse::call(input, &mut mistakes);
    if let Some(Body::Block(block)) = &call.body {
        for word in scan::awaits(block.stream()) {
            mistakes.at(
                word.span(),
                "`.await` in a synchronous body: write `with_context!(.., async move { .. }).await`\n\
                 while the body waits, other tasks on the thread would run in its context",
            );
        }
    }
    match &call.body {
        Some(body) if mistakes.is_empty() => codegen::call(&call, body),
        _ => codegen::refused(&mistakes),
    }
}

//! `#[contextvars::test]`: marks a function as a test that runs in a fresh context.
//!
//! [`ast`] parses the function, [`check`] finds out how the test is run, [`codegen`] writes the expansion.

mod ast;
mod check;
mod codegen;

use proc_macro2::TokenStream;

use crate::mistakes::Mistakes;

/// The expansion of `#[contextvars::test(arguments)] item`, or every mistake in it.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let arguments = ast::arguments(arguments, &mut mistakes);
    let function = match ast::function(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            mistakes.push(error);
            return codegen::refused(&mistakes, item);
        }
    };
    check::function(&function, &mut mistakes);
    let how = check::how(&function, arguments, &mut mistakes);
    if mistakes.is_empty() { codegen::test(&function, &how) } else { codegen::refused(&mistakes, item) }
}

//! The mistakes found so far in one macro call, reported together, each on its own token.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Error;

/// A growing list of mistakes.
#[derive(Default)]
pub(crate) struct Mistakes {
    errors: Vec<Error>,
}

impl Mistakes {
    /// Notes a mistake at `span`.
    pub(crate) fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.errors.push(Error::new(span, message));
    }

    /// Notes a mistake that spans all of `tokens`.
    pub(crate) fn over(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.errors.push(Error::new_spanned(tokens, message));
    }

    /// Notes a mistake that the parser found.
    pub(crate) fn push(&mut self, error: Error) {
        self.errors.push(error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// One `compile_error!` for each mistake, in the order in which they were found.
    pub(crate) fn to_compile_errors(&self) -> TokenStream {
        self.errors.iter().map(Error::to_compile_error).collect()
    }

    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.errors.iter().map(Error::to_string).collect()
    }
}

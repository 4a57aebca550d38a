//! `#[context_var]`: reads the declaration, checks it, and writes it out as a `ContextVar`.
//!
//! [`ast`] parses the declaration, [`check`] finds its meaning and its mistakes, [`codegen`] writes the expansion.
//! [`reserved`] and [`reserved_headers`] list reserved names, and [`token`] the characters of keys and names.

mod ast;
mod check;
mod codegen;
mod reserved;
mod reserved_headers;
mod token;

use proc_macro2::TokenStream;

use self::ast::Subject;
use crate::mistakes::Mistakes;

/// The expansion of `#[context_var(arguments)] item`, or every mistake in it.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let arguments = ast::arguments(arguments, &mut mistakes);
    let options = check::options(arguments, &mut mistakes);
    let subject = ast::subject(item, &mut mistakes);
    let declarations = match subject {
        Subject::Statics(declarations) => declarations,
        Subject::Other(item) => {
            let mut tokens = mistakes.to_compile_errors();
            tokens.extend(item);
            return tokens;
        }
    };
    let variables: Vec<_> = declarations
        .into_iter()
        .map(|declaration| check::variable(declaration, options.clone(), &mut mistakes))
        .collect();
    match variables.as_slice() {
        [variable] if mistakes.is_empty() => match &variable.ty {
            Ok(ty) => codegen::variable(variable, ty),
            Err(_) => codegen::refused(&mistakes, &variables),
        },
        _ => codegen::refused(&mistakes, &variables),
    }
}

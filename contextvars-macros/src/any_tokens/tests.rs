//! The promises. A panic fails them; what comes out is tokens in any case, if only a `compile_error!`.

use proc_macro2::TokenStream;
use proptest::prelude::*;
use quote::quote;

use super::tokens;
use crate::{context_test, context_var, with_context};

/// Some tokens: none, a few, or many.
fn some() -> impl Strategy<Value = TokenStream> {
    let bytes = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 0..6),
        prop::collection::vec(any::<u8>(), 0..60)
    ];
    bytes.prop_map(|bytes| tokens(&bytes))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8 * ProptestConfig::default().cases, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn context_var_panics_at_no_tokens(arguments in some(), item in some()) {
        prop_assert!(item.is_empty() || !context_var::expand(arguments, item).is_empty());
    }

    #[test]
    fn context_var_panics_at_nothing_that_resembles_a_declaration(
        arguments in some(), before in some(), ty in some(), value in some(), after in some(),
    ) {
        let item = quote!(#before static NAME: #ty = #value; #after);
        prop_assert!(!context_var::expand(arguments, item).is_empty());
    }

    #[test]
    fn with_context_panics_at_no_tokens(path in some(), call in some()) {
        prop_assert!(!with_context::expand(quote!((#path) #call)).is_empty());
    }

    #[test]
    fn with_context_panics_at_nothing_that_resembles_a_call(
        name in some(), value in some(), others in some(), before in some(), body in some(),
    ) {
        let call = quote!((::contextvars) #name = #value, #others, #before { #body });
        prop_assert!(!with_context::expand(call).is_empty());
    }

    #[test]
    fn test_panics_at_no_tokens(arguments in some(), item in some()) {
        prop_assert!(!context_test::expand(arguments, &item).is_empty());
    }

    #[test]
    fn test_panics_at_nothing_that_resembles_a_function(
        arguments in some(), before in some(), parameters in some(), after in some(), body in some(),
    ) {
        let item = quote!(#before fn test(#parameters) #after { #body });
        prop_assert!(!context_test::expand(arguments, &item).is_empty());
    }
}

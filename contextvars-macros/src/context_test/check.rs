//! The meaning: how the test is run, and every mistake found.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, MetaNameValue};

use super::ast::Function;
use crate::mistakes::Mistakes;

/// The arguments of the attribute, as they are listed in messages.
const ARGUMENTS: &str = "`flavor = \"multi_thread\"`, `worker_threads = N`, `start_paused = true`, `block_on = PATH`, \
                         `crate = PATH`";

/// The attributes of other crates that call a test function with arguments.
const CALLERS: [&str; 3] = ["rstest", "test_case", "test_matrix"];

/// How the test is run.
#[derive(Default)]
pub(super) struct How {
    /// The path of the `contextvars` crate, if not the usual one.
    pub(super) krate: Option<TokenStream>,
    /// The function that runs the future, if not tokio.
    pub(super) block_on: Option<Expr>,
    pub(super) flavor: Flavor,
    pub(super) worker_threads: Option<Expr>,
    pub(super) start_paused: Option<Expr>,
}

/// Which of tokio's runtimes runs the future.
#[derive(Default, PartialEq)]
pub(super) enum Kind {
    #[default]
    CurrentThread,
    MultiThread,
    Local,
}

#[derive(Default)]
pub(super) struct Flavor {
    pub(super) kind: Kind,
    /// The place of the argument.
    pub(super) span: Option<Span>,
}

/// Finds the mistakes in the function.
pub(super) fn function(function: &Function, mistakes: &mut Mistakes) {
    let signature = &function.signature;
    let caller = function.attrs.iter().find_map(|attr| {
        let name = attr.path().segments.last()?.ident.to_string();
        CALLERS.contains(&name.as_str()).then_some((attr, name))
    });
    if let Some((attr, name)) = caller {
        let message = format!("`#[{name}]` must stand above `#[contextvars::test]`: otherwise the test runs twice");
        mistakes.over(attr, message);
    } else if let Some(input) = signature.inputs.first() {
        let message = "a test function cannot have parameters: remove them\n\
                       an attribute that passes arguments, such as `#[rstest]`, must stand above this one";
        mistakes.over(input, message);
    }
    if !signature.generics.params.is_empty() {
        mistakes.over(&signature.generics, "a test function cannot be generic: remove the generic parameters");
    }
    let safety = signature.safety.to_token_stream();
    let qualifiers = [signature.constness.to_token_stream(), safety, signature.abi.to_token_stream()];
    for qualifier in qualifiers.into_iter().filter(|qualifier| !qualifier.is_empty()) {
        let message = format!("a test function cannot be `{qualifier}`: write `fn` or `async fn`");
        mistakes.over(qualifier, message);
    }
    for attr in &function.attrs {
        if attr.path().segments.last().is_some_and(|last| last.ident == "test") {
            mistakes.over(attr, "a second test attribute makes the test run twice: remove one of the two");
        }
    }
}

/// Checks the arguments.
pub(super) fn how(function: &Function, arguments: Vec<MetaNameValue>, mistakes: &mut Mistakes) -> How {
    let mut how = How::default();
    let mut seen: Vec<String> = Vec::new();
    for MetaNameValue { path, value, .. } in arguments {
        let name = path.get_ident().map(ToString::to_string).unwrap_or_default();
        if seen.contains(&name) {
            mistakes.over(&path, format!("`{name}` is given twice: remove one of the two"));
            continue;
        }
        if function.signature.asyncness.is_none() && name != "crate" && ARGUMENTS.contains(&format!("`{name} =")) {
            let message = format!("`{name}` applies to async tests only: write `async fn`, or remove `{name}`");
            mistakes.over(&path, message);
            continue;
        }
        match name.as_str() {
            "crate" => match &value {
                Expr::Path(path) => how.krate = Some(path.to_token_stream()),
                _ => mistakes.over(&value, "`crate` must be a path: write `crate = path::to::contextvars`"),
            },
            "block_on" => match value {
                Expr::Path(_) | Expr::Closure(_) => how.block_on = Some(value),
                _ => mistakes.over(
                    &value,
                    "`block_on` must be a function that runs a future: write `block_on = path::to::function`, or a closure",
                ),
            },
            "flavor" => how.flavor = flavor(&value, mistakes),
            "worker_threads" => how.worker_threads = Some(value),
            "start_paused" => how.start_paused = Some(value),
            _ => mistakes.over(&path, format!("unknown argument: the arguments are {ARGUMENTS}")),
        }
        seen.push(name);
    }
    if let (Some(_), Some(span)) = (&how.block_on, how.runtime_option()) {
        mistakes
            .at(span, "this configures tokio's runtime, and `block_on` replaces that runtime: remove one of the two");
        return how;
    }
    if let (Some(threads), true) = (&how.worker_threads, how.flavor.kind != Kind::MultiThread) {
        mistakes.over(threads, "`worker_threads` needs the multi-threaded runtime: add `flavor = \"multi_thread\"`");
    }
    if let (Some(paused), true) = (&how.start_paused, how.flavor.kind == Kind::MultiThread) {
        mistakes
            .over(paused, "`start_paused` needs a single-threaded runtime: remove it, or `flavor = \"multi_thread\"`");
    }
    how
}

impl How {
    /// The place of an argument that configures tokio's runtime.
    fn runtime_option(&self) -> Option<Span> {
        let exprs = [&self.worker_threads, &self.start_paused];
        self.flavor.span.or_else(|| exprs.into_iter().flatten().map(Spanned::span).next())
    }
}

fn flavor(value: &Expr, mistakes: &mut Mistakes) -> Flavor {
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = value else {
        mistakes.over(value, "`flavor` must be a string: write `flavor = \"multi_thread\"`");
        return Flavor::default();
    };
    let kind = match text.value().as_str() {
        "current_thread" => Kind::CurrentThread,
        "multi_thread" => Kind::MultiThread,
        "local" => Kind::Local,
        other => {
            let known = "`\"current_thread\"`, `\"multi_thread\"` or `\"local\"`";
            mistakes.over(text, format!("tokio has no runtime flavor `{other}`: write {known}"));
            Kind::default()
        }
    };
    Flavor { kind, span: Some(text.span()) }
}

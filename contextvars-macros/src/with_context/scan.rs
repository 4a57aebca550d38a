//! Finds each `.await` that a block would itself execute.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::tokens::{is_punct, is_word};

/// The `await` of each `.await` in `tokens`, except those within an `async` block, closure or function, which run
/// elsewhere, and within `name! { .. }`, whose `.await` may mean anything.
pub(super) fn awaits(tokens: TokenStream) -> Vec<Ident> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(word) if word == "async" => {
                at = end_of_async(&tokens, at);
                continue;
            }
            TokenTree::Ident(word) if word == "await" && at > 0 && is_punct(&tokens[at - 1], '.') => {
                found.push(word.clone());
            }
            TokenTree::Group(group) if !is_brace_macro(&tokens, at) => found.extend(awaits(group.stream())),
            _ => {}
        }
        at += 1;
    }
    found
}

/// Whether the group at `at` is the body of `name! { .. }` or `macro_rules! name { .. }`.
fn is_brace_macro(tokens: &[TokenTree], at: usize) -> bool {
    let TokenTree::Group(group) = &tokens[at] else { return false };
    if group.delimiter() != Delimiter::Brace {
        return false;
    }
    let is_call = |end: usize| {
        end >= 2
            && is_punct(&tokens[end - 1], '!')
            && matches!(&tokens[end - 2], TokenTree::Ident(word) if !is_operator_word(word))
    };
    is_call(at) || (at >= 1 && matches!(tokens[at - 1], TokenTree::Ident(_)) && is_call(at - 1))
}

/// Whether `!` behind this word is a negation and not the sign of a macro.
fn is_operator_word(word: &Ident) -> bool {
    ["if", "while", "match", "return", "break", "in", "else", "move"].iter().any(|keyword| word == keyword)
}

/// Where the block, closure or function ends whose `async` is at `at`.
fn end_of_async(tokens: &[TokenTree], at: usize) -> usize {
    let mut end = at + 1;
    if tokens.get(end).is_some_and(|token| is_word(token, "move")) {
        end += 1;
    }
    if tokens.get(end).is_some_and(|token| is_punct(token, '|')) {
        return end_of_closure(tokens, end);
    }
    while let Some(token) = tokens.get(end) {
        end += 1;
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
            token if is_punct(token, ';') => break,
            _ => {}
        }
    }
    end
}

/// Where the closure ends whose parameters begin with the `|` at `at`.
fn end_of_closure(tokens: &[TokenTree], at: usize) -> usize {
    let mut end = at + 1;
    while tokens.get(end).is_some_and(|token| !is_punct(token, '|')) {
        end += 1;
    }
    end += 1;
    while tokens.get(end).is_some_and(|token| !is_punct(token, ',') && !is_punct(token, ';')) {
        end += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(source: &str) -> usize {
        awaits(source.parse().expect("tokens")).len()
    }

    #[test]
    fn an_await_is_found_wherever_the_block_would_execute_it() {
        assert_eq!(count("fetch().await"), 1);
        assert_eq!(count("a . await; if x { b.await? } else { [c.await, d(e.await)] }"), 4);
        assert_eq!(count("println!(\"{}\", a.await)"), 1);
        assert_eq!(count("while !{ a.await } {} if !{ b.await } {}"), 2);
        assert_eq!(count("let f = async { a.await }; f.await"), 1);
        assert_eq!(count("let f = async move |x, y| x.await; f.await"), 1);
    }

    #[test]
    fn an_await_behind_something_async_is_found() {
        assert_eq!(count("f(async { a.await }, b.await)"), 1);
        assert_eq!(count("f(async move { a.await }, b.await)"), 1);
        assert_eq!(count("f(async |x| x.await, b.await)"), 1);
        assert_eq!(count("f(async move |x| x.await, b.await)"), 1);
        assert_eq!(count("f(async |x,| x.await, b.await)"), 1);
        assert_eq!(count("trait T { async fn f(&self); } async fn g(); b.await"), 1);
    }

    #[test]
    fn an_await_that_runs_elsewhere_is_left_alone() {
        assert_eq!(count("spawn(async move { a.await }); let f = async |x| x.await; let g = async || { y.await };"), 0);
        assert_eq!(count("async fn f<T>(x: T) -> u8 { x.await } pub async unsafe fn g() { x.await }"), 0);
        assert_eq!(count("dsl! { a.await } path::dsl! { b.await } macro_rules! dsl { () => { a.await } }"), 0);
        assert_eq!(count("let r#await = 1; x.r#await; await_all(await_me)"), 0);
        assert_eq!(count("await x"), 0);
    }
}

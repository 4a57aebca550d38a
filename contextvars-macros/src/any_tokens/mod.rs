//! Random tokens, made of bytes, as the input of the macros; no macro may panic on them. Included in `fuzz/`, too.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The parts of declarations, bindings and tests, similar tokens, and unrelated ones. Each byte of the input selects
/// one, or opens or closes a group.
const WORDS: &[&str] = &[
    "static",
    "NAME",
    "OTHER",
    "r#type",
    "r#static",
    "_",
    "ñ",
    "self",
    "Self",
    "super",
    "crate",
    "$crate",
    "::contextvars",
    "::",
    ":",
    ";",
    ",",
    "=",
    "==",
    "=>",
    "->",
    "<",
    ">",
    ">>",
    "<=",
    "&",
    "&&",
    "|",
    "||",
    "!",
    "?",
    ".",
    "..",
    "...",
    "..=",
    "+",
    "-",
    "*",
    "/",
    "#",
    "@",
    "$",
    "^",
    "~",
    "%",
    "+=",
    "'a",
    "'static",
    "'_",
    "u8",
    "String",
    "Vec<u8>",
    "Option<Box<dyn Fn(u8) -> u8 + Send>>",
    "[u8; 3]",
    "(u8, u8)",
    "impl Sized",
    "fn(u8)",
    "!",
    "T",
    "pub",
    "pub(crate)",
    "pub(in a::b)",
    "mut",
    "const",
    "unsafe",
    "safe",
    "extern \"C\"",
    "let",
    "fn",
    "async",
    "await",
    ".await",
    "async move",
    "async fn f()",
    "async ||",
    "move |x|",
    "move",
    "default",
    "type",
    "for<'a>",
    "dyn",
    "ref",
    "box",
    "return",
    "break",
    "if",
    "else",
    "match",
    "while",
    "loop",
    "where T: Copy",
    "macro_rules! m",
    "m!",
    "struct S",
    "mod m",
    "use a::b",
    "enum E",
    "static NAME: u8 = 1;",
    "static NAME: u8;",
    "static ref NAME: u8 = 1;",
    "const NAME: u8 = 1;",
    "thread_local!",
    "task_local!",
    "fn test()",
    "async fn test()",
    "-> Result<(), String>",
    "default =",
    "default = 1",
    "default",
    "inherit =",
    "inherit = false",
    "sensitive",
    "sensitive = true",
    "log",
    "log = \"name\"",
    "baggage = \"key\"",
    "baggage = \"not a key\"",
    "baggage",
    "header = \"x-name\"",
    "header = \"Host\"",
    "header",
    "debug",
    "display",
    "serialize",
    "crate = contextvars",
    "crate = \"c\"",
    "name = \"name\"",
    "flavor = \"multi_thread\"",
    "flavor = \"local\"",
    "worker_threads = 2",
    "start_paused = true",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "1u8",
    "1.5",
    "1e9",
    "99999999999999999999999999999999999999999",
    "0x_",
    "'c'",
    "'\\n'",
    "b'c'",
    "\"\"",
    "\"text\"",
    "\"\\u{0}\\n\"",
    "\"text\"suffix",
    "r#\"raw \" text\"#",
    "b\"bytes\"",
    "c\"text\"",
    "1_suffix",
    "/// documented\n",
    "//! within\n",
    "#[cfg(any())]",
    "#[doc = \"text\"]",
    "#[allow(unused)]",
    "#[context_var]",
    "#![allow(unused)]",
    "#[test]",
    "#[cfg_attr(any(), x)]",
    "NAME = 1,",
    "NAME = 1",
    "a::b::NAME = value(),",
    "NAME: 1,",
    "NAME == 1,",
    "&NAME = 1",
    "NAME = x => y,",
    "NAME",
    "(NAME) = 1",
    "x += 1",
    "println!(\"{}\", NAME)",
    "if x { 1 } else { 2 }",
    "a < b, c > (d)",
    "|x| x.await",
    "async { x.await }",
];

/// The delimiters of groups; one without is what a macro's argument stands in when another macro passes it on.
const DELIMITERS: [Delimiter; 4] = [Delimiter::Parenthesis, Delimiter::Brace, Delimiter::Bracket, Delimiter::None];

/// The tokens that stand in the bytes.
pub(crate) fn tokens(bytes: &[u8]) -> TokenStream {
    // The groups that are open, the innermost last.
    let mut open = vec![(Delimiter::None, TokenStream::new())];
    for &byte in bytes {
        let choice = usize::from(byte);
        if let Some(word) = WORDS.get(choice) {
            // Not all of them are tokens with each version of the parser.
            let words: TokenStream = word.parse().unwrap_or_default();
            innermost(&mut open).extend(words);
        } else if choice % 2 == 0 {
            open.push((DELIMITERS[choice / 2 % DELIMITERS.len()], TokenStream::new()));
        } else {
            close(&mut open);
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop().map(|(_, tokens)| tokens).unwrap_or_default()
}

fn innermost(open: &mut [(Delimiter, TokenStream)]) -> &mut TokenStream {
    &mut open.last_mut().expect("the outermost is never closed").1
}

/// Closes the innermost group, if it is not the outermost.
fn close(open: &mut Vec<(Delimiter, TokenStream)>) {
    if open.len() > 1 {
        if let Some((delimiter, tokens)) = open.pop() {
            innermost(open).extend([TokenTree::Group(Group::new(delimiter, tokens))]);
        }
    }
}

#[cfg(test)]
mod tests;

//! Hundreds of context variables: more than two levels of a map that is 16 wide.

use contextvars::ContextVar;

/// Fewer where each step is slow, since some tests look at all of them for each.
pub(crate) const MANY: usize = if cfg!(miri) { 300 } else { 1024 };

/// Declares 16 pages of 16 variables in each book.
macro_rules! books {
    ($($book:ident)*) => {
        $(mod $book {
            pages!(a b c d e f g h i j k l m n o p);
        })*

        /// `MANY` of them, in the order of their declaration.
        pub(crate) fn many() -> Vec<&'static ContextVar<u32>> {
            let mut all = [$($book::all()),*].concat();
            all.truncate(MANY);
            all
        }
    };
}

macro_rules! pages {
    ($($page:ident)*) => {
        $(mod $page {
            lines!(V0 V1 V2 V3 V4 V5 V6 V7 V8 V9 V10 V11 V12 V13 V14 V15);
        })*

        pub(super) fn all() -> Vec<&'static contextvars::ContextVar<u32>> {
            [$($page::all()),*].concat()
        }
    };
}

macro_rules! lines {
    ($($name:ident)*) => {
        $(
            #[contextvars::context_var]
            static $name: u32;
        )*

        pub(super) fn all() -> Vec<&'static contextvars::ContextVar<u32>> {
            vec![$(&$name),*]
        }
    };
}

books!(one two three four);

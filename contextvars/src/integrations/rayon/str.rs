//! [`rayon::str`](::rayon::str), with iterators that inherit the context.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use ::rayon::iter::ParallelIterator;
use ::rayon::iter::plumbing::UnindexedConsumer;
use ::rayon::str as original;

use super::copies::Copies;
use super::iter::{Inheriting, ParallelIteratorExt};
use crate::context::{Context, inherit_context};

/// Defines methods that call those of the same name in rayon.
macro_rules! parts {
    ($($(#[$doc:meta])* fn $name:ident() -> $Parts:ident;)+) => { $(
        $(#[$doc])*
        fn $name(&self) -> $Parts<'_> {
            original::ParallelString::$name(self.as_parallel_string()).inherit_context()
        }
    )+ };
}

/// Defines methods like those of the same name in rayon, whose pattern is searched for in the context.
macro_rules! found {
    ($($(#[$doc:meta])* fn $name:ident() -> $Found:ident;)+) => { $(
        $(#[$doc])*
        fn $name<P: Pattern>(&self, pattern: P) -> Inheriting<$Found<'_, P>> {
            let context = inherit_context();
            $Found { text: self.as_parallel_string(), pattern, context: context.clone() }.with_context(context)
        }
    )+ };
}

/// [`rayon::str::ParallelString`](::rayon::str::ParallelString), with iterators that inherit the context.
///
/// A pattern that is a closure sees the context, too. Each thread calls it in a copy of its own.
///
/// # Examples
///
/// ```
/// use contextvars::context_var;
/// use contextvars::rayon::prelude::*;
///
/// #[context_var]
/// static SEPARATOR: char;
///
/// # fn main() {
/// SEPARATOR.set('+');
/// let words: Vec<_> = "spam+ham".par_split(|c| c == SEPARATOR.get()).map(|word| (word, SEPARATOR.get())).collect();
/// assert_eq!(words, [("spam", '+'), ("ham", '+')]);
/// # }
/// ```
pub trait ParallelString {
    /// Returns the text.
    fn as_parallel_string(&self) -> &str;

    parts! {
        /// Iterates over the characters.
        fn par_chars() -> Chars;
        /// Iterates over the characters with their positions.
        fn par_char_indices() -> CharIndices;
        /// Iterates over the bytes.
        fn par_bytes() -> Bytes;
        /// Iterates over the units of UTF-16.
        fn par_encode_utf16() -> EncodeUtf16;
        /// Iterates over the lines.
        fn par_lines() -> Lines;
        /// Iterates over the words.
        fn par_split_whitespace() -> SplitWhitespace;
        /// Iterates over the words separated by ASCII white space.
        fn par_split_ascii_whitespace() -> SplitAsciiWhitespace;
    }

    found! {
        /// Iterates over the parts between the matches of the pattern.
        fn par_split() -> Split;
        /// Iterates over the parts that end with a match of the pattern, and the rest.
        fn par_split_inclusive() -> SplitInclusive;
        /// Iterates over the parts between the matches of the pattern, without an empty rest.
        fn par_split_terminator() -> SplitTerminator;
        /// Iterates over the matches of the pattern.
        fn par_matches() -> Matches;
        /// Iterates over the matches of the pattern with their positions.
        fn par_match_indices() -> MatchIndices;
    }
}

impl<S: original::ParallelString + ?Sized> ParallelString for S {
    fn as_parallel_string(&self) -> &str {
        original::ParallelString::as_parallel_string(self)
    }
}

/// Defines the names of the iterators.
macro_rules! named {
    ($($Name:ident),+) => { $(
        #[doc = concat!("rayon's `", stringify!($Name), "`, inheriting.")]
        pub type $Name<'ch> = Inheriting<original::$Name<'ch>>;
    )+ };
}

named!(Bytes, CharIndices, Chars, EncodeUtf16, Lines, SplitAsciiWhitespace, SplitWhitespace);

use self::private::Pattern;

mod private {
    //! As in rayon, where the trait cannot be named either.

    /// A pattern: a character, some characters, or a function of a character.
    pub trait Pattern: Sized + Sync + Send {
        /// Whether it calls code that may read the context.
        #[doc(hidden)]
        const CALLS: bool = false;

        /// The one character that is searched for, if the pattern is a character.
        #[doc(hidden)]
        fn only(&self) -> Option<char> {
            None
        }

        /// Whether the pattern matches that character.
        #[doc(hidden)]
        fn finds(&self, c: char) -> bool;
    }

    impl Pattern for char {
        fn only(&self) -> Option<char> {
            Some(*self)
        }

        fn finds(&self, c: char) -> bool {
            c == *self
        }
    }

    impl Pattern for &[char] {
        fn finds(&self, c: char) -> bool {
            self.contains(&c)
        }
    }

    impl<const N: usize> Pattern for [char; N] {
        fn finds(&self, c: char) -> bool {
            self.contains(&c)
        }
    }

    impl<const N: usize> Pattern for &[char; N] {
        fn finds(&self, c: char) -> bool {
            self.contains(&c)
        }
    }

    impl<F: Sync + Send + Fn(char) -> bool> Pattern for F {
        const CALLS: bool = true;

        fn finds(&self, c: char) -> bool {
            self(c)
        }
    }
}

/// Defines the iterators that search for a pattern, like those of the same name in rayon.
macro_rules! finders {
    ($($Found:ident -> $Item:ty = $method:ident;)+) => { $(
        #[doc = concat!(
            "A [`rayon::str::", stringify!($Found), "`](::rayon::str::", stringify!($Found),
            ") whose pattern is looked for in a context; `", stringify!($method), "` makes it."
        )]
        #[derive(Clone)]
        pub struct $Found<'ch, P: Pattern> {
            text: &'ch str,
            pattern: P,
            context: Context,
        }

        impl<'ch, P: Pattern> ParallelIterator for $Found<'ch, P> {
            type Item = $Item;

            fn drive_unindexed<C: UnindexedConsumer<$Item>>(self, consumer: C) -> C::Result {
                let Self { text, pattern, context } = self;
                if let Some(only) = pattern.only() {
                    original::ParallelString::$method(text, only).drive_unindexed(consumer)
                } else if P::CALLS {
                    let copies = Copies::of(&context);
                    let finds = |c: char| copies.run(|| pattern.finds(c));
                    original::ParallelString::$method(text, finds).drive_unindexed(consumer)
                } else {
                    original::ParallelString::$method(text, |c: char| pattern.finds(c)).drive_unindexed(consumer)
                }
            }
        }

        // A panic in the pattern leaves every copy of the context that other code can see unchanged.
        impl<P: Pattern + UnwindSafe> UnwindSafe for $Found<'_, P> {}
        impl<P: Pattern + RefUnwindSafe> RefUnwindSafe for $Found<'_, P> {}

        impl<P: Pattern + fmt::Debug> fmt::Debug for $Found<'_, P> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut output = f.debug_struct(stringify!($Found));
                output.field("text", &self.text).field("pattern", &self.pattern).finish_non_exhaustive()
            }
        }
    )+ };
}

finders! {
    Split -> &'ch str = par_split;
    SplitInclusive -> &'ch str = par_split_inclusive;
    SplitTerminator -> &'ch str = par_split_terminator;
    Matches -> &'ch str = par_matches;
    MatchIndices -> (usize, &'ch str) = par_match_indices;
}

//! Where a context variable may be declared, and that no lint has anything to say about it there.
//!
//! The 2021 edition compiles this file as well (`ui-tests/edition-2021`).

#![forbid(unsafe_code)]
#![deny(warnings, unused, missing_docs, unreachable_pub, unnameable_types, deprecated, unused_qualifications)]
#![deny(clippy::all, clippy::pedantic)]

use std::collections::HashMap;

use contextvars::{ContextVar, context_var, with_context};

/// Private, at the root of the crate.
#[context_var(default = 1)]
static AT_ROOT: i32;

/// Public, at the root of the crate.
#[context_var]
pub static EXPORTED: String;

/// As public as it can be said.
#[context_var(default, redact, inherit = false)]
pub(crate) static IN_CRATE: HashMap<String, Vec<u8>>;

/// The default behind the `=`.
#[context_var]
static INITIALISED: (i32, &str) = (1, "one");

/// Of a type that can do nothing.
#[context_var]
static OPAQUE: Opaque;

struct Opaque;

#[context_var(default = (2))]
static IN_PARENTHESES: i32;

#[context_var(default = { 3 })]
static IN_BRACES: i32;

#[context_var(crate = contextvars, default = 4,)]
static NAMED_CRATE: i32;

#[allow(non_upper_case_globals, reason = "a lint attribute of the user's holds")]
#[context_var(default = 5)]
static r#type: i32;

/// Nobody should use it, and the expansion does not count.
#[context_var(default = 6)]
#[deprecated(note = "use another")]
pub static OUTDATED: i32;

#[context_var(
    // The line of the name counts, not the line of the attribute.
    default = 10
)]
static PLACED: i32;
const PLACED_LINE: u32 = line!() - 1;

#[cfg(any())]
#[context_var(default = "not an i32")]
static LEFT_OUT: i32;

#[context_var(default = "not an i32")]
#[cfg(any())]
static LEFT_OUT_BELOW: i32;

#[cfg_attr(all(), context_var(default = 7))]
static MAYBE: i32;

/// Nested modules.
pub mod outer {
    use contextvars::context_var;

    /// The same name in the parent and the child.
    #[context_var(default = "outer")]
    pub static SAME: &str;

    /// Imports everything from its parent.
    pub mod inner {
        #[allow(unused_imports, reason = "what matters is that it finds the parent's marker")]
        use super::*;

        /// The same name in the parent and the child.
        #[context_var(default = "inner")]
        pub static SAME: &str;

        #[context_var(default = 1)]
        pub(super) static FOR_PARENT: i32;

        #[context_var(default = 2)]
        pub(in crate::outer) static IN_PATH: i32;

        #[context_var(default = 3)]
        pub(self) static FOR_SELF: i32;

        /// Reads what only this module and its parent see.
        #[must_use]
        pub fn sum() -> i32 {
            FOR_PARENT.get() + IN_PATH.get() + FOR_SELF.get()
        }
    }

    /// Reads what the child shows.
    #[must_use]
    pub fn sum() -> i32 {
        inner::FOR_PARENT.get() + inner::IN_PATH.get()
    }
}

/// Reads one variable through globs of two modules that have one of the same name.
mod globs {
    #[allow(unused_imports, reason = "as above")]
    use crate::outer::inner::*;
    #[allow(unused_imports, reason = "as above")]
    use crate::outer::*;

    #[contextvars::context_var(default = "own")]
    pub(crate) static SAME: &str;
}

mod included {
    use contextvars::context_var;

    include!("accepted_places/included.rs");
}

macro_rules! declare {
    ($(#[$attr:meta])* $vis:vis $name:ident: $ty:ty = $value:expr) => {
        $(#[$attr])*
        #[contextvars::context_var(default = $value)]
        $vis static $name: $ty;
    };
}

declare! {
    /// By a macro at module level.
    pub(crate) THROUGH_MACRO: Option<u32> = Some(1)
}

// Not dead code: it is listed.
#[context_var(default = 9)]
static UNREAD: i32;

#[test]
fn every_place_works() {
    assert_eq!(AT_ROOT.get(), 1);
    assert!(EXPORTED.try_get().is_err());
    assert!(IN_CRATE.get().is_empty());
    assert_eq!(INITIALISED.get(), (1, "one"));
    assert!(OPAQUE.try_with(|Opaque| ()).is_err());
    assert_eq!((IN_PARENTHESES.get(), IN_BRACES.get(), NAMED_CRATE.get(), r#type.get()), (2, 3, 4, 5));
    assert_eq!((outer::SAME.get(), outer::inner::SAME.get(), globs::SAME.get()), ("outer", "inner", "own"));
    assert_eq!((outer::inner::sum(), outer::sum()), (6, 3));
    assert_eq!(included::INCLUDED.get(), "included");
    assert_eq!(THROUGH_MACRO.get(), Some(1));
    assert_eq!(MAYBE.get(), 7);
}

#[test]
fn a_module_inside_a_function_is_a_module() {
    mod local {
        #[contextvars::context_var(default = 1)]
        pub(super) static IN_LOCAL_MODULE: i32;
    }
    assert_eq!(with_context!(local::IN_LOCAL_MODULE = 2, { local::IN_LOCAL_MODULE.get() }), 2);
}

#[test]
fn a_declaration_knows_its_name_place_and_docs() {
    assert_eq!((PLACED.variable().line(), PLACED.variable().column()), (PLACED_LINE, 8));
    let of = |var: &'static ContextVar<i32>| (var.name(), var.variable().file(), var.variable().docs());
    assert_eq!(of(&AT_ROOT), ("AT_ROOT", file!(), Some("Private, at the root of the crate.")));
    assert_eq!(of(&IN_BRACES), ("IN_BRACES", file!(), None));
    assert_eq!(of(&r#type).0, "type");
    assert_eq!(outer::inner::SAME.variable().module_path(), concat!(module_path!(), "::outer::inner"));
}

#[test]
fn every_declaration_is_listed() {
    let listed: Vec<_> = contextvars::variables().map(contextvars::Variable::name).collect();
    assert_eq!(listed.iter().filter(|name| **name == "SAME").count(), 3);
    for name in ["AT_ROOT", "OUTDATED", "UNREAD", "INCLUDED", "THROUGH_MACRO", "MAYBE"] {
        assert!(listed.contains(&name), "{name}");
    }
    assert!(!listed.contains(&"LEFT_OUT") && !listed.contains(&"LEFT_OUT_BELOW"));
}

//! The facts of a variable's declaration, and the list of every variable in the program.

#[cfg(any(feature = "headers", feature = "log", feature = "tracing"))]
use std::cmp::Ordering;
use std::fmt;

/// The declaration of a context variable: its name, its type, its arguments, and its place in the source.
///
/// Every `static` under [`#[context_var]`](macro@crate::context_var) has one; [`variables`] lists them all.
///
/// # Examples
///
/// ```
/// # fn main() {
/// let variable = demo::REQUEST_ID.variable();
/// assert_eq!(variable.name(), "REQUEST_ID");
/// assert_eq!(variable.type_name(), "u64");
/// assert_eq!(variable.docs(), Some("The current request."));
/// assert!(variable.has_default() && variable.inherits() && !variable.is_redacted());
/// assert!(variable.is_logged());
/// assert_eq!(variable.log_key(), Some("request_id"));
/// assert_eq!((variable.baggage_key(), variable.header_name()), (None, None));
/// assert!(variable.module_path().ends_with("::demo"));
/// assert!(variable.file().ends_with(".rs") && variable.line() > 0 && variable.column() > 0);
/// # }
/// mod demo {
///     /// The current request.
///     #[contextvars::context_var(default = 0, log = "request_id")]
///     pub static REQUEST_ID: u64;
/// }
/// ```
pub struct Variable {
    name: &'static str,
    module_path: &'static str,
    file: &'static str,
    line: u32,
    column: u32,
    docs: Option<&'static str>,
    type_name: fn() -> &'static str,
    has_default: bool,
    inherits: bool,
    visibility: Visibility,
    log_key: Option<&'static str>,
    baggage_key: Option<&'static str>,
    header_name: Option<&'static str>,
}

/// How a variable's value is shown with its context.
enum Visibility {
    Shown,
    /// As a placeholder.
    Redacted,
    /// Not at all: the variable is internal to this crate.
    Hidden,
}

impl Variable {
    /// Returns the variable's name, as declared.
    ///
    /// # Python
    /// `ContextVar.name`; there the name is an argument, here it is the `static`'s identifier.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the path of the module that declares the variable, as [`module_path!`] gives it.
    #[must_use]
    pub const fn module_path(&self) -> &'static str {
        self.module_path
    }

    /// Returns the source file of the declaration, as [`file!`] gives it.
    #[must_use]
    pub const fn file(&self) -> &'static str {
        self.file
    }

    /// Returns the line of the declaration, counted from 1.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// Returns the column of the declaration, counted from 1.
    #[must_use]
    pub const fn column(&self) -> u32 {
        self.column
    }

    /// Returns the declaration's doc comment, if it has one.
    #[must_use]
    pub const fn docs(&self) -> Option<&'static str> {
        self.docs
    }

    /// Returns the name of the value's type, as [`std::any::type_name`] gives it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }

    /// Returns whether the declaration gives a default.
    #[must_use]
    pub const fn has_default(&self) -> bool {
        self.has_default
    }

    /// Returns whether spawned work receives the value; `false` under `inherit = false`.
    #[must_use]
    pub const fn inherits(&self) -> bool {
        self.inherits
    }

    /// Returns whether the value is kept out of `Debug` output and logs; `true` under `redact`.
    #[must_use]
    pub const fn is_redacted(&self) -> bool {
        matches!(self.visibility, Visibility::Redacted)
    }

    /// Returns whether the value goes into log lines; `true` under `log`.
    #[must_use]
    pub const fn is_logged(&self) -> bool {
        self.log_key.is_some()
    }

    /// Returns the name under which the value goes into log lines: that of `log = "name"`, or with `log` the
    /// variable's. Returns `None` without `log`.
    #[must_use]
    pub const fn log_key(&self) -> Option<&'static str> {
        self.log_key
    }

    /// Returns the key under which the value is sent to other processes in baggage, that of `baggage = "key"`. Returns
    /// `None` without `baggage`.
    #[must_use]
    pub const fn baggage_key(&self) -> Option<&'static str> {
        self.baggage_key
    }

    /// Returns the name of the header in which the value is sent to other processes, that of `header = "name"`. Returns
    /// `None` without `header`.
    #[must_use]
    pub const fn header_name(&self) -> Option<&'static str> {
        self.header_name
    }

    /// The variable and its declaration, for an error message: `` `NAME` (declared at src/x.rs:3) ``.
    pub(crate) fn described(&self) -> impl fmt::Display + use<'_> {
        Described(self)
    }

    /// The header of a request that the value comes with, for messages, and the layer that reads it.
    pub(crate) fn received_in(&self) -> Option<(String, &'static str)> {
        let own = self.header_name.map(|name| (format!("header `{name}`"), "HeadersLayer"));
        own.or_else(|| self.baggage_key.map(|key| (format!("member `{key}` in its baggage"), "BaggageLayer")))
    }

    /// All facts of the declaration, under the names of the methods: for `Debug`, and as data.
    pub(crate) fn facts(&self) -> [(&'static str, Fact); 13] {
        [
            ("name", Fact::Text(self.name)),
            ("module_path", Fact::Text(self.module_path)),
            ("file", Fact::Text(self.file)),
            ("line", Fact::Number(self.line)),
            ("column", Fact::Number(self.column)),
            ("docs", Fact::PerhapsText(self.docs)),
            ("type_name", Fact::Text(self.type_name())),
            ("has_default", Fact::Truth(self.has_default)),
            ("inherits", Fact::Truth(self.inherits)),
            ("is_redacted", Fact::Truth(self.is_redacted())),
            ("log_key", Fact::PerhapsText(self.log_key)),
            ("baggage_key", Fact::PerhapsText(self.baggage_key)),
            ("header_name", Fact::PerhapsText(self.header_name)),
        ]
    }

    /// The order of declarations: by crate, file, line and column, which do not depend on the linker or on where the
    /// crate is stored. Declarations that a macro makes in one place are ordered by module and name.
    #[cfg(any(feature = "headers", feature = "log", feature = "tracing"))]
    pub(crate) fn compare_places(&self, other: &Self) -> Ordering {
        let place = |it: &Self| {
            let krate = it.module_path.split("::").next();
            (krate, it.file, it.line, it.column, it.module_path, it.name)
        };
        place(self).cmp(&place(other))
    }
}

/// The constructors that an expansion of `#[context_var]` calls.
#[doc(hidden)]
impl Variable {
    #[must_use]
    pub const fn declared(
        name: &'static str,
        module_path: &'static str,
        file: &'static str,
        line: u32,
        column: u32,
    ) -> Self {
        Self {
            name,
            module_path,
            file,
            line,
            column,
            docs: None,
            type_name: || "?",
            has_default: false,
            inherits: true,
            visibility: Visibility::Shown,
            log_key: None,
            baggage_key: None,
            header_name: None,
        }
    }

    #[must_use]
    pub const fn with_docs(mut self, docs: &'static str) -> Self {
        self.docs = Some(docs);
        self
    }

    #[must_use]
    pub const fn not_inherited(mut self) -> Self {
        self.inherits = false;
        self
    }

    #[must_use]
    pub const fn redacted(mut self) -> Self {
        self.visibility = Visibility::Redacted;
        self
    }

    #[must_use]
    pub const fn logged(mut self, key: &'static str) -> Self {
        self.log_key = Some(key);
        self
    }

    #[must_use]
    pub const fn in_baggage(mut self, key: &'static str) -> Self {
        self.baggage_key = Some(key);
        self
    }

    #[must_use]
    pub const fn in_header(mut self, name: &'static str) -> Self {
        self.header_name = Some(name);
        self
    }

    pub(crate) const fn hidden(mut self) -> Self {
        self.visibility = Visibility::Hidden;
        self
    }

    #[inline]
    pub(crate) const fn is_hidden(&self) -> bool {
        matches!(self.visibility, Visibility::Hidden)
    }

    pub(crate) const fn of_type(mut self, type_name: fn() -> &'static str, has_default: bool) -> Self {
        self.type_name = type_name;
        self.has_default = has_default;
        self
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_struct("Variable");
        // Docs can be long.
        for (name, fact) in self.facts().iter().filter(|(name, _)| *name != "docs") {
            output.field(name, fact);
        }
        output.finish_non_exhaustive()
    }
}

/// One fact of a declaration, as data.
pub(crate) enum Fact {
    Text(&'static str),
    PerhapsText(Option<&'static str>),
    Number(u32),
    Truth(bool),
}

impl fmt::Debug for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::PerhapsText(text) => text.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Truth(truth) => truth.fmt(f),
        }
    }
}

/// Writes the path: `my_crate::module::NAME`.
impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.module_path, self.name)
    }
}

struct Described<'a>(&'a Variable);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Variable { name, file, line, .. } = self.0;
        write!(f, "context variable `{name}` (declared at {file}:{line})")
    }
}

/// A declaration's entry in the program's list of variables.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Registration(&'static Variable);

impl Registration {
    #[must_use]
    pub const fn new(variable: &'static Variable) -> Self {
        Self(variable)
    }
}

inventory::collect!(Registration);

/// Returns every context variable that the program declares, used or not, in no particular order.
///
/// A variable is listed if its crate is linked: the linker leaves out a dependency that the program does not use, with
/// its variables. The list is complete from the program's start, in [WebAssembly](crate#webassembly) once the
/// constructors have run. Iterating takes no lock and does not allocate.
///
/// # Examples
///
/// ```
/// # fn main() {
/// assert!(contextvars::variables().any(|v| v.name() == "TENANT" && v.line() > 0));
/// # }
/// #[contextvars::context_var]
/// static TENANT: String;
/// ```
pub fn variables() -> impl Iterator<Item = &'static Variable> {
    inventory::iter::<Registration>.into_iter().map(|registration| registration.0)
}

/// The groups of `variables` with the same `key`, of two or more each, in the order of declarations.
#[cfg(any(feature = "headers", feature = "log", feature = "tracing"))]
pub(crate) fn sharing(
    variables: impl Iterator<Item = &'static Variable>,
    key: impl Fn(&Variable) -> Option<&'static str>,
) -> Vec<Vec<&'static Variable>> {
    let mut keyed: Vec<_> = variables.filter(|it| key(it).is_some()).collect();
    keyed.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.compare_places(b)));
    keyed.dedup_by(|a, b| std::ptr::eq(*a, *b));
    keyed.chunk_by(|a, b| key(a) == key(b)).filter(|alike| alike.len() > 1).map(<[_]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_declaration_is_written_down_in_its_own_place() {
        let declared = || Variable::declared("NAME", "path", "file.rs", 3, 5);
        let facts = |it: &Variable| {
            let keys = [it.log_key(), it.baggage_key(), it.header_name()];
            (it.docs(), it.has_default(), it.inherits(), it.is_redacted(), keys)
        };
        let none = [None; 3];
        let bare = declared();
        assert_eq!((bare.name(), bare.module_path(), bare.file()), ("NAME", "path", "file.rs"));
        assert_eq!((bare.line(), bare.column()), (3, 5));
        assert_eq!(facts(&bare), (None, false, true, false, none));
        assert_eq!(facts(&declared().with_docs("text")), (Some("text"), false, true, false, none));
        assert_eq!(facts(&declared().not_inherited()), (None, false, false, false, none));
        assert_eq!(facts(&declared().redacted()), (None, false, true, true, none));
        let keyed = [declared().logged("key"), declared().in_baggage("key"), declared().in_header("key")];
        for (at, keyed) in keyed.iter().enumerate() {
            let mut keys = none;
            keys[at] = Some("key");
            assert_eq!(facts(keyed), (None, false, true, false, keys));
        }
        let typed = declared().of_type(|| "u8", true);
        assert_eq!((typed.type_name(), facts(&typed)), ("u8", (None, true, true, false, none)));
    }

    #[cfg(any(feature = "headers", feature = "log", feature = "tracing"))]
    #[test]
    fn declarations_are_in_the_order_of_crates_files_lines_columns_modules_and_names() {
        let places = [
            ("A", "a::z", "/elsewhere/a.rs", 9, 9),
            ("A", "b::z", "a.rs", 8, 8),
            ("A", "b::z", "b.rs", 3, 9),
            ("A", "b::z", "b.rs", 7, 5),
            ("A", "b::z", "b.rs", 7, 6),
            ("A", "b", "b.rs", 10, 1),
            ("B", "b", "b.rs", 10, 1),
            ("A", "b::a", "b.rs", 10, 1),
            ("A", "b-longer", "a.rs", 1, 1),
        ];
        let declared =
            places.map(|(name, module, file, line, column)| Variable::declared(name, module, file, line, column));
        for (a, b) in declared.iter().zip(&declared[1..]) {
            assert_eq!((a.compare_places(b), b.compare_places(a)), (Ordering::Less, Ordering::Greater), "{a} {b}");
        }
    }

    #[cfg(any(feature = "headers", feature = "log", feature = "tracing"))]
    #[test]
    fn those_that_share_a_key_are_found_in_whatever_order_they_are_listed() {
        static A: Variable = Variable::declared("A", "krate", "a.rs", 1, 1).logged("x");
        static B: Variable = Variable::declared("B", "krate", "a.rs", 2, 1).logged("x");
        static C: Variable = Variable::declared("C", "krate", "a.rs", 3, 1).logged("y");
        static D: Variable = Variable::declared("D", "krate", "a.rs", 4, 1);
        static E: Variable = Variable::declared("E", "krate", "a.rs", 5, 1);
        for listed in [[&A, &B, &C, &D, &E, &A], [&E, &A, &D, &B, &A, &C], [&A, &A, &C, &B, &D, &E]] {
            let shared = sharing(listed.into_iter(), Variable::log_key);
            let names: Vec<Vec<_>> = shared.iter().map(|alike| alike.iter().map(|it| it.name()).collect()).collect();
            assert_eq!(names, [["A", "B"]]);
        }
    }
}

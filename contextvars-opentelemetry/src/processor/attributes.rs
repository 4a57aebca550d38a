//! Which variables become attributes, and under which keys.

use std::cell::Cell;
use std::io::{self, Write as _};
use std::ptr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use contextvars::{Context, ValueRef, Variable};

/// Which variables become attributes.
#[derive(Debug)]
pub(super) enum Chosen {
    /// Those declared with `log`.
    Declared,
    /// These, none of them twice.
    Listed(Box<[&'static Variable]>),
}

/// A variable that is set, as an attribute.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) key: &'static str,
    pub(super) variable: &'static Variable,
    pub(super) value: ValueRef<'a>,
}

impl Chosen {
    pub(super) fn listed(variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        let mut listed: Vec<&Variable> = Vec::new();
        for variable in variables {
            if !listed.iter().any(|it| ptr::eq(*it, variable)) {
                listed.push(variable);
            }
        }
        Self::Listed(listed.into())
    }

    /// Calls `f` with each attribute that is to be made of the variables in `context`: no key twice.
    ///
    /// With none while this thread is in such a call, or a `Display` that starts a span would have no end.
    pub(super) fn each<'a>(&self, context: &'a Context, mut f: impl FnMut(Attribute<'a>)) {
        let Some(_writing) = Writing::begin() else { return };
        match self {
            Self::Declared => {
                for (variable, value) in context {
                    let Some(key) = variable.log_key() else { continue };
                    let is_first = |it: &Variable| it.log_key() == Some(key) && place(it) < place(variable);
                    match SOME_SHARE_A_KEY.then(|| context.keys().find(|it| is_first(it))).flatten() {
                        None => f(Attribute { key, variable, value }),
                        Some(other) => warn(key, other, variable),
                    }
                }
            }
            Self::Listed(listed) => {
                let set = |variable: &Variable| context.iter().find(|(it, _)| ptr::eq(*it, variable));
                for (index, &variable) in listed.iter().enumerate() {
                    let (Some((_, value)), key) = (set(variable), key_in_list(variable)) else { continue };
                    match listed[..index].iter().find(|it| key_in_list(it) == key && set(it).is_some()) {
                        None => f(Attribute { key, variable, value }),
                        Some(other) => warn(key, other, variable),
                    }
                }
            }
        }
    }
}

/// Whether a name is to be looked for among the other variables at all.
static SOME_SHARE_A_KEY: LazyLock<bool> = LazyLock::new(|| {
    let mut keys: Vec<_> = contextvars::variables().filter_map(Variable::log_key).collect();
    keys.sort_unstable();
    keys.windows(2).any(|two| two[0] == two[1])
});

fn key_in_list(variable: &Variable) -> &'static str {
    variable.log_key().unwrap_or(variable.name())
}

/// Where the variable is declared: comparable, and the same wherever the sources lie.
fn place(variable: &Variable) -> impl Ord + use<> {
    let krate = variable.module_path().split("::").next();
    (krate, variable.file(), variable.line(), variable.column(), variable.module_path(), variable.name())
}

/// Says, once, that a variable is left out.
fn warn(key: &str, shown: &Variable, left_out: &Variable) {
    static HAS_WARNED: AtomicBool = AtomicBool::new(false);
    if HAS_WARNED.swap(true, Ordering::Relaxed) {
        return;
    }
    // If the stream is closed, the rule holds without a warning.
    let _ = writeln!(
        io::stderr(),
        "warning: context variables `{}` (declared at {}:{}) and `{}` (declared at {}:{}) share the name `{key}` in \
         attributes: where both are set, the second is left out; declare each with a `log = \"name\"` of its own",
        shown.name(),
        shown.file(),
        shown.line(),
        left_out.name(),
        left_out.file(),
        left_out.line(),
    );
}

thread_local! {
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, this thread writes values into attributes.
struct Writing;

impl Writing {
    fn begin() -> Option<Self> {
        (!IS_WRITING.replace(true)).then(|| Self)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        IS_WRITING.set(false);
    }
}

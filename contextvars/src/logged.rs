//! What goes into a log line: which variables, under which names, in which form.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use crate::context::{ValueRef, copy_context};
use crate::variable::Variable;

/// Which variables go into log lines.
#[derive(Clone)]
pub(crate) enum Logged {
    /// Those declared with `log`.
    Declared,
    /// These, in this order, whatever their declarations say.
    Listed(Arc<[&'static Variable]>),
}

impl Logged {
    pub(crate) fn listed(variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        Self::Listed(variables.into_iter().collect())
    }

    /// Calls `f` with the names and the values of those that are set in the current context.
    ///
    /// The values are those of a copy of the context, so that whatever their `Display` does finds nothing borrowed. If
    /// it goes so far as to log something, that line is without variables, or there would be no end to it.
    pub(crate) fn with_all<R>(&self, f: impl FnOnce(&[(&'static str, Shown<'_>)]) -> R) -> R {
        let Some(_begun) = Begun::new() else { return f(&[]) };
        let context = copy_context();
        let found: Vec<_> = match self {
            Self::Declared => context
                .iter()
                .filter_map(|(variable, value)| Some((variable.log_key()?, Shown::new(variable, value))))
                .collect(),
            Self::Listed(listed) => listed
                .iter()
                .filter_map(|listed| context.iter().find(|(variable, _)| std::ptr::eq(*variable, *listed)))
                .map(|(variable, value)| (variable.log_key().unwrap_or(variable.name()), Shown::new(variable, value)))
                .collect(),
        };
        f(&found)
    }
}

impl fmt::Debug for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared => f.write_str("declared with `log`"),
            Self::Listed(variables) => {
                f.debug_list().entries(variables.iter().map(|variable| variable.name())).finish()
            }
        }
    }
}

thread_local! {
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Lives while this thread writes variables into a log line.
struct Begun;

impl Begun {
    /// `None` if it does so already.
    fn new() -> Option<Self> {
        IS_WRITING.with(|is_writing| if is_writing.replace(true) { None } else { Some(Self) })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        IS_WRITING.set(false);
    }
}

/// A value in the form that formats with types understand.
#[derive(Clone, Copy)]
pub(crate) enum Shown<'a> {
    Bool(bool),
    Signed(i128),
    Unsigned(u128),
    Float(f64),
    /// Anything else, by its `Display` or `Debug`; and what is redacted.
    Text(ValueRef<'a>),
}

impl<'a> Shown<'a> {
    fn new(variable: &Variable, value: ValueRef<'a>) -> Self {
        if variable.is_redacted() {
            return Self::Text(value);
        }
        macro_rules! shown_if {
            ($($ty:ty)+ => $form:ident) => {
                None$(.or_else(|| value.downcast_ref::<$ty>().map(|&it| Self::$form(it.into()))))+
            };
        }
        shown_if!(bool => Bool)
            .or_else(|| shown_if!(u8 u16 u32 u64 u128 => Unsigned))
            .or_else(|| shown_if!(i8 i16 i32 i64 i128 => Signed))
            .or_else(|| shown_if!(f32 f64 => Float))
            // These two have no `Into`, for the day when they are wider.
            .or_else(|| value.downcast_ref::<usize>().map(|&it| Self::Unsigned(it as u128)))
            .or_else(|| value.downcast_ref::<isize>().map(|&it| Self::Signed(it as i128)))
            .unwrap_or(Self::Text(value))
    }
}

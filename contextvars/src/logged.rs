//! The variables in a log line: which ones, under which names, in which form.

use std::cell::Cell;
use std::cmp::Ordering::Less;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::context::{Context, ValueRef};
use crate::variable::{self, Variable};

/// Which variables go into log lines.
#[derive(Clone)]
pub(crate) enum Logged {
    /// Those declared with `log`.
    Declared,
    /// These, in this order, regardless of their declarations.
    Listed(Arc<Listed>),
}

pub(crate) struct Listed {
    variables: Box<[&'static Variable]>,
    has_warned: AtomicBool,
}

impl Logged {
    pub(crate) fn listed(variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        let variables = variables.into_iter().collect();
        Self::Listed(Arc::new(Listed { variables, has_warned: AtomicBool::new(false) }))
    }

    /// Returns the variables in `context` for a line, with no name twice.
    ///
    /// Of those declared with one name, the first that is set, by the order of declarations; of those listed, the first
    /// in the list. None while this thread writes values into a line: otherwise a `Display` that logs would recurse
    /// without end.
    pub(crate) fn fields<'a>(&self, context: &'a Context) -> Fields<'a> {
        let mut fields = Fields::default();
        if is_writing() {
            return fields;
        }
        match self {
            Self::Declared => {
                for (variable, value) in context {
                    let Some(name) = variable.log_key() else { continue };
                    let field = Field { name, variable, value };
                    let Some(other) = fields.of_name(name) else {
                        fields.push(field);
                        continue;
                    };
                    if variable.compare_places(other.variable) == Less {
                        *other = field;
                    }
                    fields.share_a_name = true;
                }
            }
            Self::Listed(listed) => {
                for variable in &listed.variables {
                    let found = context.iter().find(|(it, _)| std::ptr::eq(*it, *variable));
                    let (Some((variable, value)), name) = (found, name_in_list(variable)) else { continue };
                    match fields.of_name(name) {
                        None => fields.push(Field { name, variable, value }),
                        Some(other) => fields.share_a_name |= !std::ptr::eq(other.variable, variable),
                    }
                }
            }
        }
        fields
    }

    /// Returns the warnings to be logged before the first line from which a variable is left out for another one of its
    /// name: one for each shared name. Returns none on later calls.
    pub(crate) fn warnings(&self, fields: &Fields<'_>) -> Vec<String> {
        static HAS_WARNED: AtomicBool = AtomicBool::new(false);
        let has_warned = match self {
            Self::Declared => &HAS_WARNED,
            Self::Listed(listed) => &listed.has_warned,
        };
        let is_told = || has_warned.load(Ordering::Relaxed) || has_warned.swap(true, Ordering::Relaxed);
        if !fields.share_a_name || is_told() {
            return Vec::new();
        }
        let (shared, which) = match self {
            Self::Declared => (variable::sharing(variable::variables(), Variable::log_key), "first declared"),
            Self::Listed(listed) => {
                let listed = listed.variables.iter().copied();
                (variable::sharing(listed, |it| Some(name_in_list(it))), "first listed")
            }
        };
        let warning = |variables: &Vec<&Variable>| {
            let described: Vec<_> = variables.iter().map(|it| it.described().to_string()).collect();
            let name = name_in_list(variables[0]);
            format!(
                "{} share the name `{name}` in log lines: of those that are set only the {which} is shown; write \
                 another `log = \"name\"` for each",
                described.join(" and "),
            )
        };
        shared.iter().map(warning).collect()
    }
}

fn name_in_list(variable: &Variable) -> &'static str {
    variable.log_key().unwrap_or(variable.name())
}

impl fmt::Debug for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared => f.write_str("declared with `log`"),
            Self::Listed(listed) => {
                f.debug_list().entries(listed.variables.iter().map(|variable| variable.name())).finish()
            }
        }
    }
}

/// A variable that is set, as a part of a line.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'static str,
    variable: &'static Variable,
    value: ValueRef<'a>,
}

impl Field<'_> {
    /// A `Display` of the value, or of the placeholder if it is redacted.
    #[cfg(feature = "log")]
    pub(crate) fn displayed(&self) -> &ValueRef<'_> {
        &self.value
    }

    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown::new(self.variable, &self.value)
    }
}

/// The variables of one line, in their order.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    /// The first fields, without an allocation.
    few: [Option<Field<'a>>; 8],
    /// How many places of `few` have been filled.
    filled: usize,
    many: Vec<Field<'a>>,
    /// Whether a variable that is set was left out for another one of its name.
    share_a_name: bool,
}

impl<'a> Fields<'a> {
    fn push(&mut self, field: Field<'a>) {
        if let Some(place) = self.few.get_mut(self.filled) {
            *place = Some(field);
            self.filled += 1;
        } else {
            self.many.push(field);
        }
    }

    fn of_name(&mut self, name: &str) -> Option<&mut Field<'a>> {
        let few = self.few[..self.filled].iter_mut().flatten();
        few.chain(&mut self.many).find(|field| field.name == name)
    }

    /// Leaves out the variables whose names the line already has.
    pub(crate) fn leave_out(&mut self, has_name: impl Fn(&'static str) -> bool) {
        for place in &mut self.few[..self.filled] {
            place.take_if(|field| has_name(field.name));
        }
        self.many.retain(|field| !has_name(field.name));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field<'a>> {
        self.few[..self.filled].iter().flatten().chain(&self.many)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

thread_local! {
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

fn is_writing() -> bool {
    IS_WRITING.get()
}

/// Calls `write`, which writes values into a line; events that the values log meanwhile have no variables.
pub(crate) fn writing<R>(write: impl FnOnce() -> R) -> R {
    let was_writing = IS_WRITING.replace(true);
    scopeguard::defer!(IS_WRITING.set(was_writing));
    write()
}

/// A value in the form for formats with types.
#[derive(Clone, Copy)]
pub(crate) enum Shown<'a> {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    LargeSigned(i128),
    LargeUnsigned(u128),
    Float(f64),
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "records have it as anything that is displayed"))]
    Str(&'a str),
    /// Any other value, by its `Display` or `Debug`; and redacted values.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "as above"))]
    Text(&'a ValueRef<'a>),
}

impl<'a> Shown<'a> {
    fn new(variable: &Variable, value: &'a ValueRef<'a>) -> Self {
        if variable.is_redacted() {
            return Self::Text(value);
        }
        macro_rules! shown_if {
            ($($ty:ty)+ => $form:expr) => {
                $(if let Some(&it) = value.downcast_ref::<$ty>() {
                    return $form(it.into());
                })+
            };
        }
        // The most frequent types first, since each costs a comparison.
        if let Some(it) = value.downcast_ref::<String>() {
            return Self::Str(it);
        }
        shown_if!(&'static str => Self::Str);
        shown_if!(u64 u32 u16 u8 => Self::Unsigned);
        shown_if!(i64 i32 i16 i8 => Self::Signed);
        // The standard library has no `Into` for these two, since their size depends on the platform.
        shown_if!(usize => |it: usize| Self::LargeUnsigned(it as u128));
        shown_if!(isize => |it: isize| Self::LargeSigned(it as i128));
        shown_if!(bool => Self::Bool);
        shown_if!(f64 f32 => Self::Float);
        shown_if!(u128 => Self::LargeUnsigned);
        shown_if!(i128 => Self::LargeSigned);
        Self::Text(value)
    }
}

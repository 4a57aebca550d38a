//! [`ContextVar`]: a declared variable, and the operations that contexts need without knowing its type.

use std::any::{TypeId, type_name};
use std::fmt;
use std::mem;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use super::default::{Found, LazyDefault};
use super::id::{Id, UNASSIGNED};
use super::traits::Traits;
use super::turns;
use super::value::{ErasedVar, Ownerless, Value};
use crate::error::LookupError;
use crate::variable::Variable;

/// A context variable: each context can have its own value of it.
///
/// Declare one with [`#[context_var]`](macro@crate::context_var), at module level; the macro turns `static NAME: T`
/// into a `static NAME: ContextVar<T>`. There is no other way to create one.
///
/// # Examples
///
/// ```
/// use contextvars::context_var;
///
/// #[context_var(default = 42)]
/// static ANSWER: i32;
///
/// # fn main() {
/// assert_eq!(ANSWER.get(), 42);
/// let token = ANSWER.set(43);
/// assert_eq!(ANSWER.get(), 43);
/// ANSWER.reset(token).unwrap();
/// assert_eq!(ANSWER.get(), 42);
/// # }
/// ```
///
/// # Python
/// `contextvars.ContextVar`. Python recommends creating variables at module level; here other declarations do not
/// compile.
#[doc(alias("AsyncLocal", "AsyncLocalStorage", "MDC", "ScopedValue", "task_local"))]
pub struct ContextVar<T> {
    id: Id,
    variable: Variable,
    traits: Traits<T>,
    default: LazyDefault<T>,
}

/// The next id to be assigned.
static NEXT_ID: Mutex<u32> = Mutex::new(0);

// SAFETY: [V2] `declared`, the only constructor, requires `T: Send + Sync`, which the default's `OnceLock<T>` needs;
// all other fields are `Sync` for every `T`. Without a bound here, so that a `T` that is not `Sync` causes one error,
// at `declared`, and not two.
unsafe impl<T> Sync for ContextVar<T> {}

impl<T: Send + Sync + 'static> ContextVar<T> {
    /// The constructor that an expansion of `#[context_var]` calls.
    pub(crate) const fn declared(variable: Variable, default: Option<fn() -> T>, traits: Traits<T>) -> Self {
        Self {
            id: Id { number: AtomicU32::new(UNASSIGNED) },
            variable: variable.of_type(type_name::<T>, default.is_some()),
            traits,
            default: LazyDefault::new(default),
        }
    }

    /// A value of this variable.
    #[inline]
    pub(super) fn value(&'static self, value: T) -> Value {
        // SAFETY: `self` is a `ContextVar<T>`.
        unsafe { Value::new(self, value) }
    }
}

/// Implemented for no type: for the message of [`ContextVar::new`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a context variable cannot be created by a call: declare it with `#[context_var]`",
    label = "not allowed",
    note = "write `#[context_var] static NAME: Type;` at module level, with `#[context_var(default = ..)]` for a default"
)]
pub trait DeclaredByTheMacro {}

impl<T> ContextVar<T> {
    /// Never compiles. Users who know Python's `ContextVar` write such a call first, and the message tells them what to
    /// write instead.
    #[doc(hidden)]
    #[must_use]
    pub const fn new<D: DeclaredByTheMacro>(declaration: D) -> Self {
        mem::forget(declaration);
        panic!("it is never called")
    }

    /// Returns the declaration of the variable: name, type, file and line, and more.
    ///
    /// # Examples
    ///
    /// ```
    /// #[contextvars::context_var(default = 443)]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// assert!(PORT.variable().has_default());
    /// assert_eq!((PORT.name(), PORT.variable().type_name()), ("PORT", "u16"));
    /// # }
    /// ```
    #[must_use]
    pub const fn variable(&self) -> &Variable {
        &self.variable
    }

    /// Returns the variable's name.
    ///
    /// # Python
    /// `ContextVar.name`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.variable.name()
    }

    /// The id under which contexts store this variable's values, or one without any value.
    #[inline]
    pub(super) fn id(&self) -> u32 {
        self.id.number()
    }

    /// The id, assigned now if this is the variable's first use.
    #[inline]
    pub(super) fn assigned_id(&self) -> u32 {
        self.id.assigned(&NEXT_ID)
    }
}

impl<T: 'static> ContextVar<T> {
    /// The declaration's default, evaluated once per program. `evaluate` calls the expression in an empty context.
    ///
    /// # Errors
    /// If the variable has no default, or a caller on this thread is evaluating it.
    ///
    /// # Panics
    /// If the default's expression panics; the next call tries again.
    pub(crate) fn default(&'static self, evaluate: fn(fn() -> T) -> T) -> Result<&'static T, LookupError> {
        match self.default.get(evaluate) {
            Found::Value(value) => Ok(value),
            Found::BeingMade => Err(LookupError::default_reads_itself(&self.variable)),
            Found::Nothing => Err(LookupError::no_value(&self.variable, self.id() != UNASSIGNED)),
        }
    }
}

impl<T: 'static> ErasedVar for ContextVar<T> {
    fn variable(&'static self) -> &'static Variable {
        &self.variable
    }

    fn id(&self) -> u32 {
        self.id()
    }

    fn type_id(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn debug(&self, value: &Value, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        let debug = self.traits.debug?;
        Some(debug(value.downcast_ref()?, f))
    }

    fn display(&self, value: &Value, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        let display = self.traits.display?;
        Some(display(value.downcast_ref()?, f))
    }

    #[cfg(feature = "serde")]
    fn serializable<'a>(&self, value: &'a Value) -> Option<&'a dyn erased_serde::Serialize> {
        let erase = self.traits.serialize?;
        Some(erase(value.downcast_ref()?))
    }

    fn equal(&self, a: &Value, b: &Value) -> Option<bool> {
        let eq = self.traits.eq?;
        Some(eq(a.downcast_ref()?, b.downcast_ref()?))
    }

    unsafe fn end(&self, block: Ownerless) {
        if const { mem::needs_drop::<T>() } {
            turns::destroy_in_turn(block);
        } else {
            // No destructor, so destruction cannot nest. SAFETY: [V1] by the caller's contract, the block is one of this
            // variable, which is a `ContextVar<T>`.
            unsafe { block.destroy_as::<T>() }
        }
    }

    unsafe fn destroy(&self, block: Ownerless) {
        // SAFETY: [V1] by the caller's contract, the block is one of this variable, which is a `ContextVar<T>`.
        unsafe { block.destroy_as::<T>() }
    }
}

impl<T> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContextVar").field(&format_args!("{}", self.variable)).finish()
    }
}

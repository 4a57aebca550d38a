//! A value of any variable, as a context holds it: one pointer to a counted block that knows its variable.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::count::Count;
use super::pool;
use crate::variable::Variable;

/// The beginning of every value's block, for all types.
pub(super) struct Header {
    count: Count,
    /// The variable whose value this is; it alone knows the type.
    var: &'static dyn ErasedVar,
}

/// A value and its header.
///
/// `repr(C)`: a pointer to the block is a pointer to its header.
#[repr(C)]
struct ValueBlock<T> {
    header: Header,
    value: T,
}

/// A `ContextVar<T>` without its `T`.
pub(super) trait ErasedVar: Sync {
    fn variable(&'static self) -> &'static Variable;

    fn id(&self) -> u32;

    fn type_id(&self) -> TypeId;

    /// Writes the value by its `Debug`. Returns `None` if the type has no `Debug`.
    fn debug(&self, value: &Value, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result>;

    /// Writes the value by its `Display`. Returns `None` if the type has no `Display`.
    fn display(&self, value: &Value, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result>;

    /// Returns the value for any serialiser, or `None` if the type has no `Serialize`.
    #[cfg(feature = "serde")]
    fn serializable<'a>(&self, value: &'a Value) -> Option<&'a dyn erased_serde::Serialize>;

    /// Compares two values of this variable by their `PartialEq`. Returns `None` if the type has no `PartialEq`.
    fn equal(&self, a: &Value, b: &Value) -> Option<bool>;

    /// Destroys a block: at once, or in its turn if its destructor could nest deeply.
    ///
    /// # Safety
    /// The block is one of this variable.
    unsafe fn end(&self, block: Ownerless);

    /// Destroys a block.
    ///
    /// # Safety
    /// As for `end`.
    unsafe fn destroy(&self, block: Ownerless);
}

/// One owner's handle of a value of any variable.
///
/// [V1] A block whose header names the variable `var` is a `ValueBlock<T>` for the `T` of `var`: only `Value::new`
/// creates blocks, and no code changes a header.
pub(crate) struct Value {
    /// Points to a `ValueBlock<T>` from `pool::allocate`, with the provenance of the whole block, alive while its count is
    /// above zero; this handle is one of the count.
    block: NonNull<Header>,
}

// SAFETY: [V2] `ContextVar<T>` values exist only for `T: Send + Sync` (a bound of `ContextVar::declared`), and the
// handle only shares the `T` and drops it on the thread of the last handle.
unsafe impl Send for Value {}
// SAFETY: [V2] as for `Send`.
unsafe impl Sync for Value {}

impl Value {
    /// A value of `var`.
    ///
    /// # Safety
    /// `var` is a `ContextVar<T>`.
    #[inline]
    pub(super) unsafe fn new<T: Send + Sync + 'static>(var: &'static dyn ErasedVar, value: T) -> Self {
        let block = pool::allocate(|| ValueBlock { header: Header { count: Count::one(), var }, value });
        Self { block: block.cast() }
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: [V3] this handle counts for one, so the block is alive; no field of a header is ever changed except
        // the count, which is atomic.
        unsafe { self.block.as_ref() }
    }

    /// The variable whose value this is, with its operations.
    #[inline]
    pub(super) fn var(&self) -> &'static dyn ErasedVar {
        self.header().var
    }

    /// The variable whose value this is.
    #[inline]
    pub(crate) fn variable(&self) -> &'static Variable {
        self.var().variable()
    }

    /// Whether this equals another value of the same variable: if both are the same instance, or by the type's
    /// `PartialEq`, if it has one.
    pub(crate) fn is_equal(&self, other: &Self) -> bool {
        self.ptr_eq(other) || self.var().equal(self, other).unwrap_or(false)
    }

    /// The value for any serialiser, if its type has `Serialize`. The caller checks whether it may be shown.
    #[cfg(feature = "serde")]
    pub(crate) fn serializable(&self) -> Option<&dyn erased_serde::Serialize> {
        self.var().serializable(self)
    }

    /// The value as a `T`.
    ///
    /// # Safety
    /// The value is one of a `ContextVar<T>`.
    #[inline]
    pub(super) unsafe fn as_typed<T>(&self) -> &T {
        let block = self.block.cast::<ValueBlock<T>>();
        // SAFETY: [V1, V3] the caller says that this is a `ValueBlock<T>`, and this handle keeps it alive and unchanged.
        unsafe { &block.as_ref().value }
    }

    /// The value as a `T`, if that is its type.
    pub(crate) fn downcast_ref<T: 'static>(&self) -> Option<&T> {
        if self.var().type_id() != TypeId::of::<T>() {
            return None;
        }
        // SAFETY: [V1] the variable's type is `T`, as just compared.
        Some(unsafe { self.as_typed() })
    }

    /// A second handle of the same owner: it is not counted, and not dropped.
    #[inline]
    pub(super) fn uncounted(&self) -> ManuallyDrop<Self> {
        ManuallyDrop::new(Self { block: self.block })
    }

    /// Whether both are handles of the same block.
    pub(crate) fn ptr_eq(&self, other: &Self) -> bool {
        self.block == other.block
    }
}

impl Clone for Value {
    #[inline]
    fn clone(&self) -> Self {
        self.header().count.increment();
        Self { block: self.block }
    }
}

impl Drop for Value {
    #[inline]
    fn drop(&mut self) {
        if self.header().count.decrement() {
            let block = Ownerless(self.block);
            // SAFETY: [V1] the block is one of the variable that its header names.
            unsafe { self.var().end(block) }
        }
    }
}

/// The placeholder for a value that must not be shown.
pub(crate) const REDACTED: &str = "<redacted>";

/// Writes the value by its type's `Debug`, unless the type has none or the variable is redacted.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = self.variable();
        if variable.is_redacted() {
            return f.write_str(REDACTED);
        }
        match self.var().debug(self, f) {
            Some(written) => written,
            None => write!(f, "<{}>", variable.type_name()),
        }
    }
}

/// Writes the value by its type's `Display`, otherwise by its `Debug`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.variable().is_redacted() {
            return f.write_str(REDACTED);
        }
        match self.var().display(self, f) {
            Some(written) => written,
            None => fmt::Debug::fmt(self, f),
        }
    }
}

/// The block of a value without an owner, which is about to be destroyed.
pub(super) struct Ownerless(NonNull<Header>);

impl Ownerless {
    pub(super) fn destroy(self) {
        // SAFETY: [V3] the block is alive until the next line: it has no owner, so only `self` can reach it.
        let var = unsafe { self.0.as_ref() }.var;
        // SAFETY: [V1] the block is one of the variable that its header names.
        unsafe { var.destroy(self) }
    }

    /// Drops the value, and frees the block.
    ///
    /// # Safety
    /// The block is one of a `ContextVar<T>`.
    #[inline]
    pub(super) unsafe fn destroy_as<T>(self) {
        // SAFETY: [V1] the block is a `ValueBlock<T>`, by the caller's contract; so `Value::new` has allocated it for
        // this type with `pool::allocate`. [V3] It has no owner left, and `self` is consumed, so it is freed once.
        unsafe { pool::free(self.0.cast::<ValueBlock<T>>()) }
    }
}

/// One owner's handle of a value of a `ContextVar<T>`. Only this folder creates one, so no other code can store a value
/// under the id of a variable of another type.
pub(crate) struct ValueOf<T> {
    value: Value,
    of: PhantomData<fn() -> T>,
}

impl<T> ValueOf<T> {
    /// Gives a value its type back. [V1] The value was found under the id of a `ContextVar<T>`, or created for one.
    #[inline]
    pub(super) fn new(value: Value) -> Self {
        Self { value, of: PhantomData }
    }

    #[inline]
    pub(super) fn into_value(self) -> Value {
        self.value
    }

    /// The value without its type.
    pub(crate) fn as_value(&self) -> &Value {
        &self.value
    }
}

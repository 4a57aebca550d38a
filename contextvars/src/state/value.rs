//! A value of any variable, as a context holds it: one pointer to a counted block that knows its variable.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::ptr::NonNull;

use super::context_var::ContextVar;
use super::count::Count;
use super::current::end;
use super::pool;
use super::turns;
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
    /// `block` points to a block of this variable, from [`Value::new`], that has no owner left.
    unsafe fn end(&self, block: NonNull<Header>);

    /// Drops the value of a block and frees its memory.
    ///
    /// # Safety
    /// As for `end`.
    unsafe fn destroy(&self, block: NonNull<Header>);
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
    #[inline]
    pub(super) fn new<T: Send + Sync + 'static>(var: &'static ContextVar<T>, value: T) -> Self {
        let block = pool::allocate(|| ValueBlock { header: Header { count: Count::one(), var }, value });
        Self { block: block.cast() }
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: [V3] this handle counts for one, so the block is alive; no field of a header is ever changed except
        // the count, which is atomic.
        unsafe { self.block.as_ref() }
    }

    /// The variable whose value this is.
    #[inline]
    pub(super) fn var(&self) -> &'static dyn ErasedVar {
        self.header().var
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
            // SAFETY: [V1, V3] the block belongs to the variable in its header, and this was its last owner.
            unsafe { self.var().end(self.block) }
        }
    }
}

/// The block of a value without an owner, which is about to be destroyed.
pub(super) struct Ownerless(NonNull<Header>);

impl Ownerless {
    pub(super) fn destroy(self) {
        // SAFETY: [V3] the block is alive until the next line: it has no owner, so only `self` can reach it.
        let var = unsafe { self.0.as_ref() }.var;
        // SAFETY: [V1, V3] a block of `var` without an owner, as the caller of `end` promised; `self` is consumed, so
        // it is destroyed once.
        unsafe { var.destroy(self.0) }
    }
}

/// Destroys the block of a `ContextVar<T>`'s value, at once or in its turn.
///
/// # Safety
/// As for [`ErasedVar::end`], of a variable whose type is `T`.
#[inline]
pub(super) unsafe fn end<T>(block: NonNull<Header>) {
    if const { mem::needs_drop::<T>() } {
        turns::destroy_in_turn(Ownerless(block));
    } else {
        // No destructor, so destruction cannot nest. SAFETY: [V1, V3] the contract of `destroy` is that of this
        // function: a block of a `ContextVar<T>`, without an owner.
        unsafe { destroy::<T>(block) }
    }
}

/// Drops and frees the block of a `ContextVar<T>`'s value.
///
/// # Safety
/// As for [`ErasedVar::destroy`], of a variable whose type is `T`.
pub(super) unsafe fn destroy<T>(block: NonNull<Header>) {
    // SAFETY: [V1] the block is a `ValueBlock<T>`, by the caller's contract; so `Value::new` has allocated it for this
    // type with `pool::allocate`, and since it has no owner left, it is freed once.
    unsafe { pool::free(block.cast::<ValueBlock<T>>()) }
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

    /// Drops it in an empty context, so that no other code sees values that its destructor sets.
    #[inline]
    pub(crate) fn drop_apart(self) {
        if const { mem::needs_drop::<T>() } {
            end::drop_in_empty_context(|| drop(self));
        }
    }

    /// The value without its type.
    pub(crate) fn as_value(&self) -> &Value {
        &self.value
    }
}

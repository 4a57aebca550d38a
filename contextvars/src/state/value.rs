//! A value of any variable, as a context holds it: one pointer to a counted block that knows its variable.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::ptr::NonNull;

use super::count::Count;
use super::current::end;
use super::declared::ContextVar;
use super::pool;
use super::turns;
use crate::variable::Variable;

/// What every value's block begins with, whatever its type.
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

    /// Writes the value as its `Debug` does. `None`: the type has no `Debug`.
    fn debug(&self, value: &Value, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result>;

    /// Writes the value as its `Display` does. `None`: the type has no `Display`.
    fn display(&self, value: &Value, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result>;

    /// The value, for any serialiser. `None`: the type has no `Serialize`.
    #[cfg(feature = "serde")]
    fn serializable<'a>(&self, value: &'a Value) -> Option<&'a dyn erased_serde::Serialize>;

    /// Compares two values of this variable as their `PartialEq` does. `None`: the type has no `PartialEq`.
    fn equal(&self, a: &Value, b: &Value) -> Option<bool>;

    /// Sees to it that a block is destroyed: at once, or in its turn if that could go deep.
    ///
    /// # Safety
    /// `block` points to a block of this variable, from [`Value::new`], that has no owner any more.
    unsafe fn end(&self, block: NonNull<Header>);

    /// Drops the value of a block and frees its memory.
    ///
    /// # Safety
    /// As for `end`.
    unsafe fn destroy(&self, block: NonNull<Header>);
}

/// One owner's handle of a value of any variable.
///
/// [V1] A block whose header names the variable `var` is a `ValueBlock<T>` for the `T` of `var`: `Value::new` makes it
/// so, and nothing changes a header.
pub(crate) struct Value {
    /// Points to a `ValueBlock<T>` from `pool::allocate`, with the provenance of the whole block, alive while its count is
    /// above zero; this handle is one of the count.
    block: NonNull<Header>,
}

// SAFETY: [V2] `ContextVar<T>` values exist only for `T: Send + Sync` (`ContextVar::declared` asks for it), and the
// handle does no more than share the `T` and drop it wherever the last handle is.
unsafe impl Send for Value {}
// SAFETY: [V2] as for `Send`.
unsafe impl Sync for Value {}

impl Value {
    #[inline]
    pub(super) fn new<T: Send + Sync + 'static>(var: &'static ContextVar<T>, value: T) -> Self {
        let block = pool::allocate(ValueBlock { header: Header { count: Count::one(), var }, value });
        Self { block: block.cast() }
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: [V3] this handle is one of the count, so the block is alive, and a header is never changed but for
        // its count, which is atomic.
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

    /// A second handle of the same owner: it counts nothing, and is not dropped.
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
            // SAFETY: [V1, V3] the block is one of its variable's, and this was its last owner.
            unsafe { self.var().end(self.block) }
        }
    }
}

/// The block of a value that has no owner any more and is about to be destroyed.
pub(super) struct Ownerless(NonNull<Header>);

impl Ownerless {
    pub(super) fn destroy(self) {
        // SAFETY: [V3] the block is alive until the next line, and nobody else can reach it.
        let var = unsafe { self.0.as_ref() }.var;
        // SAFETY: [V1, V3] a block of `var`'s, without an owner as `end` was promised, and `self` is used up.
        unsafe { var.destroy(self.0) }
    }
}

/// Sees to it that the block of a `ContextVar<T>`'s value is destroyed.
///
/// # Safety
/// As for [`ErasedVar::end`], of a variable whose type is `T`.
#[inline]
pub(super) unsafe fn end<T>(block: NonNull<Header>) {
    if const { mem::needs_drop::<T>() } {
        turns::destroy_in_turn(Ownerless(block));
    } else {
        // No destructor, so nothing can nest.
        // SAFETY: [V1, V3] the caller promises what `destroy` asks for: a block of a `ContextVar<T>`, without an owner.
        unsafe { destroy::<T>(block) }
    }
}

/// Drops and frees the block of a `ContextVar<T>`'s value.
///
/// # Safety
/// As for [`ErasedVar::destroy`], of a variable whose type is `T`.
pub(super) unsafe fn destroy<T>(block: NonNull<Header>) {
    // SAFETY: [V1] the caller's `T` is the block's, so this is what `Value::new` allocated, and nobody owns it.
    unsafe { pool::free(block.cast::<ValueBlock<T>>()) }
}

/// One owner's handle of a value of a `ContextVar<T>`. Only this folder makes one, so nobody else can put a value under
/// the id of a variable of another type.
pub(crate) struct ValueOf<T> {
    value: Value,
    of: PhantomData<fn() -> T>,
}

impl<T> ValueOf<T> {
    /// Says of which type's variable a value is. [V1] It was found under the id of one, or made for one.
    #[inline]
    pub(super) fn new(value: Value) -> Self {
        Self { value, of: PhantomData }
    }

    #[inline]
    pub(super) fn into_value(self) -> Value {
        self.value
    }

    /// Drops it in an empty context, where its destructor may set what it likes and nobody sees it.
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

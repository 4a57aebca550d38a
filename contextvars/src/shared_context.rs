//! [`SharedContext`]: one context in which several owners may run code, one at a time.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::context::Context;
use crate::error::EnterError;

/// A handle of a shared context: all clones of the handle refer to the same context.
///
/// A [`Context`] is owned, and the compiler ensures that it is not entered twice. If callbacks must share one context,
/// each seeing the values that the others set, this type checks the same at run time.
///
/// # Examples
///
/// ```
/// use contextvars::{Context, SharedContext, context_var};
///
/// #[context_var(default = 0)]
/// static COUNT: u32;
///
/// # fn main() {
/// let shared = SharedContext::from(Context::new());
/// let count = || COUNT.set(COUNT.get() + 1);
/// shared.run(count).unwrap();
/// shared.clone().run(count).unwrap();
/// assert_eq!(shared.copy().unwrap()[&COUNT], 2);
///
/// let nested = shared.run(|| shared.run(|| ()));
/// assert!(nested.unwrap().is_err());
/// # }
/// ```
///
/// # Python
/// `contextvars.Context`: an object with many references, and a `RuntimeError` when it is entered twice.
#[derive(Clone, Default)]
pub struct SharedContext {
    /// `Entered` while the context is entered. Locked only to move the context in and out: no user code runs under the
    /// lock.
    inner: Arc<Mutex<Inner>>,
}

enum Inner {
    Free(Context),
    Entered,
}

impl Default for Inner {
    fn default() -> Self {
        Self::Free(Context::new())
    }
}

impl SharedContext {
    /// Returns a handle of a new, empty context.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `f` in the shared context and returns its result. The values that `f` sets stay in the context. Takes a
    /// lock briefly to enter and to leave; none is held while `f` runs. A future that `f` returns runs outside.
    ///
    /// # Errors
    /// [`EnterError`] if the context is already entered, by a caller or on another thread; `f` was not called. Never
    /// waits.
    ///
    /// # Panics
    /// If `f` panics. The context keeps the values set so far, and can be entered again.
    ///
    /// # Python
    /// `ctx.run(callable)`.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> Result<R, EnterError> {
        let context = self.take()?;
        let mut context = scopeguard::guard(context, |context| self.put_back(context));
        Ok(context.run(f))
    }

    /// Returns a copy of the context. O(1).
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, SharedContext, context_var};
    /// #[context_var]
    /// static USER: &'static str;
    ///
    /// # fn main() {
    /// let shared = SharedContext::from(Context::new().with(&USER, "ada"));
    /// assert_eq!(shared.copy().unwrap()[&USER], "ada");
    /// assert!(shared.run(|| shared.copy().is_err()).unwrap());
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`EnterError`] if the context is entered: only the running code has access to its values then. That code can
    /// call [`copy_context`](crate::copy_context).
    ///
    /// # Python
    /// `ctx.copy()`, which also works on a context that is entered.
    pub fn copy(&self) -> Result<Context, EnterError> {
        match &*self.lock() {
            Inner::Free(context) => Ok(context.clone()),
            Inner::Entered => Err(EnterError::new()),
        }
    }

    /// Returns whether the context is entered at this moment.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::SharedContext;
    /// let shared = SharedContext::new();
    /// assert!(shared.run(|| shared.is_entered()).unwrap());
    /// assert!(!shared.is_entered());
    /// ```
    #[must_use]
    pub fn is_entered(&self) -> bool {
        matches!(&*self.lock(), Inner::Entered)
    }

    fn take(&self) -> Result<Context, EnterError> {
        match std::mem::replace(&mut *self.lock(), Inner::Entered) {
            Inner::Free(context) => Ok(context),
            Inner::Entered => Err(EnterError::new()),
        }
    }

    fn put_back(&self, context: Context) {
        *self.lock() = Inner::Free(context);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code that could panic runs under the lock, so the guarded state is consistent.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Context> for SharedContext {
    fn from(context: Context) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner::Free(context))) }
    }
}

/// Shows the context as [`Context`] does, or that it is entered.
impl fmt::Debug for SharedContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_tuple("SharedContext");
        match self.copy() {
            Ok(context) => output.field(&context),
            Err(_) => output.field(&format_args!("entered")),
        };
        output.finish()
    }
}

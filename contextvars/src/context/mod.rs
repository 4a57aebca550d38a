//! [`Context`]: variables with their values, to copy and to run code in; `mapping` has the methods for reading one.

mod items;
mod mapping;

pub(crate) use self::items::Key;
pub use self::items::{Items, ValueRef};
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
use crate::state::SwappedIn;
use crate::state::{self, ContextVar, Entered, State, Update};
use crate::variable::Variable;

/// Context variables with their values, in which code can run.
///
/// A context is a mapping from variables to values. Copying one is O(1), whatever it contains: copies share their
/// values, and a change to one does not show in another. Code runs in a context through [`run`](Self::run),
/// [`wrap`](Self::wrap) or [`in_context`](crate::ContextExt::in_context).
///
/// # Examples
///
/// ```
/// use contextvars::{context_var, copy_context};
///
/// #[context_var]
/// static VAR: &'static str;
///
/// # fn main() {
/// VAR.set("spam");
/// let mut ctx = copy_context();
/// ctx.run(|| {
///     assert_eq!(VAR.get(), "spam");
///     VAR.set("ham");
/// });
/// // The changes of `run` are in its context only.
/// assert_eq!(ctx[&VAR], "ham");
/// assert_eq!(VAR.get(), "spam");
/// # }
/// ```
///
/// # Python
/// `contextvars.Context`. Entering one twice, a `RuntimeError` there, does not compile, since `run` borrows it mutably;
/// [`SharedContext`](crate::SharedContext) can be shared and checks this at run time.
#[doc(alias("AsyncContextFrame", "ExecutionContext", "contextvars.Context"))]
pub struct Context {
    state: State,
}

/// Returns a copy of the current context. O(1): one reference count.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, copy_context};
/// #[context_var]
/// static USER: String;
///
/// # fn main() {
/// USER.set("ada".to_owned());
/// let ctx = copy_context();
/// USER.set("grace".to_owned());
/// assert_eq!(ctx[&USER], "ada");
/// # }
/// ```
///
/// # Python
/// `contextvars.copy_context()`.
#[inline]
#[must_use]
#[doc(alias("current", "snapshot"))]
pub fn copy_context() -> Context {
    Context { state: state::snapshot() }
}

/// Returns the context that a spawned task or thread inherits: a copy of the current context without the variables that
/// are declared with `inherit = false`. O(1) if none of those is set, otherwise one removal for each.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, inherit_context};
/// #[context_var]
/// static TENANT: u32;
/// #[context_var(inherit = false)]
/// static TRANSACTION: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// TRANSACTION.set(2);
/// let child = inherit_context();
/// assert!(child.contains(&TENANT));
/// assert!(!child.contains(&TRANSACTION));
/// # }
/// ```
#[inline]
#[must_use]
#[doc(alias("capture", "fork"))]
pub fn inherit_context() -> Context {
    Context { state: state::snapshot().for_child() }.carrying()
}

impl Context {
    /// Returns an empty context, for work that must not inherit anything.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::Context;
    /// assert!(Context::new().is_empty());
    /// ```
    ///
    /// A task or thread started in an empty context inherits no values: it neither sees those of the request that
    /// starts it, nor keeps them alive.
    ///
    /// ```
    /// # use contextvars::{Context, context_var, thread};
    /// #[context_var(default = 0)]
    /// static REQUEST_ID: u64;
    ///
    /// # fn main() {
    /// REQUEST_ID.set(7);
    /// let refresh = Context::new().run(|| thread::spawn(|| REQUEST_ID.get()));
    /// assert_eq!(refresh.join().unwrap(), 0);
    /// # }
    /// ```
    ///
    /// # Python
    /// `Context()`.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::new() }
    }

    /// Sets a variable in this context, without entering it, and returns the context. Costs what
    /// [`set`](ContextVar::set) does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var]
    /// static USER: String;
    ///
    /// # fn main() {
    /// let ctx = Context::new().with(&USER, "ada".to_owned());
    /// assert_eq!(ctx[&USER], "ada");
    /// assert!(!USER.is_set());
    /// # }
    /// ```
    ///
    /// # Python
    /// `ctx.run(var.set, value)`, which changes `ctx` in place.
    #[must_use = "the value is set in the context that is returned"]
    pub fn with<T: Send + Sync + 'static>(mut self, var: &'static ContextVar<T>, value: T) -> Self {
        self.state.insert(var, value);
        self
    }

    /// Unsets a variable in this context and returns the context. Costs what [`reset`](ContextVar::reset) does.
    ///
    /// The variable may be of another crate: so a program can keep it from a child, or run code in a context in which
    /// it is not set. A read still finds a declared default.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::{ContextExt, context_var, copy_context, inherit_context, thread};
    ///
    /// #[context_var]
    /// static TENANT: u32;
    /// #[context_var]
    /// static UPLOAD: Vec<u8>;
    ///
    /// # fn main() {
    /// TENANT.set(1);
    /// UPLOAD.set(vec![0; 1 << 20]);
    /// // A child inherits all but the upload, and does not keep it in memory.
    /// let job = inherit_context().without(&UPLOAD).wrap_once(|| (TENANT.get(), UPLOAD.is_set()));
    /// assert_eq!(thread::spawn(job).join().unwrap(), (1, false));
    /// // A scope in which it is not set.
    /// assert!(!copy_context().without(&UPLOAD).run(|| UPLOAD.is_set()));
    /// assert!(UPLOAD.is_set());
    /// # }
    /// ```
    #[must_use = "the variable is unset in the context that is returned"]
    pub fn without<T>(mut self, var: &'static ContextVar<T>) -> Self {
        self.state.remove(var);
        self
    }

    /// Unsets the variables for which `keep` returns `false`. By their declarations, it finds variables that the caller
    /// cannot name, such as private ones of another crate. Costs a call of `keep` for each variable that is set, and
    /// for each that is removed what [`without`](Self::without) does.
    ///
    /// A context contains more than declared variables, such as received baggage to be forwarded. That stays;
    /// [`Context::new`] has none of it.
    ///
    /// # Panics
    /// If `keep` does; nothing has changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::{Context, context_var};
    ///
    /// mod a_library {
    ///     #[contextvars::context_var]
    ///     static CONNECTION: u32;
    ///     pub(crate) fn connect() { CONNECTION.set(5); }
    /// }
    /// #[context_var]
    /// static TENANT: u32;
    ///
    /// # fn main() {
    /// let mut ctx = Context::new().with(&TENANT, 1);
    /// ctx.run(a_library::connect);
    /// ctx.retain(|variable, _value| !variable.module_path().ends_with("::a_library"));
    /// assert_eq!(format!("{ctx:?}"), "{TENANT: 1}");
    /// # }
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&'static Variable, ValueRef<'_>) -> bool) {
        self.state.retain(|variable, value| keep(variable, ValueRef::new(value)));
    }

    /// Calls `f` in this context and returns its result. The values that `f` sets stay in this context.
    ///
    /// For a future use [`in_context`](crate::ContextExt::in_context): an `async fn` that `f` only calls runs later,
    /// outside of this context.
    ///
    /// Entering and leaving cost a few nanoseconds, however many variables there are. If `f` panics, the context keeps
    /// the changes made so far and the caller's context is as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var(default = 0)]
    /// static COUNT: u32;
    ///
    /// # fn main() {
    /// let mut ctx = Context::new();
    /// for _ in 0..3 {
    ///     ctx.run(|| COUNT.set(COUNT.get() + 1));
    /// }
    /// assert_eq!(ctx[&COUNT], 3);
    /// assert_eq!(COUNT.get(), 0);
    /// # }
    /// ```
    ///
    /// # Python
    /// `ctx.run(callable)`.
    #[inline]
    #[doc(alias("attach", "enter"))]
    pub fn run<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let entered = self.enter();
        let result = f();
        entered.leave();
        result
    }

    /// Calls `f` in a copy of this context and returns its result. The values that `f` sets end with the copy.
    ///
    /// A future that `f` returns runs outside of the context; return `future.in_context(..)`.
    ///
    /// Many calls may run at the same time. So a callback with any arguments can be a closure around this method. Costs
    /// one reference count, and what [`run`](Self::run) does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{context_var, inherit_context};
    /// #[context_var(default = 0)]
    /// static LEAST: usize;
    ///
    /// # fn main() {
    /// LEAST.set(3);
    /// let ctx = inherit_context();
    /// let is_long = move |word: &str, also: usize| ctx.run_copy(|| word.len() >= LEAST.get().max(also));
    /// assert!(is_long("spam", 0) && !is_long("spam", 5) && !is_long("ha", 0));
    /// # }
    /// ```
    ///
    /// # Python
    /// `ctx.copy().run(callable)`.
    #[inline]
    pub fn run_copy<R>(&self, f: impl FnOnce() -> R) -> R {
        self.clone().run(f)
    }

    /// This context as that of a child: it also carries the current state of other libraries.
    #[inline]
    pub(crate) fn carrying(self) -> Self {
        Self { state: state::captured(self.state) }
    }

    /// An empty context in which no variable can be set, for work without a context of its own.
    pub(crate) const fn refusing() -> Self {
        Self { state: State::refusing() }
    }

    /// This context, in which no variable can be set from now on, for work that serves many requests.
    #[cfg(all(feature = "tokio-hooks", tokio_unstable))]
    pub(crate) fn refusing_sets(self) -> Self {
        Self { state: self.state.refusing_sets() }
    }

    /// Makes this context current until the guard is dropped.
    #[inline]
    pub(crate) fn enter(&mut self) -> Entered<'_> {
        Entered::new(&mut self.state)
    }

    /// Swaps this context with the current one.
    ///
    /// For callers that are told of the beginning and the end of work in two separate calls. All others use `enter`.
    #[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
    pub(crate) fn swap_in(&mut self) -> SwappedIn {
        state::swap_in(&mut self.state)
    }

    /// Undoes [`swap_in`](Self::swap_in).
    #[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
    pub(crate) fn swap_out(&mut self, swapped_in: SwappedIn) {
        state::swap_out(&mut self.state, swapped_in);
    }

    /// The current context itself, for another thread to run in meanwhile; see [`state::outbound`].
    pub(crate) fn outbound() -> Self {
        Self { state: state::outbound() }
    }

    /// The changes that make this context equal to `after`.
    pub(crate) fn updates_to(&self, after: &Self) -> Vec<Update> {
        self.state.updates_to(&after.state)
    }
}

/// O(1): one reference count.
///
/// # Python
/// `ctx.copy()`.
impl Clone for Context {
    #[inline]
    fn clone(&self) -> Self {
        Self { state: self.state.copy() }
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

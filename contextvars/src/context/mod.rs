//! [`Context`]: a set of variables with their values, to be looked at, copied, and run code in.

mod items;
mod task_context;

use std::fmt;
use std::ops::Index;

pub(crate) use self::items::Key;
pub use self::items::{Items, ValueRef};
pub(crate) use self::task_context::TaskContext;
use crate::state::{self, ContextVar, Entered, State, Update};
use crate::variable::Variable;

/// Context variables and their values: what is current for some piece of code, or will be.
///
/// A context is a mapping from variables to values. Copying one is O(1), whatever it holds: copies share what they have
/// in common, and change apart. Code runs in a context through [`run`](Self::run), [`wrap`](Self::wrap) or
/// [`in_context`](crate::ContextExt::in_context).
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
/// // What `run` changed is in the context it ran in, and nowhere else.
/// assert_eq!(ctx[&VAR], "ham");
/// assert_eq!(VAR.get(), "spam");
/// # }
/// ```
///
/// # Python
/// `contextvars.Context`. Entering one twice, a `RuntimeError` there, does not compile, since `run` borrows it mutably;
/// [`SharedContext`](crate::SharedContext) is for those who need to share one.
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
pub fn copy_context() -> Context {
    Context { state: state::snapshot() }
}

/// Returns what a child of the current work gets: a copy of the current context without the variables that are declared
/// with `inherit = false`. O(1) if none of those is set, else one removal for each.
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
///
/// # Python
/// Has no counterpart: an `asyncio` task copies everything.
#[inline]
#[must_use]
pub fn inherit_context() -> Context {
    Context { state: state::snapshot().copy_for_child() }
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
    /// What is started in an empty context has nothing to inherit: it neither sees the values of the request that
    /// happens to start it, nor keeps them alive.
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

    /// Sets a variable in this context, which is not entered for it, and returns the context. Costs what
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
        drop(self.state.insert(var, value));
        self
    }

    /// Calls `f` in this context and returns its result. What `f` sets stays in this context.
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
    pub fn run<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let entered = self.enter();
        let result = f();
        entered.leave();
        result
    }

    /// Gives the context up, unless that would free something, and so might run destructors: then it is returned.
    #[inline]
    pub(crate) fn give_up(self) -> Option<Self> {
        Some(Self { state: self.state.give_up()? })
    }

    /// Makes this context current until the guard is dropped.
    #[inline]
    pub(crate) fn enter(&mut self) -> Entered<'_> {
        Entered::new(&mut self.state)
    }

    /// Makes this context current, and what was current this; done twice, all is as before.
    ///
    /// For the few who learn of the end of something in another call than of its beginning. All others `enter`.
    #[cfg(all(tokio_unstable, feature = "tokio-hooks"))]
    pub(crate) fn swap_with_current(&mut self) {
        state::swap(&mut self.state);
    }

    /// The current context itself, for another thread to run in meanwhile; see [`state::outbound`].
    pub(crate) fn outbound() -> Self {
        Self { state: state::outbound() }
    }

    /// What must change in this context for it to hold what `after` holds.
    pub(crate) fn updates_to(&self, after: &Self) -> Vec<Update> {
        self.state.updates_to(&after.state)
    }

    /// Returns a function that calls `f` in a copy of this context; each call in a copy of its own.
    ///
    /// For a function with an argument see [`wrap_fn`](Self::wrap_fn). A call costs a copy, which is one reference
    /// count, and what [`run`](Self::run) does; what `f` sets is freed when it ends.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{context_var, copy_context};
    /// #[context_var(default = 0)]
    /// static COUNT: u32;
    ///
    /// # fn main() {
    /// COUNT.set(10);
    /// let next = copy_context().wrap(|| {
    ///     COUNT.set(COUNT.get() + 1);
    ///     COUNT.get()
    /// });
    /// assert_eq!((next(), next()), (11, 11));
    /// assert_eq!(std::thread::spawn(next).join().unwrap(), 11);
    /// # }
    /// ```
    ///
    /// # Python
    /// `functools.partial(ctx.run, f)`, but that runs all calls in `ctx` itself.
    pub fn wrap<R>(self, f: impl Fn() -> R) -> impl Fn() -> R {
        let context = TaskContext::new(self);
        move || context.clone().run(&f)
    }

    /// Returns a function of one argument that calls `f` in a copy of this context; each call in a copy of its own.
    /// Costs what [`wrap`](Self::wrap) does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var(default = 1)]
    /// static FACTOR: u32;
    ///
    /// # fn main() {
    /// let scale = Context::new().with(&FACTOR, 3).wrap_fn(|n: u32| n * FACTOR.get());
    /// assert_eq!([1, 2].map(scale), [3, 6]);
    /// # }
    /// ```
    ///
    /// # Python
    /// `functools.partial(ctx.run, f)`, but that runs all calls in `ctx` itself.
    pub fn wrap_fn<A, R>(self, f: impl Fn(A) -> R) -> impl Fn(A) -> R {
        let context = TaskContext::new(self);
        move |argument| context.clone().run(|| f(argument))
    }

    /// Returns whether the variable has a value in this context. A default is not one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var(default = 80)]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// assert!(!Context::new().contains(&PORT));
    /// assert!(Context::new().with(&PORT, 80).contains(&PORT));
    /// # }
    /// ```
    ///
    /// # Python
    /// `var in ctx`.
    #[must_use]
    pub fn contains<T>(&self, var: &'static ContextVar<T>) -> bool {
        self.state.get(var).is_some()
    }

    /// Returns the variable's value in this context. `None`: it is not set here; a default does not count.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var(default = 80)]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// assert_eq!(Context::new().get(&PORT), None);
    /// assert_eq!(Context::new().with(&PORT, 8080).get(&PORT), Some(&8080));
    /// # }
    /// ```
    ///
    /// # Python
    /// `ctx.get(var)`.
    #[must_use]
    pub fn get<T>(&self, var: &'static ContextVar<T>) -> Option<&T> {
        self.state.get(var)
    }

    /// Returns how many variables are set. O(n).
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// let ctx = Context::new().with(&PORT, 80).with(&PORT, 8080);
    /// assert_eq!((ctx.len(), Context::new().len()), (1, 0));
    /// # }
    /// ```
    ///
    /// # Python
    /// `len(ctx)`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.values().count()
    }

    /// Returns whether no variable is set.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var(default = 80)]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// assert!(Context::new().is_empty());
    /// assert!(!Context::new().with(&PORT, 80).is_empty());
    /// # }
    /// ```
    ///
    /// # Python
    /// `not ctx`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state.values().next().is_none()
    }

    /// Returns the variables that are set with their values, in the order in which they were first set in this process.
    ///
    /// O(n); no value is copied.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var]
    /// static USER: String;
    /// #[context_var]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// let ctx = Context::new().with(&USER, "ada".to_owned()).with(&PORT, 80);
    /// let shown: Vec<_> = ctx.iter().map(|(var, value)| format!("{}={value:?}", var.name())).collect();
    /// assert_eq!(shown, ["USER=\"ada\"", "PORT=80"]);
    /// # }
    /// ```
    ///
    /// # Python
    /// `ctx.items()`; `iter(ctx)` there is [`keys`](Self::keys). The order there is that of hashes.
    #[must_use]
    pub fn iter(&self) -> Items<'_> {
        Items::new(self.state.values())
    }

    /// Returns the variables that are set. In the order of [`iter`](Self::iter).
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// let ctx = Context::new().with(&PORT, 80);
    /// assert_eq!(ctx.keys().map(|variable| variable.name()).collect::<Vec<_>>(), ["PORT"]);
    /// # }
    /// ```
    ///
    /// # Python
    /// `ctx.keys()`, which is said to return a list, and in CPython returns an iterator.
    pub fn keys(&self) -> impl Iterator<Item = &'static Variable> {
        self.iter().map(|(variable, _)| variable)
    }

    /// Returns the values. In the order of [`iter`](Self::iter).
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// let ctx = Context::new().with(&PORT, 80);
    /// assert_eq!(ctx.values().map(|value| value.to_string()).collect::<Vec<_>>(), ["80"]);
    /// # }
    /// ```
    ///
    /// # Python
    /// `ctx.values()`, which is said to return a list, and in CPython returns an iterator.
    pub fn values(&self) -> impl Iterator<Item = ValueRef<'_>> {
        self.iter().map(|(_, value)| value)
    }

    /// Returns the variables that are set with their values; the same as [`iter`](Self::iter).
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// let ctx = Context::new().with(&PORT, 80);
    /// assert!(ctx.items().all(|(variable, value)| variable.name() == "PORT" && value.to_string() == "80"));
    /// # }
    /// ```
    ///
    /// # Python
    /// `ctx.items()`, which is said to return a list, and in CPython returns an iterator.
    #[must_use]
    pub fn items(&self) -> Items<'_> {
        self.iter()
    }

    /// This context's value of the variable that `like` is a value of.
    pub(crate) fn counterpart(&self, like: ValueRef<'_>) -> Option<ValueRef<'_>> {
        self.state.counterpart(like.value()).map(ValueRef::new)
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

/// Looks up the variable's value in this context.
///
/// # Panics
/// If the variable is not set in this context; [`get`](Context::get) returns `None` instead.
///
/// # Python
/// `ctx[var]`, which raises `KeyError`.
impl<T> Index<&'static ContextVar<T>> for Context {
    type Output = T;

    #[track_caller]
    fn index(&self, var: &'static ContextVar<T>) -> &T {
        match self.get(var) {
            Some(value) => value,
            None => panic!(
                "{} is not set in this context: set it before, or use `ctx.get(&{name})`, which returns an `Option`; \
                 a declared default is not part of any context",
                var.variable().described(),
                name = var.name(),
            ),
        }
    }
}

/// Equal if the same variables are set to the very same values, or to values that are equal by their type's
/// `PartialEq`. So a context equals its copies, whatever they hold. O(n).
///
/// # Python
/// `ctx == other`, which compares identities first, too.
impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        let counterpart_is_equal = |value: ValueRef<'_>| other.counterpart(value).is_some_and(|it| value.is_equal(it));
        self.len() == other.len() && self.values().all(counterpart_is_equal)
    }
}

/// Shows `{NAME: value, ..}`; a value whose type has no `Debug` shows as its type's name, and `redact` is honoured.
///
/// The alternate form shows where each variable was declared, too.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_map();
        for (variable, value) in self {
            output.entry(&Key(variable), &value);
        }
        output.finish()
    }
}

impl<'a> IntoIterator for &'a Context {
    type Item = (&'static Variable, ValueRef<'a>);
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}

//! The methods of [`ContextVar`]: read, set and reset the variable in the current context.

use crate::error::{LookupError, SetError};
use crate::state::{self, ContextVar};
use crate::token::{ResetError, SetGuard, Token};

impl<T: Send + Sync + 'static> ContextVar<T> {
    /// Returns a clone of the variable's value in the current context, or else of its default.
    ///
    /// Costs the clone, plus a few nanoseconds. If the clone is expensive, or is of an `Arc` that many threads share,
    /// read with [`with`](Self::with).
    ///
    /// # Panics
    /// If the variable has neither, or if this thread is evaluating its default; [`try_get`](Self::try_get) returns an
    /// error instead. Also if the default's expression, which the first read evaluates, panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var(default = "en".to_owned())]
    /// static LOCALE: String;
    ///
    /// # fn main() {
    /// assert_eq!(LOCALE.get(), "en");
    /// LOCALE.set("nl".to_owned());
    /// assert_eq!(LOCALE.get(), "nl");
    /// # }
    /// ```
    ///
    /// # Python
    /// `var.get()`.
    #[inline]
    #[track_caller]
    #[doc(alias = "ContextVar.get")]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        match state::with_value(self, T::clone) {
            Ok(value) => value,
            Err(_) => self.get_elsewhere(),
        }
    }

    #[inline(never)]
    #[track_caller]
    fn get_elsewhere(&'static self) -> T
    where
        T: Clone,
    {
        match self.try_with_elsewhere(T::clone) {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }

    #[inline(never)]
    fn try_get_elsewhere(&'static self) -> Result<T, LookupError>
    where
        T: Clone,
    {
        self.try_with_elsewhere(T::clone)
    }

    #[cold]
    #[inline(never)]
    fn try_with_apart<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, LookupError> {
        self.try_with_elsewhere(f)
    }

    /// Calls `f` with the value of the base context or the default, if no entered context has a value.
    #[inline]
    fn try_with_elsewhere<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, LookupError> {
        match state::with_base_value(self, f) {
            Ok(result) => Ok(result),
            Err(f) => Ok(f(self.default(state::in_empty_context)?)),
        }
    }

    /// Returns a clone of the variable's value in the current context, or else of its default, or an error if there is
    /// neither.
    ///
    /// # Errors
    /// [`LookupError`] if the variable has neither, or if this thread is evaluating its default, as when a panic hook
    /// reads it meanwhile.
    ///
    /// # Panics
    /// If the default's expression, which the first read evaluates, panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var]
    /// static USER: String;
    ///
    /// # fn main() {
    /// assert!(USER.try_get().is_err());
    /// USER.set("ada".to_owned());
    /// assert_eq!(USER.try_get().unwrap(), "ada");
    /// # }
    /// ```
    ///
    /// # Python
    /// `var.get()`, which raises the error.
    #[inline]
    pub fn try_get(&'static self) -> Result<T, LookupError>
    where
        T: Clone,
    {
        match state::with_value(self, T::clone) {
            Ok(value) => Ok(value),
            Err(_) => self.try_get_elsewhere(),
        }
    }

    /// Returns a clone of the variable's value in the current context, or else `value`.
    ///
    /// The declared default is ignored.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var(default = 1)]
    /// static DEPTH: u32;
    ///
    /// # fn main() {
    /// assert_eq!(DEPTH.get_or(7), 7);
    /// DEPTH.set(2);
    /// assert_eq!(DEPTH.get_or(7), 2);
    /// # }
    /// ```
    ///
    /// # Python
    /// `var.get(value)`, where the argument takes precedence over the declared default, too.
    #[inline]
    pub fn get_or(&'static self, value: T) -> T
    where
        T: Clone,
    {
        self.get_or_else(|| value)
    }

    /// Returns a clone of the variable's value in the current context, or else what `make` returns.
    ///
    /// The declared default is ignored.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var]
    /// static USER: String;
    ///
    /// # fn main() {
    /// assert_eq!(USER.get_or_else(|| "guest".to_owned()), "guest");
    /// # }
    /// ```
    #[inline]
    pub fn get_or_else(&'static self, make: impl FnOnce() -> T) -> T
    where
        T: Clone,
    {
        match state::with_value(self, T::clone).or_else(|_| state::with_base_value(self, T::clone)) {
            Ok(value) => value,
            Err(_) => make(),
        }
    }

    /// Calls `f` with the variable's value in the current context, or else with its default, and returns the result.
    ///
    /// Nothing is cloned and no reference count moves. `f` may run any code, and may set this variable: the value that
    /// it was given stays as it is until `f` returns.
    ///
    /// # Panics
    /// If the variable has neither a value nor a default; [`try_with`](Self::try_with) returns an error instead. Also
    /// if `f` panics, or the default does, as for [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var(default = vec!["a", "b"])]
    /// static PATH: Vec<&'static str>;
    ///
    /// # fn main() {
    /// assert_eq!(PATH.with(|path| path.len()), 2);
    /// # }
    /// ```
    ///
    /// # Python
    /// `var.get()`, which copies only a reference.
    #[inline]
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// Calls `f` with the variable's value in the current context, or else with its default, and returns the result, or
    /// an error if there is neither.
    ///
    /// # Errors
    /// [`LookupError`] if the variable has neither, or if this thread is evaluating its default; `f` was not called.
    ///
    /// # Panics
    /// If `f` does, or the default, as for [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var]
    /// static USER: String;
    ///
    /// # fn main() {
    /// assert!(USER.try_with(|user| user.len()).is_err());
    /// USER.set("ada".to_owned());
    /// assert_eq!(USER.try_with(|user| user.len()).unwrap(), 3);
    /// # }
    /// ```
    ///
    /// # Python
    /// `var.get()`, which raises the error.
    #[inline]
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, LookupError> {
        match state::with_value(self, f) {
            Ok(result) => Ok(result),
            Err(f) => self.try_with_apart(f),
        }
    }

    /// Returns whether the variable is set in the current context. A default does not count.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var(default = 0)]
    /// static RETRIES: u32;
    ///
    /// # fn main() {
    /// assert!(!RETRIES.is_set());
    /// RETRIES.set(0);
    /// assert!(RETRIES.is_set());
    /// # }
    /// ```
    ///
    /// # Python
    /// `var in copy_context()`.
    #[must_use]
    pub fn is_set(&'static self) -> bool {
        state::is_set(self)
    }

    /// Sets the variable in the current context and returns a token that can undo it.
    ///
    /// Costs one allocation for the value; copies up to one node of 16 variables for each level of the map if the
    /// context shares them with a copy.
    ///
    /// # Panics
    /// In work that has no context of its own and shares its thread with unrelated work, such as a plain task of tokio
    /// (see [`SetError`]): every later task on the thread would see the value. [`try_set`](Self::try_set) returns an
    /// error instead.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var(default = 42)]
    /// static VAR: i32;
    ///
    /// # fn main() {
    /// let token = VAR.set(43);
    /// assert_eq!(VAR.get(), 43);
    /// VAR.reset(token).unwrap();
    /// assert_eq!(VAR.get(), 42);
    /// # }
    /// ```
    ///
    /// # Python
    /// `var.set(value)`, which is never refused.
    #[inline]
    #[track_caller]
    #[doc(alias = "ContextVar.set")]
    pub fn set(&'static self, value: T) -> Token<T> {
        match self.try_set(value) {
            Ok(token) => token,
            Err(error) => panic!("{error}"),
        }
    }

    /// Sets the variable in the current context and returns a token that can undo it.
    ///
    /// # Errors
    /// [`SetError`], which contains the value, where [`set`](Self::set) panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var]
    /// static USER: String;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let token = USER.try_set("ada".to_owned())?;
    /// assert_eq!(token.old_value(), None);
    /// assert_eq!(USER.get(), "ada");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Python
    /// `var.set(value)`, which is never refused.
    #[inline]
    pub fn try_set(&'static self, value: T) -> Result<Token<T>, SetError<T>> {
        match state::set(self, value) {
            Ok(replaced) => Ok(Token::new(self, replaced)),
            Err(value) => Err(SetError::new(self.variable(), value)),
        }
    }

    /// Sets the variable in the current context until the returned guard is dropped.
    ///
    /// In asynchronous code the guard must not be held across an `.await`; use [`with_context!`](crate::with_context)
    /// there. (If two guards do not end in the reverse order of their beginning, a value stays set; see the
    /// [pitfalls](crate::guide::pitfalls#scopes-and-guards-do-not-go-across-an-await).)
    ///
    /// # Panics
    /// Where [`set`](Self::set) panics. The guard panics if it is dropped in another context.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var(default = 42)]
    /// static VAR: i32;
    ///
    /// # fn main() {
    /// {
    ///     let _guard = VAR.set_scoped(43);
    ///     assert_eq!(VAR.get(), 43);
    /// }
    /// assert_eq!(VAR.get(), 42);
    /// # }
    /// ```
    ///
    /// # Python
    /// `with var.set(value):` of Python 3.14.
    #[track_caller]
    pub fn set_scoped(&'static self, value: T) -> SetGuard<T> {
        SetGuard::new(self.set(value))
    }

    /// Restores the state that the variable had before the `set` that returned `token`.
    ///
    /// Costs what [`set`](Self::set) does, less the allocation for the value.
    ///
    /// # Errors
    /// [`ResetError`], which contains the token, if the token is of another variable or was made in another context.
    /// Nothing is changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var]
    /// static VAR: &'static str;
    ///
    /// # fn main() {
    /// let token = VAR.set("new value");
    /// VAR.reset(token).unwrap();
    /// assert!(!VAR.is_set());
    /// # }
    /// ```
    ///
    /// # Python
    /// `var.reset(token)`.
    #[inline]
    pub fn reset(&'static self, token: Token<T>) -> Result<(), ResetError<T>> {
        token.reset(self)
    }
}

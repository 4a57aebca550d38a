//! log: context variables as the key-values of every record.
//!
//! [`ContextLog`] wraps the program's logger and adds the variables that are declared with `log` to every record. No
//! call to `info!` changes.
//!
//! # Examples
//!
//! ```
//! use contextvars::log::ContextLog;
//! use contextvars::{context_var, with_context};
//!
//! #[context_var(log)]
//! static REQUEST_ID: u64;
//!
//! # #[derive(Clone, Default)]
//! # struct Output(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
//! # impl Output {
//! #     fn text(&self) -> String { String::from_utf8(self.0.lock().unwrap().clone()).unwrap() }
//! # }
//! # impl std::io::Write for Output {
//! #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(bytes) }
//! #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let output = Output::default();
//! // With `env_logger`'s feature `kv`.
//! let mut builder = env_logger::Builder::new();
//! builder.filter_level(log::LevelFilter::Info).format_timestamp(None).format_target(false);
//! # builder.target(env_logger::Target::Pipe(Box::new(output.clone())));
//! let inner = builder.build();
//! log::set_max_level(inner.filter());
//! log::set_boxed_logger(Box::new(ContextLog::new(inner)))?;
//!
//! with_context!(REQUEST_ID = 7, { log::info!("accepted") });
//! log::info!("waiting");
//! assert_eq!(output.text(), "[INFO ] accepted REQUEST_ID=7\n[INFO ] waiting\n");
//! # Ok(())
//! # }
//! ```

use log::kv::{self, Key, Source, VisitSource};
use log::{Level, Log, Metadata, Record};

use crate::context::copy_context;
use crate::logged::{self, Field, Fields, Logged, Shown};
use crate::variable::Variable;

/// A logger that adds the context's variables to the key-values of each record, for another logger to write.
///
/// Added are the variables declared with `log`, or those given to [`only`](Self::only), that are set in the context in
/// which the record is logged. They follow the record's own key-values. Numbers and Booleans keep their type; other
/// values are passed as their `Display`. Redacted values are not shown.
///
/// No key occurs twice: a variable is left out if the record has a key-value of its name; of variables that share a
/// name, only the first declared one that is set is added (of those given to `only`, the first in the list). Before the
/// first record from which a variable is left out for another one, a warning with the target `contextvars` is logged
/// for each shared name, once per process (for each list given to `only`, once).
///
/// The other logger must show key-values: with `env_logger`, that is the feature `kv`. It also decides how a value with
/// spaces or line feeds is written.
///
/// O(n) in the variables that are set, for each record that the other logger has enabled.
///
/// # Examples
///
/// ```
/// use std::sync::Mutex;
///
/// use contextvars::log::ContextLog;
/// use contextvars::{context_var, with_context};
/// use log::{Log, Metadata, Record};
///
/// #[context_var(log)]
/// static REQUEST_ID: u64;
/// #[context_var]
/// static TENANT: &'static str;
///
/// /// Keeps messages and key-values.
/// #[derive(Default)]
/// struct Lines(Mutex<Vec<String>>);
///
/// impl Log for Lines {
///     fn enabled(&self, _: &Metadata<'_>) -> bool {
///         true
///     }
///     fn log(&self, record: &Record<'_>) {
///         let (id, tenant) = ("REQUEST_ID".into(), "TENANT".into());
///         let pairs = record.key_values();
///         self.0.lock().unwrap().push(format!("{} {:?} {:?}", record.args(), pairs.get(id), pairs.get(tenant)));
///     }
///     fn flush(&self) {}
/// }
///
/// # fn main() {
/// let inner = Lines::default();
/// let (declared, listed) = (ContextLog::new(&inner), ContextLog::new(&inner).only([TENANT.variable()]));
/// with_context!(REQUEST_ID = 7, TENANT = "acme", {
///     declared.log(&Record::builder().args(format_args!("accepted")).build());
///     listed.log(&Record::builder().args(format_args!("accepted")).build());
/// });
/// assert_eq!(*inner.0.lock().unwrap(), ["accepted Some(7) None", "accepted None Some(acme)"]);
/// # }
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "MDC")]
pub struct ContextLog<L> {
    inner: L,
    logged: Logged,
}

impl<L: Log> ContextLog<L> {
    /// Returns a logger that passes each record to `inner`, with the variables declared with `log`.
    #[must_use]
    pub fn new(inner: L) -> Self {
        Self { inner, logged: Logged::Declared }
    }

    /// Adds these variables, in this order, instead of those declared with `log`.
    #[must_use]
    pub fn only(mut self, variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        self.logged = Logged::listed(variables);
        self
    }

    /// Logs, once, which variables share a name.
    fn warn(&self, variables: &Fields<'_>) {
        for warning in self.logged.warnings(variables) {
            let metadata = Metadata::builder().level(Level::Warn).target("contextvars").build();
            if self.inner.enabled(&metadata) {
                self.inner.log(&Record::builder().metadata(metadata).args(format_args!("{warning}")).build());
            }
        }
    }
}

impl<L: Log> Log for ContextLog<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.inner.enabled(record.metadata()) {
            return;
        }
        let context = copy_context();
        let mut variables = self.logged.fields(&context);
        self.warn(&variables);
        let own = record.key_values();
        variables.leave_out(|name| own.get(Key::from_str(name)).is_some());
        if variables.is_empty() {
            return self.inner.log(record);
        }
        let all = WithVariables { own, variables: &variables };
        logged::writing(|| self.inner.log(&record.to_builder().key_values(&all).build()));
    }

    fn flush(&self) {
        self.inner.flush();
    }
}

/// A record's own key-values, followed by the variables whose names differ from those.
struct WithVariables<'a> {
    own: &'a dyn Source,
    variables: &'a Fields<'a>,
}

impl Source for WithVariables<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        self.own.visit(visitor)?;
        self.variables.iter().try_for_each(|field| visitor.visit_pair(Key::from_str(field.name), value(field)))
    }

    fn get(&self, key: Key<'_>) -> Option<kv::Value<'_>> {
        let own = self.own.get(key.clone());
        own.or_else(|| self.variables.iter().find(|field| field.name == key.as_str()).map(value))
    }

    fn count(&self) -> usize {
        self.own.count() + self.variables.iter().count()
    }
}

fn value<'a>(field: &'a Field<'_>) -> kv::Value<'a> {
    match field.shown() {
        Shown::Bool(it) => kv::Value::from(it),
        Shown::Signed(it) => kv::Value::from(it),
        Shown::Unsigned(it) => kv::Value::from(it),
        Shown::LargeSigned(it) => i64::try_from(it).map_or_else(|_| kv::Value::from(it), kv::Value::from),
        Shown::LargeUnsigned(it) => u64::try_from(it).map_or_else(|_| kv::Value::from(it), kv::Value::from),
        Shown::Float(it) => kv::Value::from(it),
        Shown::Str(_) | Shown::Text(_) => kv::Value::from_display(field.displayed()),
    }
}

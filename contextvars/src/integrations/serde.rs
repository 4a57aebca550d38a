//! serde: contexts and declarations as data.

use serde_core::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::context::{Context, ValueRef};
use crate::variable::Variable;

/// A map of the variables' names to their values, in the order of [`iter`](Context::iter).
///
/// A value whose type has no `Serialize` is left out; a redacted one is there as the string `<redacted>`. Where several
/// variables of the context share a name, each is under its path: `my_crate::module::NAME`. To find out which do, each
/// name is compared with each other.
///
/// # Examples
///
/// ```
/// # use contextvars::{Context, context_var};
/// #[context_var]
/// static REQUEST_ID: u64;
/// #[context_var(redact)]
/// static PASSWORD: String;
///
/// # fn main() {
/// let ctx = Context::new().with(&REQUEST_ID, 7).with(&PASSWORD, "hunter2".to_owned());
/// assert_eq!(serde_json::to_string(&ctx).unwrap(), r#"{"REQUEST_ID":7,"PASSWORD":"<redacted>"}"#);
/// # }
/// ```
///
/// # Errors
/// What the serializer returns, or the `Serialize` of a value.
///
/// # Python
/// Has no counterpart: a context cannot be pickled.
impl Serialize for Context {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries: Vec<_> = self.iter().filter_map(|(var, value)| Some((var, Shown::of(value)?))).collect();
        let is_shared = |name: &str| entries.iter().filter(|(var, _)| var.name() == name).nth(1).is_some();
        let mut map = serializer.serialize_map(Some(entries.len()))?;
        for (variable, value) in &entries {
            if is_shared(variable.name()) {
                map.serialize_entry(&variable.to_string(), value)?;
            } else {
                map.serialize_entry(variable.name(), value)?;
            }
        }
        map.end()
    }
}

/// What may be seen of a value.
enum Shown<'a> {
    Redacted,
    Value(&'a dyn erased_serde::Serialize),
}

impl<'a> Shown<'a> {
    /// `None`: nothing, since the value's type has no `Serialize`.
    fn of(value: ValueRef<'a>) -> Option<Self> {
        if value.is_redacted() {
            return Some(Self::Redacted);
        }
        value.serializable().map(Self::Value)
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Redacted => serializer.serialize_str(ValueRef::REDACTED),
            Self::Value(value) => erased_serde::serialize(*value, serializer),
        }
    }
}

/// Everything that is known of the declaration, under the names of the methods.
///
/// # Examples
///
/// ```
/// # use contextvars::context_var;
/// /// The request at hand.
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # fn main() {
/// let variable = serde_json::to_value(REQUEST_ID.variable()).unwrap();
/// assert_eq!(variable["name"], "REQUEST_ID");
/// assert_eq!(variable["docs"], "The request at hand.");
/// assert_eq!(variable["has_default"], true);
/// # }
/// ```
///
/// # Errors
/// What the serializer returns.
impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut output = serializer.serialize_struct("Variable", 12)?;
        output.serialize_field("name", self.name())?;
        output.serialize_field("module_path", self.module_path())?;
        output.serialize_field("file", self.file())?;
        output.serialize_field("line", &self.line())?;
        output.serialize_field("column", &self.column())?;
        output.serialize_field("docs", &self.docs())?;
        output.serialize_field("type_name", self.type_name())?;
        output.serialize_field("has_default", &self.has_default())?;
        output.serialize_field("inherits", &self.inherits())?;
        output.serialize_field("is_redacted", &self.is_redacted())?;
        output.serialize_field("log_key", &self.log_key())?;
        output.serialize_field("baggage_key", &self.baggage_key())?;
        output.end()
    }
}

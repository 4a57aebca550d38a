//! serde: contexts and declarations as data.

use serde_core::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::context::{Context, ValueRef};
use crate::variable::{Fact, Variable};

/// A map of the variables' names to their values, in the order of [`iter`](Context::iter).
///
/// A value whose type has no `Serialize` is left out; a redacted one is written as the string `<redacted>`. If several
/// variables of the context share a name, each has its path as the key: `my_crate::module::NAME`. Costs O(n²)
/// comparisons of names to find those.
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
/// The error of the serializer, or of the `Serialize` of a value.
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

/// The part of a value that may be shown.
enum Shown<'a> {
    Redacted,
    Value(&'a dyn erased_serde::Serialize),
}

impl<'a> Shown<'a> {
    /// Returns `None` if the value's type has no `Serialize`.
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

/// All facts of the declaration, under the names of the methods.
///
/// # Examples
///
/// ```
/// # use contextvars::context_var;
/// /// The current request.
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # fn main() {
/// let variable = serde_json::to_value(REQUEST_ID.variable()).unwrap();
/// assert_eq!(variable["name"], "REQUEST_ID");
/// assert_eq!(variable["docs"], "The current request.");
/// assert_eq!(variable["has_default"], true);
/// # }
/// ```
///
/// # Errors
/// The error of the serializer.
impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let facts = self.facts();
        let mut output = serializer.serialize_struct("Variable", facts.len())?;
        for (name, fact) in &facts {
            match fact {
                Fact::Text(text) => output.serialize_field(name, text)?,
                Fact::PerhapsText(text) => output.serialize_field(name, text)?,
                Fact::Number(number) => output.serialize_field(name, number)?,
                Fact::Truth(truth) => output.serialize_field(name, truth)?,
            }
        }
        output.end()
    }
}

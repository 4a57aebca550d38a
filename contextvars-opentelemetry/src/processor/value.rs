//! A variable's value as that of an attribute.

use std::borrow::Cow;
use std::sync::Arc;

use contextvars::{ValueRef, Variable};
use opentelemetry::logs::AnyValue;
use opentelemetry::{StringValue, Value};

/// The value as an attribute of a span; of a redacted variable, the text `<redacted>`.
pub(super) fn on_span(variable: &Variable, value: ValueRef<'_>) -> Value {
    if !variable.is_redacted() {
        macro_rules! as_it_is {
            ($($ty:ty)+ => $form:expr) => {
                $(if let Some(it) = value.downcast_ref::<$ty>() {
                    return $form(it.clone().into());
                })+
            };
        }
        macro_rules! if_it_fits {
            ($($ty:ty)+) => {
                $(if let Some(Ok(it)) = value.downcast_ref::<$ty>().map(|&it| i64::try_from(it)) {
                    return Value::I64(it);
                })+
            };
        }
        // The usual types first, since each costs a question.
        as_it_is!(String &'static str Arc<str> => Value::String);
        if_it_fits!(u64 u32 i64 i32 usize isize);
        as_it_is!(bool => Value::Bool);
        as_it_is!(f64 f32 => Value::F64);
        if_it_fits!(u16 u8 i16 i8 u128 i128);
        as_it_is!(Cow<'static, str> => Value::String);
    }
    Value::String(value.to_string().into())
}

/// The same on a log record.
pub(super) fn on_record(variable: &Variable, value: ValueRef<'_>) -> AnyValue {
    match on_span(variable, value) {
        Value::Bool(it) => it.into(),
        Value::I64(it) => it.into(),
        Value::F64(it) => it.into(),
        other => StringValue::from(other).into(),
    }
}

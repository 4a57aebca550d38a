//! The context in a job's payload: what is saved where a job is enqueued, and what becomes of it where it is run.

use contextvars::baggage::Baggage;
use contextvars::{Context, ContextVar, variables};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::warn;

use crate::{Result, USER};

/// What of the baggage goes to jobs.
const TO_JOBS: [&str; 3] = ["request-id", "tenant", "shard"];

/// The payload: what older versions had besides is ignored, what they did not have is empty.
#[derive(Serialize, Deserialize)]
struct Payload {
    order: u64,
    /// Variables that go over HTTP as well, as a header has them.
    #[serde(default)]
    context: Value,
    /// A variable that goes to jobs alone: a member of its own, by whatever serde makes of its type.
    #[serde(default)]
    user: Value,
}

/// The payload of a job that is about an order, with what is to go along from the current context.
pub(crate) fn payload(order: u64) -> Result<String> {
    let (baggage, skipped) = Baggage::current();
    for it in skipped {
        warn!("{it}");
    }
    let members = baggage.iter().filter(|member| TO_JOBS.contains(&member.key()));
    let context = members.map(|member| member.to_string()).collect::<Vec<_>>().join(",");
    Ok(serde_json::to_string(&Payload {
        order,
        context: context.into(),
        user: serde_json::to_value(USER.try_get().ok())?,
    })?)
}

/// The order that a job is about, and the context that it is to run in. What cannot be restored is logged; the job's own
/// part is another matter, without it there is no job.
pub(crate) fn restored(payload: &str) -> Result<(u64, Context)> {
    let payload: Payload = serde_json::from_str(payload)?;
    let (baggage, malformed) = Baggage::parse(payload.context.as_str());
    let unknown = baggage.iter().filter(|it| variables().all(|variable| variable.baggage_key() != Some(it.key())));
    let unknown: Vec<_> = unknown.map(|member| member.key().to_owned()).collect();
    let (context, wrong) = baggage.apply(Context::new());
    let mut context = with_member(context, &USER, payload.user);
    // In the context that there is: the lines say whose job it is.
    context.run(|| {
        if !(payload.context.is_string() || payload.context.is_null()) {
            warn!("the saved context was left out: it is no text");
        }
        for it in malformed.iter().chain(&wrong) {
            warn!("{it}");
        }
        for key in unknown {
            warn!("nothing here has the key {key:?}; it is passed on");
        }
    });
    Ok((payload.order, context))
}

/// The context with a variable from a member of its own, if there is one and it is one of the variable's type.
fn with_member<T>(mut context: Context, var: &'static ContextVar<T>, member: Value) -> Context
where
    T: DeserializeOwned + Send + Sync + 'static,
{
    match serde_json::from_value::<Option<T>>(member) {
        Ok(Some(value)) => context.with(var, value),
        Ok(None) => context,
        Err(error) => {
            context.run(|| warn!("`{}` was left out: {error}", var.variable().name()));
            context
        }
    }
}

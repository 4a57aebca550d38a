//! What is left to do when a request has its answer: in the context of that request, after a restart, too.

use std::collections::BTreeMap;
use std::time::Duration;

use contextvars::deadline::{DEADLINE, Deadline, run_until_deadline};
use contextvars::{Context, ContextExt, headers, tokio};
use tracing::{error, info, instrument, warn};

use crate::ATTEMPT;
use crate::error::{Result, warn_of};
use crate::service::Shop;

/// The variables that travel, as they would in headers.
pub(crate) fn saved_context() -> String {
    let mut saved = BTreeMap::new();
    headers::inject(&mut saved).iter().for_each(warn_of);
    serde_json::json!(saved).to_string()
}

fn restored_context(saved: &str) -> Context {
    let saved: BTreeMap<String, String> = serde_json::from_str(saved).unwrap_or_else(|error| {
        warn!("a job runs without its context, which is {saved:?}: {error}");
        BTreeMap::new()
    });
    let (mut context, skipped) = headers::extract(&saved, Context::new());
    context.run(|| skipped.iter().for_each(warn_of));
    context
}

#[instrument(skip(shop), fields(request, tenant))]
async fn ship(shop: Shop, order: i64) -> Result {
    DEADLINE.set(Deadline::within(Duration::from_secs(60)));
    info!("order {order} is being packed");
    let answer = run_until_deadline(shop.ask(&format!("/ship/{order}"))).await??;
    shop.database.done(order).await?;
    info!("order {order} is shipped: {answer}");
    Ok(())
}

/// Runs the jobs, one after the other. One that was begun when the process ended is begun again: the warehouse has to
/// know which orders it has shipped.
pub(crate) async fn work(shop: &Shop) -> Result {
    loop {
        while let Some((order, context, attempt)) = shop.database.begin().await? {
            let context = restored_context(&context).with(&ATTEMPT, attempt);
            // A task of its own: a panic ends this job only.
            let job = tokio::spawn(ship(shop.clone(), order).in_context(context));
            if let Err(error) = job.await.unwrap_or_else(|panic| Err(panic.into())) {
                // The context has ended; the error has the variables.
                error!("order {order} is not shipped until the next start: {error}");
            }
        }
        shop.database.placed.notified().await;
    }
}

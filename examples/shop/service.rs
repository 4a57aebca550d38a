//! What a request does. No function takes a request id, a tenant or a time that is left.

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Router, routing::post};
use contextvars::deadline::{self, DEADLINE, Deadline, run_until_deadline};
use contextvars::headers::{self, HeadersLayer, Settings};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{info, instrument};
use uuid::Uuid;

use crate::database::Database;
use crate::error::{Result, warn_of};
use crate::{REQUEST_ID, TENANT};

#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) database: Database,
    pub(crate) client: reqwest::Client,
    pub(crate) warehouse: String,
}

impl Shop {
    /// Asks the warehouse, which is told whose request it is and how much time is left.
    #[instrument(skip(self), fields(request, tenant))]
    pub(crate) async fn ask(&self, path: &str) -> Result<String> {
        let (mut headers, skipped) = headers::current(&Settings::new());
        skipped.iter().for_each(warn_of);
        deadline::inject(&mut headers);
        let response = self.client.post(format!("{}{path}", self.warehouse)).headers(headers).send().await?;
        Ok(response.error_for_status()?.text().await?)
    }
}

#[instrument(skip(shop), fields(request, tenant))]
async fn place(State(shop): State<Shop>, Path(lamps): Path<u32>) -> Result<String> {
    let tenant = TENANT.try_get()?;
    // The bug: an order of no lamps panics.
    let postage = 900 / lamps;
    let answer = shop.ask(&format!("/reserve/{lamps}")).await?;
    let order = shop.database.place(lamps).await?;
    info!("order {order} is placed: {answer}");
    Ok(format!("order {order} of {tenant}: {answer}, postage {postage} cents each\n"))
}

/// Gives a request up when its client no longer waits, or after 30 seconds.
async fn within_deadline(request: Request, next: Next) -> Result<Response> {
    DEADLINE.set(deadline::extract(request.headers())?.unwrap_or_else(|| Deadline::within(Duration::from_secs(30))));
    Ok(run_until_deadline(next.run(request)).await?)
}

pub(crate) fn routes(shop: Shop) -> Router {
    // Dependencies may have variables with headers, too, but clients set only these.
    let settings = Settings::new().only([REQUEST_ID.variable(), TENANT.variable()]).most_bytes(64);
    let headers = HeadersLayer::of(settings)
        .generate(&REQUEST_ID, Uuid::new_v4)
        .echo([REQUEST_ID.variable()])
        .on_skipped(warn_of);
    Router::new()
        .route("/orders/{lamps}", post(place))
        .with_state(shop)
        .layer(middleware::from_fn(within_deadline))
        .layer(CatchPanicLayer::new())
        // The last layer is the outermost: all of the above runs in the request's context.
        .layer(headers)
}

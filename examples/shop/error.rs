//! Errors that say whose request failed, wherever they end up.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use contextvars::deadline::{DeadlineExceeded, GrpcTimeoutError};
use contextvars::headers::Skipped;
use contextvars::{Context, LookupError, copy_context, tokio};
use thiserror::Error;
use tracing::{error, warn};

pub(crate) type Result<T = (), E = Failed> = std::result::Result<T, E>;

/// Why a request or a job failed, and whose it is.
#[derive(Debug, Error)]
#[error("{reason} ({whose})")]
pub(crate) struct Failed {
    reason: Reason,
    whose: Context,
}

#[derive(Debug, Error)]
pub(crate) enum Reason {
    #[error(transparent)]
    Late(#[from] DeadlineExceeded),
    #[error(transparent)]
    Timeout(#[from] GrpcTimeoutError),
    #[error("the header x-tenant is missing")]
    NoTenant(#[from] LookupError),
    #[error("the warehouse: {0}")]
    Warehouse(#[from] reqwest::Error),
    #[error("the database: {0}")]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Panic(#[from] tokio::task::JoinError),
}

/// `?` takes along the variables that may be shown.
impl<E: Into<Reason>> From<E> for Failed {
    fn from(reason: E) -> Self {
        let mut whose = copy_context();
        whose.retain(|variable, _| variable.is_logged());
        Self { reason: reason.into(), whose }
    }
}

/// The client is told the status only.
impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        // In the request's context: the line has the variables.
        error!("the request failed: {}", self.reason);
        let status = match self.reason {
            Reason::Late(_) => StatusCode::GATEWAY_TIMEOUT,
            Reason::Timeout(_) | Reason::NoTenant(_) => StatusCode::BAD_REQUEST,
            Reason::Warehouse(_) => StatusCode::BAD_GATEWAY,
            Reason::Database(_) | Reason::Panic(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        status.into_response()
    }
}

/// What is left out of headers fails no request.
pub(crate) fn warn_of(skipped: &Skipped) {
    warn!("{skipped}");
}

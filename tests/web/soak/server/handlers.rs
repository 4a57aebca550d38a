//! What handlers do before they answer with the number of their request.

use std::convert::Infallible;
use std::future;
use std::panic::{self, AssertUnwindSafe};

use axum::extract::FromRequestParts;
use contextvars::rayon::prelude::*;
use contextvars::{rayon, tokio, with_context};
use http::HeaderMap;
use http::request::Parts;
use tokio::sync::oneshot;
use tokio::task::{self, JoinSet};

use super::POOL;
use crate::values::{PAGE, REQUEST, check, check_child, expect};

/// The number of the request, as the client wrote it: what the variables are held against.
#[derive(Clone, Copy)]
pub(crate) struct Id(pub(crate) u64);

pub(crate) fn id_of(headers: &HeaderMap) -> u64 {
    let id = headers.get("x-request").expect("every request has a number");
    id.to_str().expect("it is ASCII").parse().expect("it is a number")
}

impl<S: Sync> FromRequestParts<S> for Id {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let id = id_of(&parts.headers);
        check(id, "an extractor");
        Ok(Self(id))
    }
}

/// Panics without the hook that reports it: it would alarm the reader of the output.
pub(crate) fn fail() -> ! {
    panic::resume_unwind(Box::new("on purpose"))
}

/// Checks at its end whose end it is.
pub(crate) struct AtEnd(pub(crate) u64, pub(crate) &'static str);

impl Drop for AtEnd {
    fn drop(&mut self) {
        check(self.0, self.1);
    }
}

pub(crate) async fn plain(Id(id): Id) -> String {
    expect(PAGE.get(), 0, "a new request");
    for page in 1..=3 {
        PAGE.set(id + page);
        task::yield_now().await;
        check(id, "a handler");
        expect(PAGE.get(), id + page, "a handler");
    }
    REQUEST.get().to_string()
}

pub(crate) async fn scopes(Id(id): Id) -> String {
    let branch = |page: u64| {
        with_context!(PAGE = id + page, async move {
            let _end = AtEnd(id, "the end of a scope");
            for _ in 0..page {
                task::yield_now().await;
                check(id, "a scope");
                expect(PAGE.get(), id + page, "a scope");
            }
        })
    };
    tokio::join!(branch(1), branch(2));
    // The longer one is dropped in the middle.
    tokio::select! {
        () = branch(100) => expect("is done first", "is cancelled", "the longer scope"),
        () = branch(2) => {}
    }
    let (guard, token) = (PAGE.set_scoped(id), REQUEST.set(0));
    expect((PAGE.get(), REQUEST.get()), (id, 0), "what was set for a while");
    drop(guard);
    expect(REQUEST.reset(token).is_ok(), true, "a token");
    expect(PAGE.get(), 0, "after the scopes");
    check(id, "after the scopes");
    REQUEST.get().to_string()
}

pub(crate) async fn tasks(Id(id): Id) -> String {
    PAGE.set(id);
    let mut tasks = JoinSet::new();
    for page in 0..3 {
        tasks.spawn(async move {
            check_child(id, "a task");
            expect(PAGE.get(), id, "a task");
            PAGE.set(id + page);
            task::yield_now().await;
            expect(PAGE.get(), id + page, "a task");
            if page == 2 {
                fail();
            }
            let nested = tokio::spawn(async move {
                check_child(id, "a task's task");
                PAGE.get()
            });
            nested.await.expect("it does not panic")
        });
    }
    let (mut pages, mut panics) = (0, 0);
    while let Some(page) = tasks.join_next().await {
        page.map_or_else(|_| panics += 1, |page| pages += page - id);
    }
    expect((pages, panics, PAGE.get()), (1, 1, id), "what tasks set");
    check(id, "after the tasks");
    REQUEST.get().to_string()
}

pub(crate) async fn blocking(Id(id): Id) -> String {
    PAGE.set(id);
    let child = task::spawn_blocking(move || {
        check_child(id, "a blocking function");
        PAGE.set(0);
        if id % 3 == 0 {
            fail();
        }
    });
    expect(child.await.is_err(), id % 3 == 0, "a blocking function's panic");
    expect(PAGE.get(), id, "what a blocking function set");
    // A step of the handler: what it sets is the handler's.
    let step = move || {
        check(id, "a blocking step");
        PAGE.set(PAGE.get() + 1);
    };
    task::run_blocking(step).await;
    expect(PAGE.get(), id + 1, "what a blocking step set");
    check(id, "after blocking work");
    REQUEST.get().to_string()
}

pub(crate) async fn jobs(Id(id): Id) -> String {
    PAGE.set(id);
    let (answer, answered) = oneshot::channel();
    POOL.spawn(move || {
        check_child(id, "a job");
        let half = move |page: u64| {
            check_child(id, "a half");
            PAGE.set(id + page);
            PAGE.get() - id
        };
        let (left, right) = rayon::join(|| half(1), || half(2));
        let parts = (0..8_u64).into_par_iter().inherit_context().map(|part| {
            check_child(id, "a part");
            part * u64::from(PAGE.get() == id)
        });
        let sum: u64 = parts.sum();
        let failed = panic::catch_unwind(AssertUnwindSafe(|| rayon::join(|| half(1), || fail())));
        expect((left, right, sum, failed.is_err(), PAGE.get()), (1, 2, 28, true, id), "what jobs set");
        // The handler may have gone.
        let _ = answer.send(REQUEST.get());
    });
    let seen = answered.await.expect("the job answers");
    expect(PAGE.get(), id, "after the jobs");
    check(id, "after the jobs");
    seen.to_string()
}

pub(crate) async fn panic(Id(id): Id) -> String {
    let _end = AtEnd(id, "the end of a handler that panics");
    PAGE.set(id);
    let scope = with_context!(PAGE = 0, async move {
        let _end = AtEnd(id, "the end of a scope that panics");
        task::yield_now().await;
        if id % 2 == 0 {
            fail();
        }
    });
    scope.await;
    fail()
}

pub(crate) async fn never(Id(id): Id) -> String {
    let _end = AtEnd(id, "the end of a handler whose client has left");
    PAGE.set(id);
    future::pending().await
}

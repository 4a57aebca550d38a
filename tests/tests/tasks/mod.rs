//! Asynchronous code: futures in contexts, asynchronous scopes, tasks without a context, and deadlines.

mod async_scopes;
mod deadlines;
mod detached;
mod ended_futures;
mod futures;
mod isolated_tests;
mod plain_tasks;

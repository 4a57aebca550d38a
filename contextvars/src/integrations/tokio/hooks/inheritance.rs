//! [`Inheritance`]: which tasks inherit, and which other hooks run.

use std::fmt;
use std::panic::Location;

use ::tokio::runtime::TaskMeta;

use super::module::{Module, SourceFile};

/// Which tasks inherit, which begin in an empty context, and which cannot set variables; for
/// [`inherit_contexts_by`](super::InheritContexts::inherit_contexts_by).
///
/// # Examples
///
/// ```
/// use contextvars::tokio::{InheritContexts, Inheritance};
/// use contextvars::{context_var, with_context};
///
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// fn seen_by_a_task(inheritance: Inheritance) -> std::io::Result<u64> {
///     let runtime = tokio::runtime::Builder::new_current_thread().inherit_contexts_by(inheritance).build()?;
///     let handle = with_context!(REQUEST_ID = 7, async { tokio::spawn(async { REQUEST_ID.get() }).await });
///     Ok(runtime.block_on(handle).unwrap())
/// }
///
/// # fn main() -> std::io::Result<()> {
/// // The pool's own tasks outlive the request that starts them.
/// assert_eq!(seen_by_a_task(Inheritance::new().except("sqlx_core::pool"))?, 7);
/// assert_eq!(seen_by_a_task(Inheritance::new().except_where(|place| place.file() == file!()))?, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Other hooks
/// A runtime has one hook of each kind, and installing another replaces it. So this type has methods named like the
/// hooks of tokio's `Builder`; a hook set with them runs in addition to those that carry contexts. If a hook was
/// replaced nevertheless, the first task that is polled panics with a message that names it.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use contextvars::tokio::{InheritContexts, Inheritance};
/// use contextvars::{context_var, with_context};
///
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # fn main() -> std::io::Result<()> {
/// let steps = Arc::new(Mutex::new(Vec::new()));
/// let noting = |step: &'static str| {
///     let steps = Arc::clone(&steps);
///     move |_: &tokio::runtime::TaskMeta<'_>| steps.lock().unwrap().push((step, REQUEST_ID.get()))
/// };
/// let inheritance = Inheritance::of_all()
///     .on_task_spawn(noting("spawn"))
///     .on_before_task_poll(noting("before"))
///     .on_after_task_poll(noting("after"))
///     .on_task_terminate(noting("end"));
/// let runtime = tokio::runtime::Builder::new_current_thread().inherit_contexts_by(inheritance).build()?;
/// runtime.block_on(with_context!(REQUEST_ID = 7, async { tokio::spawn(async {}).await })).unwrap();
/// assert_eq!(*steps.lock().unwrap(), [("spawn", 7), ("before", 7), ("end", 7), ("after", 7)]);
/// # Ok(())
/// # }
/// ```
pub struct Inheritance {
    excepted: Vec<Excepted>,
    servers: Vec<Module>,
    pub(super) spawn: Option<Hook>,
    pub(super) before_poll: Option<Hook>,
    pub(super) after_poll: Option<Hook>,
    pub(super) terminate: Option<Hook>,
}

/// What a task gets from its spawner.
pub(super) enum Kind {
    /// A context of its own, with the spawner's values.
    Child,
    /// The spawner's values only: the task serves one request after the other, and a value that one of them set would
    /// be there for the next.
    Server,
    /// No values, and it cannot set any either.
    Excepted,
}

/// The modules of servers that spawn a task for each connection.
const SERVERS: &[&str] = &[
    "axum::serve",
    "axum_server::server",
    "lambda_runtime::runtime",
    "poem::server",
    "salvo_core::server",
    "tonic::transport::server",
    "viz::server",
    "volo_http::server",
    "warp::server",
];

/// The modules whose tasks outlive the work that starts them and serve other work. A callback of the user that a pool
/// calls for one piece of work, such as `after_release` of sqlx, must not be spawned in one of them.
const SPARED: &[&str] = &[
    "bb8",
    "bb8_postgres",
    "deadpool_postgres",
    "diesel_async::pg",
    "hyper_util",
    "mongodb",
    "redis::aio",
    "redis::entra_id",
    "sqlx_core::pool::inner",
    "tower::buffer",
];

/// A hook of the user.
pub(super) type Hook = Box<dyn Fn(&TaskMeta<'_>) + Send + Sync>;

enum Excepted {
    In(Module),
    Where(Box<dyn Fn(&'static Location<'static>) -> bool + Send + Sync>),
}

impl Inheritance {
    /// Makes all tasks inherit except those of connections and pools, which outlive the work that starts them: those
    /// that are spawned in
    ///
    /// - `hyper_util`: connections of its client, of reqwest's and of tonic's `Channel`, and its worker; but also
    ///   the streams of an HTTP/2 server, unless it is given a `ContextExecutor`;
    /// - `tower::buffer`: the worker of a `Buffer`;
    /// - `bb8`, `bb8_postgres`: the opening and the reaping of connections, and those of PostgreSQL;
    /// - `deadpool_postgres`, `diesel_async::pg`: connections of PostgreSQL. Other pools of deadpool spawn no tasks,
    ///   or only those of `redis`;
    /// - `sqlx_core::pool::inner`: the maintenance of a pool. The task that returns a connection to the pool inherits,
    ///   and with it the pool's `after_release`;
    /// - `redis::aio`, `redis::entra_id`: connections, reconnecting ones and those of a cluster, and the renewal of
    ///   credentials;
    /// - `mongodb`: its client's workers and their upkeep.
    ///
    /// lapin is not in the list: it spawns through the crate `async_rs`, which other code may use, too. Write
    /// `.except("async_rs")`, or connect within `Context::new().run(..)` or `.in_context(Context::new())`; the same
    /// works for any other crate that is not in the list. If spans are carried, do so in
    /// [`carry::suppressed`](crate::carry::suppressed), too.
    #[must_use]
    pub fn new() -> Self {
        SPARED.iter().fold(Self::of_all(), |inheritance, module| inheritance.except(module))
    }

    /// Makes all tasks inherit, without the list of connections and pools; that of [servers](Self::server) stays.
    #[must_use]
    pub fn of_all() -> Self {
        let servers = SERVERS.iter().map(|module| Module::new(module)).collect();
        Self { excepted: Vec::new(), servers, spawn: None, before_poll: None, after_poll: None, terminate: None }
    }

    /// Makes tasks that are spawned in this module begin in an empty context, in which a `set` is refused: they serve
    /// many requests, and one would read what another has set.
    ///
    /// The module is a crate, as in `"hyper_util"`, or one within it, as in `"tower::buffer"`. It is recognised by the
    /// path of the file that contains the spawn, in every place where Cargo keeps crates: its registry, a git checkout,
    /// a `vendor` folder. The place of a spawn is the innermost call in a function that is not `#[track_caller]`.
    #[must_use]
    pub fn except(mut self, module: &str) -> Self {
        self.excepted.push(Excepted::In(Module::new(module)));
        self
    }

    /// Makes tasks begin in an empty context, in which a `set` is refused, if the function returns `true` for the place
    /// where they are spawned.
    #[must_use]
    pub fn except_where(
        mut self,
        is_excepted: impl Fn(&'static Location<'static>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.excepted.push(Excepted::Where(Box::new(is_excepted)));
        self
    }

    /// Makes tasks that are spawned in this module inherit, but refuse each `set`: those of a server's connections, which
    /// serve one request after the other, so that a request would read what the one before has set.
    ///
    /// A handler sets variables in a context of its request, which a layer or `with_context!` makes. The module is named
    /// as for [`except`](Self::except). Known are `axum::serve`, `axum_server::server`, `lambda_runtime::runtime`,
    /// `poem::server`, `salvo_core::server`, `tonic::transport::server`, `viz::server`, `volo_http::server` and
    /// `warp::server`.
    #[must_use]
    pub fn server(mut self, module: &str) -> Self {
        self.servers.push(Module::new(module));
        self
    }

    /// Calls `hook` when a task is spawned, in the context of the spawner.
    #[must_use]
    pub fn on_task_spawn(mut self, hook: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> Self {
        self.spawn = Some(Box::new(hook));
        self
    }

    /// Calls `hook` before a task is polled, in the context of the task.
    #[must_use]
    pub fn on_before_task_poll(mut self, hook: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> Self {
        self.before_poll = Some(Box::new(hook));
        self
    }

    /// Calls `hook` after a task was polled, in the context of the task.
    #[must_use]
    pub fn on_after_task_poll(mut self, hook: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> Self {
        self.after_poll = Some(Box::new(hook));
        self
    }

    /// Calls `hook` when a task has ended: in its context, unless the runtime is shutting down.
    #[must_use]
    pub fn on_task_terminate(mut self, hook: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> Self {
        self.terminate = Some(Box::new(hook));
        self
    }

    /// What a task that is spawned at this place gets.
    pub(super) fn at(&self, place: &'static Location<'static>) -> Kind {
        let file = SourceFile::new(place.file());
        let is_in = |module: &Module| file.as_ref().is_some_and(|file| module.holds(file));
        let is_excepted = self.excepted.iter().any(|excepted| match excepted {
            Excepted::In(module) => is_in(module),
            Excepted::Where(is_excepted) => is_excepted(place),
        });
        if is_excepted {
            Kind::Excepted
        } else if self.servers.iter().any(is_in) {
            Kind::Server
        } else {
            Kind::Child
        }
    }
}

impl Default for Inheritance {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Inheritance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let excepted = self.excepted.iter().map(|excepted| match excepted {
            Excepted::In(module) => module as &dyn fmt::Debug,
            Excepted::Where(_) => &"a function",
        });
        f.write_str("Inheritance of all but ")?;
        f.debug_list().entries(excepted).finish()?;
        f.write_str(", without sets in ")?;
        f.debug_list().entries(&self.servers).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Module, SERVERS, SPARED, SourceFile};

    fn is_in(list: &[&str], path: &str) -> bool {
        let path = format!("/registry/src/index-0123456789abcdef/{path}");
        let file = SourceFile::new(&path).expect("it has a `src`");
        list.iter().any(|module| Module::new(module).holds(&file))
    }

    fn is_spared(path: &str) -> bool {
        is_in(SPARED, path)
    }

    /// The places of `spawn` for connections in the sources of servers.
    #[test]
    fn the_connections_of_servers_are_known_and_the_tasks_of_single_requests_are_not_among_them() {
        for connections in [
            "axum-0.8.9/src/serve/mod.rs",
            "axum-server-0.9.2/src/server.rs",
            "lambda_runtime-1.5.0/src/runtime.rs",
            "poem-3.1.12/src/server.rs",
            "salvo_core-1.1.0/src/server.rs",
            "tonic-0.14.9/src/transport/server/mod.rs",
            "viz-0.11.0/src/server.rs",
            "volo-http-0.5.7/src/server/mod.rs",
            "warp-0.4.3/src/server.rs",
        ] {
            assert!(is_in(SERVERS, connections), "{connections}");
        }
        // Of one websocket, and of one request each.
        for one in ["axum-0.8.9/src/extract/ws.rs", "rocket-0.5.2/src/server.rs", "warp-0.4.3/src/filters/ws.rs"] {
            assert!(!is_in(SERVERS, one), "{one}");
        }
    }

    /// The places of `spawn` in the sources of the crates, without their tests.
    #[test]
    fn what_connections_and_pools_spawn_is_spared_and_nothing_else_of_those_crates() {
        for spawns_what_goes_on in [
            "bb8-0.9.1/src/inner.rs",
            "bb8-postgres-0.9.0/src/lib.rs",
            "deadpool-postgres-0.14.1/src/lib.rs",
            "diesel-async-0.7.4/src/pg/mod.rs",
            "hyper-util-0.1.21/src/rt/tokio.rs",
            "mongodb-3.4.1/src/cmap/worker.rs",
            "redis-1.2.2/src/aio/tokio.rs",
            "redis-1.2.2/src/entra_id.rs",
            "sqlx-core-0.8.6/src/pool/inner.rs",
            "tower-0.5.3/src/buffer/service.rs",
        ] {
            assert!(is_spared(spawns_what_goes_on), "{spawns_what_goes_on}");
        }
        for spawns_work in [
            // Returns a connection, and calls the user's `after_release`.
            "sqlx-core-0.8.6/src/pool/connection.rs",
            "sqlx-postgres-0.8.6/src/listener.rs",
            // Serves the connections of a server.
            "tonic-0.14.5/src/transport/server/mod.rs",
            "axum-0.8.9/src/serve/mod.rs",
        ] {
            assert!(!is_spared(spawns_work), "{spawns_work}");
        }
    }
}

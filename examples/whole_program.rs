//! Every `tokio::spawn` of the program inherits, in whatever crate it stands, with one call on the runtime's builder.
//!
//! This needs tokio's unstable task hooks: `RUSTFLAGS="--cfg tokio_unstable" cargo run --example whole_program`.

#[cfg(tokio_unstable)]
mod program {
    //! What needs the hooks.

    use std::io;

    use contextvars::tokio::{InheritContexts, Inheritance};
    use contextvars::{context_var, with_context};
    use tokio::runtime::Builder;

    #[context_var(default = 0)]
    static REQUEST_ID: u64;

    fn log(message: &str) {
        println!("[request {}] {message}", REQUEST_ID.get());
    }

    mod other_crate {
        //! Knows nothing of context variables.

        pub(super) async fn in_background(work: impl Future<Output = ()> + Send + 'static) {
            // It can only be a panic, which has been printed.
            let _ = tokio::spawn(work).await;
        }
    }

    mod pool {
        //! Its tasks outlive requests, so they should not keep a request's values.

        pub(super) const FILE_AND_LINE: (&str, u32) = (file!(), line!() + 4);

        pub(super) async fn keep_alive(work: impl Future<Output = ()> + Send + 'static) {
            // It can only be a panic, which has been printed.
            let _ = tokio::spawn(work).await;
        }
    }

    async fn handle() {
        other_crate::in_background(async { log("in a task that another crate spawned") }).await;
        pool::keep_alive(async { log("in a pool's task") }).await;
    }

    pub(crate) fn main() -> io::Result<()> {
        // A crate would be named: `.except("sqlx_core::pool")`. Those of hyper-util and tower are known.
        let inheritance = Inheritance::new().except_where(|place| (place.file(), place.line()) == pool::FILE_AND_LINE);
        let runtime = Builder::new_multi_thread().enable_all().inherit_contexts_by(inheritance).build()?;
        runtime.block_on(with_context!(REQUEST_ID = 7, async { handle().await }));
        Ok(())
    }
}

#[cfg(tokio_unstable)]
use program::main;

#[cfg(not(tokio_unstable))]
fn main() {
    println!("run this with RUSTFLAGS=\"--cfg tokio_unstable\"");
}

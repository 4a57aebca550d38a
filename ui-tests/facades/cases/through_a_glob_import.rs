// `tokio` comes through the glob, and is a crate, too: import it by its name beside the glob.

use contextvars::{context_var, tokio};

#[context_var(default = 0)]
static REQUEST_ID: u64;

async fn handle() -> u64 {
    tokio::spawn(async { REQUEST_ID.get() }).await.unwrap()
}

mod tests {
    use super::*;

    #[tokio::main(flavor = "current_thread")]
    pub async fn main() {
        assert_eq!(handle().await, 0);
    }
}

fn main() {
    tests::main();
}

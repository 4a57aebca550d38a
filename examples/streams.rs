//! Streams, each polled in a context of its own: two listings that take turns and never mix up their tenants.
//!
//! Run it with `cargo run --example streams`.

use contextvars::{Context, ContextExt, context_var, tokio};
use futures::stream::{self, Stream, StreamExt};

#[context_var(default = "nobody")]
static TENANT: &'static str;

#[context_var(default = 0)]
static PAGE: u32;

async fn fetch_page() -> String {
    PAGE.set(PAGE.get() + 1);
    tokio::task::yield_now().await;
    format!("{}: page {}", TENANT.get(), PAGE.get())
}

/// Two pages; which tenant's, and which two, the context says.
fn pages() -> impl Stream<Item = String> {
    stream::repeat_with(fetch_page).then(|page| page).take(2)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let ada = pages().in_context(Context::new().with(&TENANT, "ada"));
    let grace = pages().in_context(Context::new().with(&TENANT, "grace"));
    let mut both = std::pin::pin!(stream::select(ada, grace));
    while let Some(line) = both.next().await {
        println!("{line}");
    }
    println!("outside: {}, page {}", TENANT.get(), PAGE.get());
}

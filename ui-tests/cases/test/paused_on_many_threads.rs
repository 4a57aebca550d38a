// A paused clock that many threads would share.

#[contextvars::test(flavor = "multi_thread", start_paused = true)]
async fn runs() {}

fn main() {}

//! Prints what each kind of work sees of a request.

use std::pin::pin;

use contextvars::with_context;
use store::{REQUEST_ID, seen};
use tokio::sync::oneshot;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    tokio::task_local! {
        static UNRELATED: u32;
    }
    let (sender, receiver) = oneshot::channel();
    let request = with_context!(REQUEST_ID = 7, async {
        sender.send(tokio::spawn(async { REQUEST_ID.get() }).await.unwrap()).unwrap();
        seen().await
    });
    let mut request = pin!(UNRELATED.scope(1, request));
    let (all, ()) = tokio::join!(&mut request, async { tokio::task::yield_now().await });
    let first = tokio::select! {
        id = receiver => id.unwrap(),
        () = std::future::pending() => unreachable!("it is never ready"),
    };
    println!("in the app: {first}");
    for (kind, id) in all {
        println!("{kind}: {id}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_is_the_tests_and_the_task_is_the_requests() {
        let later = with_context!(REQUEST_ID = 7, {
            tokio::spawn(async {
                tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
                REQUEST_ID.get()
            })
        });
        assert_eq!(later.await.unwrap(), 7);
    }
}

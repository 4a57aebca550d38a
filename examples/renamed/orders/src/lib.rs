//! Orders and what they cost: tasks, blocking functions and jobs of ordinary code, each of which knows its request.

pub mod audit;
pub mod prices;

use contextvars::context_var;
use tokio::task::JoinSet;

/// The request at hand; 0 outside of any.
#[context_var(default = 0)]
pub static REQUEST_ID: u64;

/// Prints a line, and returns it.
pub fn log(message: &str) -> String {
    let line = format!("[{}] {message}", REQUEST_ID.get());
    println!("{line}");
    line
}

/// What these goods cost together.
///
/// # Panics
/// If a lookup does.
pub async fn total(goods: Vec<String>) -> u32 {
    let mut lookups: JoinSet<u32> = goods.into_iter().map(prices::look_up).collect();
    lookups.spawn_blocking(|| {
        log("postage weighed");
        3
    });
    lookups.join_all().await.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contextvars::with_context;

    #[tokio::test]
    async fn a_total_has_the_postage() {
        assert_eq!(total(vec!["tea".into(), "jam".into()]).await, 9);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn branches_and_tasks_know_their_request() {
        let request = |id| with_context!(REQUEST_ID = id, async { tokio::spawn(async { log("asked") }).await });
        let (one, two) = tokio::join!(request(1), request(2));
        assert_eq!((one.unwrap(), two.unwrap()), ("[1] asked".to_owned(), "[2] asked".to_owned()));
        let first = tokio::select! {
            biased;
            line = request(3) => line.unwrap(),
            () = std::future::pending() => unreachable!("it is never ready"),
        };
        assert_eq!(first, "[3] asked");
    }
}

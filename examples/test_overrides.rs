//! A clock and a configuration that tests replace, each test for itself, while they all run at the same time.
//!
//! Run it with `cargo run --example test_overrides`, and its tests with `cargo test --example test_overrides`. The code
//! is written as if there were one clock and one configuration: it asks for neither in its arguments, and has no line
//! in it for the sake of the tests. What a test sets holds in that test and in the tasks and threads that it starts.

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contextvars::{context_var, tokio};

/// What tells the time.
#[context_var(default = Clock::of_system())]
static CLOCK: Clock;

/// The settings, from the environment unless a test knows better.
#[context_var(default = Config::from_env())]
static CONFIG: Config;

/// Something that tells the time since the epoch.
#[derive(Clone)]
struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    fn of_system() -> Self {
        Self(Arc::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
    }

    fn now(&self) -> Duration {
        (self.0)()
    }
}

#[derive(Clone)]
struct Config {
    session_lifetime: Duration,
    greeting: String,
}

impl Config {
    fn from_env() -> Self {
        let seconds = env::var("SESSION_LIFETIME").ok().and_then(|value| value.parse().ok()).unwrap_or(3600);
        let greeting = env::var("GREETING").unwrap_or_else(|_| "hello".to_owned());
        Self { session_lifetime: Duration::from_secs(seconds), greeting }
    }
}

/// Who is signed in, and until when.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<String, Duration>>>);

impl Sessions {
    fn open(&self, user: &str) -> String {
        let until = CLOCK.with(Clock::now) + CONFIG.with(|config| config.session_lifetime);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(user.to_owned(), until);
        CONFIG.with(|config| format!("{} {user}", config.greeting))
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Ends the sessions whose time is over, in a task of its own, and tells how many there were.
    async fn sweep(&self) -> usize {
        let sessions = Arc::clone(&self.0);
        let task = tokio::spawn(async move {
            let now = CLOCK.with(Clock::now);
            let mut sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
            let before = sessions.len();
            sessions.retain(|_, until| *until > now);
            before - sessions.len()
        });
        task.await.unwrap_or(0)
    }
}

#[tokio::main]
async fn main() {
    let sessions = Sessions::default();
    println!("{}", sessions.open("ada"));
    println!("{} ended, {} open", sessions.sweep().await, sessions.count());
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, Ordering};

    use contextvars::{thread, with_context};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// The hands of a clock that stands still until a test moves it.
    #[derive(Clone, Default)]
    struct Hands(Arc<AtomicU64>);

    impl Hands {
        fn advance(&self, by: Duration) {
            self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
        }
    }

    /// Puts such a clock in the place of the system's, for this test.
    fn stop_the_clock() -> Hands {
        let hands = Hands::default();
        let seen = hands.clone();
        CLOCK.set(Clock(Arc::new(move || Duration::from_secs(seen.0.load(Ordering::SeqCst)))));
        hands
    }

    fn lifetime(session_lifetime: Duration) -> Config {
        Config { session_lifetime, greeting: "hi".to_owned() }
    }

    #[contextvars::test]
    async fn a_session_ends_when_its_time_is_over_and_no_sooner() {
        let clock = stop_the_clock();
        CONFIG.set(lifetime(10 * MINUTE));
        let sessions = Sessions::default();
        sessions.open("ada");
        clock.advance(9 * MINUTE);
        sessions.open("grace");
        assert_eq!(sessions.sweep().await, 0);
        clock.advance(MINUTE);
        // The sweep is a spawned task: it goes by this test's clock.
        assert_eq!((sessions.sweep().await, sessions.count()), (1, 1));
    }

    #[contextvars::test]
    fn the_greeting_is_configured() {
        let german = Config { greeting: "guten Tag".to_owned(), ..CONFIG.get() };
        assert_eq!(with_context!(CONFIG = german, { Sessions::default().open("ada") }), "guten Tag ada");
        assert_ne!(Sessions::default().open("ada"), "guten Tag ada", "the scope is over");
    }

    #[contextvars::test(flavor = "multi_thread", worker_threads = 2)]
    async fn threads_and_blocking_work_go_by_the_tests_clock() {
        stop_the_clock().advance(MINUTE);
        let blocking = tokio::task::spawn_blocking(|| CLOCK.with(Clock::now)).await;
        assert_eq!(blocking.expect("the closure ends"), MINUTE);
        let on_thread = thread::spawn(|| CLOCK.with(Clock::now)).join();
        assert_eq!(on_thread.expect("the thread ends"), MINUTE);
    }

    #[contextvars::test]
    fn tests_at_the_same_time_do_not_see_each_others_overrides() {
        const TESTS: u32 = 8;
        let all_have_set_theirs = Barrier::new(TESTS as usize);
        // Each of these threads stands for one that the test harness runs a test on.
        std::thread::scope(|scope| {
            for number in 1..=TESTS {
                let all_have_set_theirs = &all_have_set_theirs;
                scope.spawn(move || {
                    let clock = stop_the_clock();
                    CONFIG.set(lifetime(number * MINUTE));
                    let sessions = Sessions::default();
                    sessions.open("ada");
                    all_have_set_theirs.wait();
                    clock.advance(number * MINUTE);
                    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
                    assert_eq!(runtime.block_on(sessions.sweep()), 1);
                    assert_eq!(CONFIG.get().session_lifetime, number * MINUTE);
                });
            }
        });
    }

    #[contextvars::test]
    fn a_test_that_overrides_nothing_has_the_systems_clock() {
        assert!(!CLOCK.is_set());
        assert!(CLOCK.with(Clock::now) > 365 * 24 * 60 * MINUTE, "it is later than 1971");
    }
}

//! Every example runs and prints what it promises.

mod support;

use support::example;

fn output_of(name: &str) -> String {
    let output = example(name).output().expect("the example starts");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("examples print UTF-8")
}

#[test]
fn default_value_shows_the_default_until_a_set() {
    assert_eq!(output_of("default_value"), "VAR = 42\nVAR = 43\n");
}

#[test]
fn set_and_reset_leaves_the_variable_unset() {
    let output = output_of("set_and_reset");
    assert!(output.starts_with("set: new value\nreset: no value for context variable `VAR`"), "{output}");
}

#[test]
fn list_context_shows_every_variable_but_no_password() {
    assert_eq!(
        output_of("list_context"),
        "USER = \"ada\"\nPORT = 8081\nPASSWORD = <redacted>\n{USER: \"ada\", PORT: 8081, PASSWORD: <redacted>}\n"
    );
}

#[test]
fn run_in_context_contains_the_change() {
    assert_eq!(
        output_of("run_in_context"),
        "inside, before: spam\ninside, after: ham\nin the context: ham\noutside: spam\n"
    );
}

#[test]
fn quickstart_carries_the_request_id_into_tasks_and_threads() {
    let output = output_of("quickstart");
    for request in [7, 8] {
        for message in ["handler started", "audit written by a spawned task", "password hashed on a thread"] {
            let line = format!("[request {request}] {message}\n");
            assert_eq!(output.matches(&line).count(), 1, "{line:?} in {output}");
        }
    }
    assert!(output.ends_with("[request 0] outside of any request\n"), "{output}");
}

#[test]
fn callbacks_know_whose_they_are_whatever_calls_them() {
    assert_eq!(
        output_of("callbacks"),
        "SQL: acme\njobs: [1, 2]\nsum: 42\npanic: \"no stock\" in request 9 of the service\n"
    );
}

#[test]
fn threads_know_their_request_and_borrow_its_orders() {
    assert_eq!(
        output_of("threads"),
        "[request 7] priced 3 orders\n[request 7] on a thread named auditor: total 60\n[request 0] done\n"
    );
}

#[test]
fn streams_keep_their_tenant_and_their_page() {
    let output = output_of("streams");
    let mut lines: Vec<_> = output.lines().collect();
    // The two streams take turns, in whatever order.
    lines[..4].sort_unstable();
    assert_eq!(lines, ["ada: page 1", "ada: page 2", "grace: page 1", "grace: page 2", "outside: nobody, page 0"]);
}

#[test]
fn rayon_context_prices_each_tenants_work_with_that_tenants_price() {
    assert_eq!(
        output_of("rayon_context"),
        "ada: 1001000 cents in all, the dearest item 2000\n\
         grace: 1501500 cents in all, the dearest item 3000\n\
         katherine: 2502500 cents in all, the dearest item 5000\n"
    );
}

#[test]
fn blocking_steps_leave_their_mark_on_the_request_and_children_do_not() {
    assert_eq!(
        output_of("blocking_steps"),
        "[request 7] audited 2 rows so far\n[request 7] 2 rows read, 0 rows audited\n"
    );
}

#[test]
fn background_work_inherits_where_it_is_the_requests_and_keeps_nothing_of_it_where_it_is_not() {
    assert_eq!(
        output_of("background_work"),
        "[request 7] the price is 42 cents\n\
         [request 7] audited\n\
         [request 0] prices refreshed\n\
         [request 0] uploads in memory: 0\n"
    );
}

#[test]
fn whole_program_inherits_where_tokio_has_hooks_and_says_how_to_have_them() {
    let output = output_of("whole_program");
    let inherits = "[request 7] in a task that another crate spawned\n[request 0] in a pool's task\n";
    if cfg!(tokio_unstable) {
        assert_eq!(output, inherits);
    } else {
        assert_eq!(output, "run this with RUSTFLAGS=\"--cfg tokio_unstable\"\n");
    }
}

#[test]
fn metrics_labels_say_whose_each_count_is_and_not_which_requests() {
    assert_eq!(
        output_of("metrics_labels"),
        "prices{plan=\"free\",region=\"eu\"} 2\n\
         prices{plan=\"pro\",region=\"eu\"} 4\n\
         requests{plan=\"free\",region=\"eu\"} 1\n\
         requests{plan=\"pro\",region=\"eu\"} 2\n\
         requests{} 1\n\
         writes{plan=\"free\",region=\"eu\",table=\"orders\"} 1\n\
         writes{plan=\"pro\",region=\"eu\",table=\"orders\"} 2\n"
    );
}

#[test]
fn test_overrides_runs_as_a_program_too() {
    assert_eq!(output_of("test_overrides"), "hello ada\n0 ended, 1 open\n");
}

#[test]
fn messages_carry_the_request_in_the_headers_of_each_broker() {
    assert_eq!(
        output_of("messages"),
        "Kafka: request 7 of Röd & Co\nNATS: request 7 of Röd & Co\nAMQP: request 7 of Röd & Co\n"
    );
}

#[test]
fn sentry_hubs_put_the_tags_of_a_request_on_its_own_events_and_no_others() {
    assert_eq!(
        output_of("sentry_hubs"),
        "301 events\n\
         audited {\"part\": \"audit\", \"request\": \"7\"}\n\
         stored {\"request\": \"7\"}\n\
         answered {\"request\": \"7\"}\n"
    );
}

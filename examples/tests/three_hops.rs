//! Three processes, two requests: what each of them logs.

mod support;

use support::example;

#[test]
fn every_process_logs_whose_request_it_is_and_one_request_in_detail() {
    let output = example("three_hops").output().expect("the example starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout).expect("logs are UTF-8");
    let number_of = |tenant: &str| {
        let answer = output.lines().find(|line| line.contains(&format!(" of {tenant}: goods reserved")));
        let answer = answer.unwrap_or_else(|| panic!("an answer for {tenant} in {output}"));
        answer.strip_prefix("client  | request ").and_then(|rest| rest.split(' ').next()).expect("a number").to_owned()
    };
    let mut expected = Vec::new();
    for (tenant, in_detail) in [("acme", false), ("globex", true)] {
        let number = number_of(tenant);
        expected.push(format!("client  | request {number} of {tenant}: goods reserved (x-request-id: {number})"));
        let variables = format!("request={number} tenant={tenant}");
        expected.push(format!("gateway |  INFO an order came in {variables} card=<redacted>"));
        expected.push(format!("orders  |  INFO an order is written down {variables}"));
        expected.push(format!("stock   |  INFO the goods are reserved {variables}"));
        if in_detail {
            expected.push(format!("gateway | DEBUG the card is charged {variables} card=<redacted>"));
            expected.push(format!("orders  | DEBUG asking for the goods, in a task of their own {variables}"));
            expected.push(format!("stock   | DEBUG shelf 7 is empty now {variables}"));
        }
    }
    // Besides these, the HTTP client of a request that is seen in detail has something to say.
    let lines: Vec<_> = output.lines().map(with_fields_in_order).collect();
    for line in expected.iter().map(|line| with_fields_in_order(line)) {
        assert_eq!(lines.iter().filter(|it| **it == line).count(), 1, "{line:?} in {output}");
    }
    for line in output.lines().filter(|line| !line.starts_with("client ")) {
        let globex = format!("request={} tenant=globex", number_of("globex"));
        assert!(line.contains(" INFO ") || with_fields_in_order(line).ends_with(&globex), "{line:?} in {output}");
    }
    assert!(!output.contains("4111-1111"), "{output}");
}

/// The line with its variables sorted: they stand in the order in which a process first set them.
fn with_fields_in_order(line: &str) -> String {
    let (mut fields, words): (Vec<_>, Vec<_>) = line.split(' ').partition(|word| word.contains('='));
    fields.sort_unstable();
    [words, fields].concat().join(" ")
}

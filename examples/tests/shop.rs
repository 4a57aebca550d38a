//! The shop, run as a program, with a warehouse that answers when the test says so.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::future::pending;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::{env, iter, process};

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use contextvars::{deadline, tokio};
use rusqlite::Connection;
use support::example;
use support::server::Server;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use uuid::Uuid;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("contextvars-shop-{name}-{}", process::id()));
        fs::create_dir(&path).expect("the folder for temporary files can be written");
        Self(path)
    }

    fn database(&self) -> PathBuf {
        self.0.join("database")
    }

    fn errors(&self) -> PathBuf {
        self.0.join("errors")
    }

    /// Starts the service with what is in this folder.
    fn start(&self, warehouse: Option<&str>) -> Server {
        let errors = File::options().create(true).append(true).open(self.errors()).expect("a file for its errors");
        let mut command = example("shop");
        command.arg("127.0.0.1:0").arg(self.database()).args(warehouse);
        command.env("NO_COLOR", "1").env("NO_PROXY", "127.0.0.1").env("RUST_BACKTRACE", "0").stderr(errors);
        Server::run(&mut command)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A call that has arrived at the warehouse, and waits for its answer.
struct Call {
    /// What is to be done, and of how many lamps or for which order.
    what: String,
    number: u32,
    /// Who asks, and in how many hours at most.
    who: String,
    /// If it is dropped, there never is an answer.
    answer: oneshot::Sender<StatusCode>,
}

async fn called(
    State(calls): State<mpsc::UnboundedSender<Call>>,
    UrlPath((what, number)): UrlPath<(String, u32)>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    let text = |name: &str| headers.get(name).map_or("nothing", |value| value.to_str().expect("it is a text"));
    let deadline = deadline::extract(&headers).expect("it is well-formed");
    let hours = deadline.map_or(0, |deadline| deadline.remaining().as_secs().div_ceil(3600));
    let who = format!("{} {} {hours}h", text("x-request-id"), text("x-tenant"));
    let (answer, answered) = oneshot::channel();
    // Without a test that waits for calls, there is no answer.
    let _ = calls.send(Call { what, number, who: who.clone(), answer });
    match answered.await {
        Ok(status) => (status, who),
        Err(_) => pending().await,
    }
}

/// Starts a warehouse, and returns its URL, and the calls that it gets.
async fn warehouse() -> (String, mpsc::UnboundedReceiver<Call>) {
    let (sender, calls) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let routes = Router::new().route("/{what}/{number}", post(called)).with_state(sender);
    tokio::spawn(async { axum::serve(listener, routes).await });
    (url, calls)
}

fn id(number: u32) -> Uuid {
    Uuid::from_u128(number.into())
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("it has nothing that could fail")
}

/// Places an order, and returns the status, the id, and the text of the answer.
async fn order(server: String, number: u32, lamps: u32, timeout: String) -> (StatusCode, String, String) {
    let request = client()
        .post(format!("{server}/orders/{lamps}"))
        .header("x-request-id", id(number).to_string())
        .header("x-tenant", format!("tenant-{number}"))
        .header("grpc-timeout", timeout);
    let response = request.send().await.expect("it answers");
    let status = response.status();
    let echoed = response.headers()["x-request-id"].to_str().expect("it is a text").to_owned();
    (status, echoed, response.text().await.expect("it has a text"))
}

/// How a request ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Placed,
    /// The warehouse does not answer.
    Late,
    Panics,
}

impl End {
    fn of(number: u32) -> Self {
        match number % 10 {
            3 => Self::Late,
            7 => Self::Panics,
            _ => Self::Placed,
        }
    }
}

const REQUESTS: u32 = 300;

fn numbers(end: End) -> impl Iterator<Item = u32> {
    (1..=REQUESTS).filter(move |number| End::of(*number) == end)
}

/// What the warehouse says of a request that allows as many hours as its number.
fn who(number: u32) -> String {
    format!("{} tenant-{number} {number}h", id(number))
}

/// Answers no order before all have arrived that are to be placed, and no late one at all. Returns who shipped what.
async fn answer_all_at_once(mut calls: mpsc::UnboundedReceiver<Call>) -> BTreeMap<u32, String> {
    let (mut waiting, mut shipped) = (Vec::new(), BTreeMap::new());
    while shipped.len() < numbers(End::Placed).count() {
        let call = calls.recv().await.expect("the warehouse is open");
        if call.what == "ship" {
            call.answer.send(StatusCode::OK).expect("the shop waits");
            assert_eq!(shipped.insert(call.number, call.who), None, "each order is shipped once");
        } else if End::of(call.number) == End::Placed {
            waiting.push(call.answer);
            if waiting.len() == numbers(End::Placed).count() {
                waiting.drain(..).for_each(|answer| answer.send(StatusCode::OK).expect("the shop waits"));
            }
        }
    }
    shipped
}

/// Sends all requests at the same time. Returns the numbers of the orders that were placed, by those of the requests.
async fn send_all(server: String) -> BTreeMap<u32, u32> {
    let mut requests = JoinSet::new();
    for number in 1..=REQUESTS {
        let (lamps, timeout) = match End::of(number) {
            End::Placed => (number, format!("{number}H")),
            End::Late => (number, format!("{number}m")),
            End::Panics => (0, format!("{number}H")),
        };
        let request = order(server.clone(), number, lamps, timeout);
        requests.spawn(async move { (number, request.await) });
    }
    let mut orders = BTreeMap::new();
    while let Some(answered) = requests.join_next().await {
        let (number, (status, echoed, text)) = answered.expect("it answers");
        assert_eq!(echoed, id(number).to_string(), "the answer to request {number}");
        let (expected, text_is_right) = match End::of(number) {
            End::Placed => {
                let order = text.split(' ').nth(1).and_then(|order| order.parse().ok()).expect("the order's number");
                assert_eq!(orders.insert(number, order), None);
                let postage = 900 / number;
                let who = who(number);
                let expected = format!("order {order} of tenant-{number}: {who}, postage {postage} cents each\n");
                (StatusCode::OK, text == expected)
            }
            End::Late => (StatusCode::GATEWAY_TIMEOUT, text.is_empty()),
            End::Panics => (StatusCode::INTERNAL_SERVER_ERROR, text == "Service panicked"),
        };
        assert!(status == expected && text_is_right, "the answer to request {number}: {status} {text:?}");
    }
    orders
}

/// The database says of each order whose it is, and so does the context that its job was given.
fn check_rows(file: &Path, orders: &BTreeMap<u32, u32>) {
    let connection = Connection::open(file).expect("the database can be read");
    let query = "SELECT lamps, id, request, tenant, context, attempts, state FROM orders";
    let mut statement = connection.prepare(query).expect("there is a table");
    let rows = statement.query_map((), |row| row.try_into()).expect("the query is right");
    let mut rows: Vec<(u32, u32, String, String, String, u32, String)> =
        rows.collect::<Result<_, _>>().expect("the columns have these types");
    rows.sort_unstable();
    let expected: Vec<_> = orders
        .iter()
        .map(|(&number, &order)| {
            let (request, tenant) = (id(number).to_string(), format!("tenant-{number}"));
            let context = format!(r#"{{"x-request-id":"{request}","x-tenant":"{tenant}"}}"#);
            (number, order, request, tenant, context, 1, "shipped".to_owned())
        })
        .collect();
    assert_eq!(rows, expected);
}

/// The number of the request whose variables a line has, and the rest of it, without times. It has those of one.
fn read(line: &str) -> (u32, String) {
    let found = line.match_indices("request=").map(|(at, name)| &line[at + name.len()..]);
    let requests: BTreeSet<_> = found.filter_map(|rest| rest.split([' ', '}']).next()).collect();
    assert_eq!(requests.len(), 1, "{line}");
    let request = requests.into_iter().next().and_then(|it| it.parse::<Uuid>().ok());
    let number = request.and_then(|it| it.as_u128().try_into().ok()).unwrap_or_else(|| panic!("a request in {line}"));
    let (_, rest) = line.split_once(' ').expect("a time");
    let rest = rest.split_once(" time.busy=").map_or(rest, |(rest, _)| rest).trim_start();
    let rest = rest.replace(&format!(" request={}", id(number)), "");
    // A `String` is quoted in spans.
    let rest =
        rest.replace(&format!(" tenant=\"tenant-{number}\""), "").replace(&format!(" tenant=tenant-{number}"), "");
    assert!(!rest.contains("request=") && !rest.contains("tenant="), "{line}");
    (number, rest)
}

/// What is logged about each request, and which of the lines may be missing: those about spans of one that was late.
fn expected_lines(orders: &BTreeMap<u32, u32>) -> [BTreeSet<(u32, String)>; 2] {
    let (mut always, mut maybe) = (BTreeSet::new(), BTreeSet::new());
    for number in numbers(End::Placed) {
        let order = orders[&number];
        let (who, place, ship) = (who(number), format!("place{{lamps={number}}}"), format!("ship{{order={order}}}"));
        always.extend(
            [
                format!("INFO {place}:ask{{path=\"/reserve/{number}\"}}: shop::service: close"),
                format!("INFO {place}:insert{{lamps={number}}}: shop::database: close"),
                format!("INFO shop::service: order {order} is placed: {who}"),
                format!("INFO {place}: shop::service: close"),
                format!("INFO shop::jobs: order {order} is being packed attempt=1"),
                format!("INFO {ship}:ask{{path=\"/ship/{order}\"}}: shop::service: close"),
                format!("INFO shop::jobs: order {order} is shipped: {} tenant-{number} 1h attempt=1", id(number)),
                format!("INFO {ship}: shop::jobs: close"),
            ]
            .map(|line| (number, line)),
        );
    }
    for number in numbers(End::Late) {
        let error = format!("the deadline of {number}ms that was set at service.rs has passed");
        always.insert((number, format!("ERROR shop::error: the request failed: {error}")));
        let place = format!("INFO place{{lamps={number}}}");
        maybe.insert((number, format!("{place}: shop::service: close")));
        maybe.insert((number, format!("{place}:ask{{path=\"/reserve/{number}\"}}: shop::service: close")));
    }
    for number in numbers(End::Panics) {
        let error = "ERROR tower_http::catch_panic: Service panicked: attempt to divide by zero";
        always.insert((number, error.to_owned()));
        always.insert((number, "INFO place{lamps=0}: shop::service: close".to_owned()));
    }
    [always, maybe]
}

/// The text, with the file only of a place that was set at a line and column.
fn without_line(text: &str) -> String {
    let Some((before, rest)) = text.split_once(" set at ") else { return text.to_owned() };
    let (place, after) = rest.split_once(' ').expect("there is more text");
    assert!(place.contains("service.rs:"), "{text}");
    format!("{before} set at service.rs {after}")
}

/// Each request that panics has its own variables in the panic's report.
fn check_panics(errors: &str) {
    let reports = errors.lines().filter_map(|line| line.strip_prefix("context variables of the panic: "));
    let sorted = |report: &str| report.split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
    let expected = numbers(End::Panics)
        .map(|number| BTreeSet::from([format!("REQUEST_ID={}", id(number)), format!("TENANT=tenant-{number}")]));
    assert_eq!(reports.map(sorted).collect::<BTreeSet<_>>(), expected.collect(), "{errors}");
}

#[test]
fn hundreds_of_requests_at_once_have_their_own_values_in_answers_calls_rows_jobs_lines_spans_and_panics() {
    // Each request is a connection to the service and one to the warehouse. The service inherits the limit.
    rlimit::increase_nofile_limit(4096).expect("the limit can be raised");
    let folder = Folder::new("requests");
    let runtime = Runtime::new().expect("a runtime");
    let (url, calls) = runtime.block_on(warehouse());
    let shop = folder.start(Some(&url));
    let shipped = runtime.spawn(answer_all_at_once(calls));
    let orders = runtime.block_on(send_all(shop.url()));
    let shipped = runtime.block_on(shipped).expect("the warehouse does not panic");
    // A job has a minute.
    let shippers = orders.iter().map(|(&number, &order)| (order, format!("{} tenant-{number} 1h", id(number))));
    assert_eq!(shipped, shippers.collect());

    let [mut always, maybe] = expected_lines(&orders);
    while !always.is_empty() {
        let line = shop.line();
        let (number, text) = read(&line);
        let found = (number, without_line(&text));
        assert!(always.remove(&found) || maybe.contains(&found), "{line}");
    }
    for line in shop.kill() {
        assert!(maybe.contains(&read(&line)), "{line}");
    }
    check_rows(&folder.database(), &orders);
    check_panics(&fs::read_to_string(folder.errors()).expect("the errors can be read"));
}

/// Places an order of each of these requests, one after the other, and returns the call to ship the first.
async fn place(server: &Server, numbers: &[u32], calls: &mut mpsc::UnboundedReceiver<Call>) -> Call {
    let mut begun = None;
    for &number in numbers {
        let mut placing = pin!(order(server.url(), number, number, format!("{number}H")));
        loop {
            tokio::select! {
                (status, ..) = &mut placing => {
                    assert_eq!(status, StatusCode::OK);
                    break;
                }
                Some(call) = calls.recv() => match call.what.as_str() {
                    "ship" => begun = Some(call),
                    _ => call.answer.send(StatusCode::OK).expect("the shop waits"),
                },
            }
        }
    }
    if let Some(call) = begun { call } else { calls.recv().await.expect("the warehouse is open") }
}

#[test]
fn a_job_that_a_restart_interrupts_is_done_again_in_the_context_of_its_request() {
    let folder = Folder::new("restart");
    let runtime = Runtime::new().expect("a runtime");
    let (url, mut calls) = runtime.block_on(warehouse());
    let shop = folder.start(Some(&url));
    // The first order is being shipped when the process is killed, the others are to be shipped.
    let begun = runtime.block_on(place(&shop, &[1, 2, 3], &mut calls));
    // A job has a minute.
    let who = |number| format!("{} tenant-{number} 1h", id(number));
    assert_eq!((begun.what.as_str(), begun.number, begun.who), ("ship", 1, who(1)));
    let lines = shop.kill();
    assert!(!lines.iter().any(|line| line.contains("is shipped")), "{lines:?}");

    let shop = folder.start(Some(&url));
    for number in 1..=3 {
        let call = runtime.block_on(calls.recv()).expect("the warehouse is open");
        assert_eq!((call.what.as_str(), call.number, call.who), ("ship", number, who(number)));
        call.answer.send(StatusCode::OK).expect("the shop waits");
    }
    for number in 1..=3 {
        let attempt = if number == 1 { 2 } else { 1 };
        let shipped = format!("INFO shop::jobs: order {number} is shipped: {} attempt={attempt}", who(number));
        while read(&shop.line()) != (number, shipped.clone()) {}
    }
}

#[test]
fn a_job_that_fails_is_reported_with_the_variables_of_its_request_when_its_context_is_gone() {
    let folder = Folder::new("failure");
    let runtime = Runtime::new().expect("a runtime");
    let (url, mut calls) = runtime.block_on(warehouse());
    let shop = folder.start(Some(&url));
    let begun = runtime.block_on(place(&shop, &[5], &mut calls));
    begun.answer.send(StatusCode::SERVICE_UNAVAILABLE).expect("the shop waits");
    let line = iter::repeat_with(|| shop.line()).find(|line| line.contains("ERROR")).expect("there is one");
    assert!(line.contains("ERROR shop::jobs: order 1 is not shipped until the next start: the warehouse: "), "{line}");
    assert!(
        line.contains(&id(5).to_string()) && line.contains("TENANT=tenant-5") && line.contains("ATTEMPT=1"),
        "{line}"
    );
}

#[test]
fn a_request_that_cannot_be_served_is_answered_with_the_status_and_the_log_says_why_and_whose_it_is() {
    let folder = Folder::new("refusals");
    let runtime = Runtime::new().expect("a runtime");
    // Nothing listens there.
    let shop = folder.start(Some("http://127.0.0.1:1"));
    let server = shop.url();
    let no_tenant = runtime.block_on(async {
        let request = client().post(format!("{server}/orders/1")).header("x-request-id", id(1).to_string());
        request.send().await.expect("it answers").status()
    });
    assert_eq!(no_tenant, StatusCode::BAD_REQUEST);
    shop.wait_for_line(&format!("the request failed: the header x-tenant is missing request={}", id(1)));
    let refused = |number, timeout: &str, status, error| {
        let answer = runtime.block_on(order(server.clone(), number, number, timeout.to_owned()));
        assert_eq!(answer, (status, id(number).to_string(), String::new()));
        let line = iter::repeat_with(|| read(&shop.line())).find(|(_, text)| text.starts_with("ERROR"));
        let (whose, text) = line.expect("there is one");
        assert!(whose == number && text.contains(error), "{whose} {text}");
    };
    refused(2, "soon", StatusCode::BAD_REQUEST, "the request failed: the header `grpc-timeout` is \"soon\": ");
    refused(3, "1H", StatusCode::BAD_GATEWAY, "the request failed: the warehouse: ");
}

#[cfg(unix)]
#[test]
fn a_stand_in_ships_where_there_is_no_warehouse_and_ctrl_c_ends_both() {
    let folder = Folder::new("stand-in");
    let mut shop = folder.start(None);
    let placed = order(shop.url(), 7, 3, "1M".to_owned());
    let (status, echoed, text) = Runtime::new().expect("a runtime").block_on(placed);
    assert_eq!((status, echoed), (StatusCode::OK, id(7).to_string()));
    assert_eq!(text, "order 1 of tenant-7: reserved, postage 300 cents each\n");
    for expected in [
        "INFO shop::stand_in: the lamps are reserved",
        "INFO shop::stand_in: the lamps are on their way",
        "INFO shop::jobs: order 1 is shipped: on their way attempt=1",
    ] {
        while read(&shop.line()) != (7, expected.to_owned()) {}
    }
    shop.interrupt();
    assert!(shop.wait().success());
}

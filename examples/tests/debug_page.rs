//! The debug page, fetched over a socket and looked at in a browser.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::example;

/// A running server; killed when dropped.
struct Server {
    process: Child,
    addr: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let mut process =
            example("debug_page").arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().expect("the server starts");
        let output = process.stdout.take().expect("its output is piped");
        let mut first = String::new();
        BufReader::new(output).read_line(&mut first).expect("it prints where it listens");
        let addr = first
            .strip_prefix("listening on ")
            .and_then(|rest| rest.split(';').next())
            .and_then(|addr| addr.parse().ok())
            .unwrap_or_else(|| panic!("an address in {first:?}"));
        Self { process, addr }
    }

    /// The body that is served at `path`, in answer to a request with these headers.
    fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.addr).expect("the server accepts");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{headers}\r\n", self.addr)
            .expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        body.to_owned()
    }

    fn json(&self, path: &str, headers: &str) -> Value {
        serde_json::from_str(&self.get(path, headers)).expect("the body is JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn each_request_sees_its_own_values() {
    let server = Server::start();
    let ada = server.json("/debug/context.json?user=ada", "");
    let grace = server.json("/debug/context.json?user=grace&locale=nl", "");
    assert_eq!(ada["context"], json!({ "REQUEST_ID": 1, "USER": "ada" }));
    assert_eq!(ada["changed"], json!([]));
    assert_eq!(grace["context"], json!({ "REQUEST_ID": 2, "USER": "grace", "LOCALE": "nl" }));
    assert_eq!(grace["changed"], json!(["+ LOCALE: \"nl\""]));
}

#[test]
fn every_variable_of_the_program_is_described() {
    let data = Server::start().json("/debug/context.json", "");
    let variables = data["variables"].as_array().expect("a list");
    let mut names: Vec<_> = variables.iter().map(|variable| variable["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    // The crate's own are in no list, but for the one that its feature `deadline` is about.
    assert_eq!(names, ["CREDENTIALS", "DEADLINE", "LOCALE", "PROGRESS", "REQUEST_ID", "USER"]);
    let credentials = variables.iter().find(|variable| variable["name"] == "CREDENTIALS").expect("it is listed");
    assert_eq!((&credentials["is_redacted"], &credentials["inherits"]), (&json!(true), &json!(false)));
}

#[test]
fn the_page_tells_all_that_is_known_of_a_variable_and_marks_what_the_request_changed() {
    let page = Server::start().get("/debug/context?user=ada&locale=nl", "");
    let row_of = |path: &str| {
        let row = page.split("<tr ").find(|row| row.starts_with(&format!("id=\"{path}\"")));
        // Without what only tells where a line may end.
        row.unwrap_or_else(|| panic!("{path} in {page}")).replace("<wbr>", "")
    };
    let user = row_of("debug_page::USER");
    for part in [
        "debug_page::</span><span class=\"name\">USER<",
        "Who asks, as far as the request says.",
        "alloc::string::String",
        "examples/debug_page/main.rs<span class=\"line\">:33<",
        ">has a default<",
        ">log as USER<",
        ">travels as user<",
    ] {
        assert!(user.contains(part), "{part} in {user}");
    }
    let credentials = row_of("debug_page::CREDENTIALS");
    assert!(credentials.contains(">not inherited<") && credentials.contains(">redacted<"), "{credentials}");
    assert!(row_of("debug_page::LOCALE").contains("class=\"changed\"") && !user.contains("class=\"changed\""));
    let rows: Vec<_> = page.match_indices("<tr id=").collect();
    assert_eq!(rows.len(), 6);
    let own: Vec<_> = page.match_indices("<tr id=\"contextvars::").collect();
    assert!(own.len() == 1 && row_of("contextvars::integrations::deadline::DEADLINE").contains("DEADLINE<"), "{own:?}");
}

#[test]
fn credentials_are_shown_nowhere() {
    let server = Server::start();
    let header = "authorization: Bearer c2VjcmV0\r\n";
    for path in ["/debug/context", "/debug/context.json"] {
        let body = server.get(path, header);
        assert!(body.contains("redacted") && !body.contains("c2VjcmV0"), "{body}");
    }
}

#[test]
fn a_value_cannot_become_part_of_the_page() {
    let page = Server::start().get("/debug/context?user=%3Cscript%3Ealert(1)%3C/script%3E", "");
    assert!(page.contains("&quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;"), "{page}");
    assert!(!page.contains("<script"), "{page}");
}

#[test]
fn a_browser_shows_the_values_in_a_table() {
    let Some(browser) = browser() else {
        // Past what the test harness keeps to itself if a test passes.
        writeln!(std::io::stderr(), "skipped: no Chromium is installed, so no browser looked at the page")
            .expect("there is somewhere to say so");
        return;
    };
    let server = Server::start();
    let profile = std::env::temp_dir().join(format!("debug-page-{}", server.addr.port()));
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"])
        // It is to look at one page, and for nothing else.
        .args(["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("http://{}/debug/context?user=%3Cb%3Eada&locale=nl", server.addr))
        .output()
        .expect("the browser starts");
    // What is left behind is in the folder for such things.
    let _ = std::fs::remove_dir_all(profile);
    let page = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let value_of = |name: &str| {
        let row = page.split(&format!("<tr id=\"debug_page::{name}\"")).nth(1);
        let row = row.unwrap_or_else(|| panic!("{name} in {page}"));
        let value = row.split("<td class=\"value\">").nth(1).and_then(|rest| rest.split("</td>").next());
        value.unwrap_or_else(|| panic!("a value of {name} in {page}")).to_owned()
    };
    assert_eq!(value_of("USER"), "<code>\"&lt;b&gt;ada\"</code>");
    assert_eq!(value_of("LOCALE"), "<code>\"nl\"</code>");
    assert_eq!(value_of("PROGRESS"), "<span class=\"unset\">unset</span>");
    assert!(page.contains("<pre id=\"changes\">+ LOCALE: \"nl\"</pre>"), "{page}");
}

/// The command of a browser that can do without a screen, if there is one.
fn browser() -> Option<&'static str> {
    let starts = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(starts)
}

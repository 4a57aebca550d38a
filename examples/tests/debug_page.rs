//! The debug page, fetched over a socket and taken apart as a browser does.

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};

use html5gum::{Token, Tokenizer};
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

/// A page as a browser takes it apart.
#[derive(Default)]
struct Page {
    /// Each tag with its attributes, in the order of the page.
    tags: Vec<String>,
    /// The text of the cell for the value, by the `id` of its row.
    values: BTreeMap<String, String>,
    /// The text of the changes, below the table.
    changes: String,
}

impl Page {
    /// Panics if a browser would have to guess: at what an error of syntax means, or where an element ends.
    fn parse(html: &str) -> Self {
        let mut page = Self::default();
        let mut open: Vec<String> = Vec::new();
        let mut row = String::new();
        let mut text_of = None;
        for Ok(token) in Tokenizer::new(html) {
            match token {
                Token::StartTag(tag) => {
                    let name = text(&tag.name);
                    let attribute = |name: &[u8]| tag.attributes.get(name).map(|value| text(value));
                    match (name.as_str(), attribute(b"id"), attribute(b"class").as_deref()) {
                        ("tr", id, _) => row = id.unwrap_or_default(),
                        ("td", _, Some("value")) => text_of = Some(page.values.entry(row.clone()).or_default()),
                        ("pre", _, _) => text_of = Some(&mut page.changes),
                        _ => {}
                    }
                    let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(value)));
                    page.tags.push(format!("{name} {:?}", attributes.collect::<Vec<_>>()));
                    // Those have no end.
                    if !matches!(name.as_str(), "meta" | "wbr") {
                        open.push(name);
                    }
                }
                Token::EndTag(tag) => {
                    let name = text(&tag.name);
                    if matches!(name.as_str(), "td" | "pre") {
                        text_of = None;
                    }
                    page.tags.push(format!("/{name}"));
                    assert_eq!(open.pop(), Some(name), "{html}");
                }
                Token::String(string) => {
                    if let Some(text_of) = &mut text_of {
                        text_of.push_str(&text(&string));
                    }
                }
                Token::Comment(_) | Token::Error { .. } => panic!("{token:?} in {html}"),
                Token::Doctype(_) => {}
            }
        }
        assert!(open.is_empty(), "{open:?} in {html}");
        page
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_owned()).expect("the page is UTF-8")
}

#[test]
fn each_value_stands_in_its_row_of_the_table() {
    let page = Page::parse(&Server::start().get("/debug/context?user=ada&locale=nl", ""));
    let values = page.values.iter().map(|(row, value)| (row.as_str(), value.as_str())).collect::<Vec<_>>();
    assert_eq!(
        values,
        [
            ("contextvars::integrations::deadline::DEADLINE", "unset"),
            ("debug_page::CREDENTIALS", "unset"),
            ("debug_page::LOCALE", "\"nl\""),
            ("debug_page::PROGRESS", "unset"),
            ("debug_page::REQUEST_ID", "1"),
            ("debug_page::USER", "\"ada\"")
        ]
    );
    assert_eq!(page.changes, "+ LOCALE: \"nl\"");
}

#[test]
fn what_a_value_contains_is_text_and_never_a_tag_or_an_attribute() {
    let server = Server::start();
    let harmless = Page::parse(&server.get("/debug/context?user=ada&locale=nl", ""));
    assert!(!harmless.tags.iter().any(|tag| tag.starts_with("script")), "{:?}", harmless.tags);
    for value in [
        "<script>alert(1)</script>",
        "</code></td></tr></table><img src=x onerror=alert(1)>",
        "\" onclick=\"alert(1)",
        "' onfocus='alert(1)",
        "<b>ada",
        "<!-- ",
        "&lt;b&gt; &amp; &#60;b>",
    ] {
        let in_query = value.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        let page = Page::parse(&server.get(&format!("/debug/context?user={in_query}&locale={in_query}"), ""));
        assert_eq!(page.tags, harmless.tags);
        assert_eq!(page.values["debug_page::USER"], format!("{value:?}"));
        assert_eq!(page.changes, format!("+ LOCALE: {value:?}"));
    }
}

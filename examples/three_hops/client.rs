//! The client: starts the services, sends the requests, and passes on what is logged.

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::{self, JoinHandle};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A service that runs in a process of its own, until its input is closed.
struct Service {
    addr: String,
    process: Child,
    input: ChildStdin,
    /// Prints what the service logs.
    printer: JoinHandle<()>,
}

impl Service {
    /// Starts a service, and waits until it listens.
    fn start(name: &'static str, next: Option<&str>) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(name).args(next).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let input = process.stdin.take().ok_or("its input is a pipe")?;
        let mut output = BufReader::new(process.stdout.take().ok_or("its output is a pipe")?).lines();
        let addr = output.next().ok_or_else(|| format!("{name} ended at once"))??;
        let printer =
            thread::spawn(move || output.map_while(std::io::Result::ok).for_each(|line| println!("{name:7} | {line}")));
        Ok(Self { addr, process, input, printer })
    }

    /// Lets the service end, and waits until all that it logged is printed.
    fn end(mut self) -> Result<()> {
        drop(self.input);
        self.process.wait()?;
        self.printer.join().map_err(|_| "the printer panicked")?;
        Ok(())
    }
}

/// Sends a request and returns the body of the answer, with the number that the gateway gave the request.
fn send(addr: &str, headers: &[&str]) -> Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    write!(stream, "GET /order HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n{}\r\n\r\n", headers.join("\r\n"))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer has no body")?;
    let id = head.lines().find(|line| line.starts_with("x-request-id: ")).ok_or("the answer has no number")?;
    Ok(format!("{body} ({id})"))
}

pub(crate) fn run() -> Result<()> {
    let stock = Service::start("stock", None)?;
    let orders = Service::start("orders", Some(&stock.addr))?;
    let gateway = Service::start("gateway", Some(&orders.addr))?;

    let card = "x-card: 4111-1111-1111-1111";
    thread::scope(|scope| {
        let acme = scope.spawn(|| send(&gateway.addr, &["x-tenant: acme", card]));
        let globex = scope.spawn(|| send(&gateway.addr, &["x-tenant: globex", "x-log-level: debug", card]));
        for answer in [acme, globex] {
            println!("client  | {}", answer.join().map_err(|_| "a client panicked")??);
        }
        Result::Ok(())
    })?;

    for service in [gateway, orders, stock] {
        service.end()?;
    }
    Ok(())
}

//! An example that is a server, running as a program.

#![allow(dead_code, reason = "not every example is a server")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;

use super::example;

/// A running server; killed when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) addr: SocketAddr,
    /// What it prints after the first line, line by line.
    lines: mpsc::Receiver<String>,
}

impl Server {
    /// Starts the example on a free port.
    pub(crate) fn start(name: &str) -> Self {
        Self::run(example(name).arg("127.0.0.1:0"))
    }

    /// Runs this command, which starts an example on a free port.
    pub(crate) fn run(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut first = String::new();
        output.read_line(&mut first).expect("it prints where it listens");
        let addr = first
            .strip_prefix("listening on ")
            .and_then(|rest| rest.split(';').next())
            .and_then(|addr| addr.parse().ok())
            .unwrap_or_else(|| panic!("an address in {first:?}"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    // The test is over; go on reading, so that the server never waits for us.
                }
            }
        });
        Self { process, addr, lines }
    }

    /// The URL of a server of HTTP.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Waits for the next line that it prints.
    pub(crate) fn line(&self) -> String {
        self.lines.recv().expect("the server prints more lines before it ends")
    }

    /// Ends it at once, and returns the rest of what it has printed.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("the server has not ended by itself");
        self.lines.iter().collect()
    }

    /// Waits until the server has printed such a line.
    pub(crate) fn wait_for_line(&self, wanted: &str) {
        for line in &self.lines {
            if line.contains(wanted) {
                return;
            }
        }
        panic!("the server ended without printing {wanted:?}");
    }

    /// Does what Ctrl-C does.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        let killed =
            Command::new("kill").args(["-s", "INT", &self.process.id().to_string()]).status().expect("`kill` is there");
        assert!(killed.success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

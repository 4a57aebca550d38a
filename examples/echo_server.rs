//! A TCP echo server whose handlers read the client's address from a context variable.
//!
//! Run it with `cargo run --example echo_server`, or with another address as the argument:
//! `cargo run --example echo_server -- 127.0.0.1:9000`. Talk to it with `telnet 127.0.0.1 8081`; an empty line ends the
//! conversation, Ctrl-C the server.

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use contextvars::{context_var, tokio};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal;
use tokio::time;

/// Who is at the other end of the connection that the code at hand serves.
#[context_var]
static CLIENT_ADDR: SocketAddr;

/// The longest line that is echoed, in bytes.
const MAX_LINE: usize = 64 * 1024;
/// How much more of a refused client's input is read, in bytes, and for how long.
const MAX_REST: u64 = 64 * 1024 * 1024;
const LONGEST_REFUSAL: Duration = Duration::from_secs(5);

fn render_goodbye() -> String {
    // The address of the client is known here, though nobody passed it.
    format!("Good bye, client @ {}\n", CLIENT_ADDR.get())
}

fn log(message: &str) {
    // Whoever read the log may have gone; the server goes on.
    let _ = writeln!(io::stdout(), "{}: {message}", CLIENT_ADDR.get());
}

/// Reads up to and with the next line feed; an empty string at the end of the connection.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = Vec::new();
    reader.take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line).await?;
    if line.len() > MAX_LINE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a line is longer than {MAX_LINE} bytes")));
    }
    if !line.is_empty() && !line.ends_with(b"\n") {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the client left in the middle of a line"));
    }
    String::from_utf8(line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a line is not UTF-8"))
}

async fn echo(stream: &mut TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let line = read_line(&mut stream).await?;
        if line.trim().is_empty() {
            break;
        }
        log(line.trim_end());
        stream.write_all(line.as_bytes()).await?;
    }
    stream.write_all(render_goodbye().as_bytes()).await?;
    stream.shutdown().await
}

/// Answers a client that broke the rules, and ends the conversation.
async fn refuse(stream: &mut TcpStream, error: &io::Error) -> io::Result<()> {
    stream.write_all(format!("error: {error}\n").as_bytes()).await?;
    stream.shutdown().await?;
    // To close a connection with input unread resets it, which can overtake the answer.
    let mut rest = stream.take(MAX_REST);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    Ok(())
}

async fn handle_client(mut stream: TcpStream, addr: SocketAddr) {
    // This task's own context: no other client's handler sees it.
    CLIENT_ADDR.set(addr);
    if let Err(error) = echo(&mut stream).await {
        log(&format!("closed: {error}"));
        if error.kind() == io::ErrorKind::InvalidData {
            // The client may be gone; then nobody is there to read the answer.
            let _ = time::timeout(LONGEST_REFUSAL, refuse(&mut stream, &error)).await;
        }
    }
}

async fn serve(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, addr)) => {
                tokio::spawn(handle_client(stream, addr));
            }
            Err(error) => {
                // Too many open files, say: the connections there are go on, and new ones wait.
                eprintln!("cannot accept a connection: {error}");
                time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let addr = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".to_owned());
    let listener = match TcpListener::bind(&addr).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {addr}: {error}; give another address as the first argument");
            return ExitCode::FAILURE;
        }
    };
    match listener.local_addr() {
        Ok(addr) => println!("listening on {addr}; Ctrl-C ends"),
        Err(error) => eprintln!("listening on {addr}, whose port is unknown: {error}"),
    }
    tokio::select! {
        () = serve(listener) => {}
        _ = signal::ctrl_c() => println!("bye"),
    }
    ExitCode::SUCCESS
}

//! An axum server on loopback, with and without a context for each request: requests per second, allocations for each,
//! memory for each connection.
//!
//! ```text
//! cargo bench -p contextvars-benches --bench requests
//! ```

#![expect(clippy::cast_precision_loss, reason = "what is counted is far below 2^52")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use contextvars::tower::ContextLayer;
use contextvars_benches::variables::NUMBER;
use tokio::runtime::Builder;

/// Counts what is allocated.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "an allocator is")]
// SAFETY: it only counts, and leaves the rest to the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller says.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CONNECTIONS: usize = 8;
const REQUESTS: usize = 20_000;
const ROUNDS: usize = 15;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn main() {
    let bare = serve(Router::new().route("/", get(async || "7")));
    let handler = async || NUMBER.get().to_string();
    let layer = ContextLayer::new().init(|_: &Request| drop(NUMBER.set(7)));
    let layered = serve(Router::new().route("/", get(handler)).layer(layer));
    // The same text, without a context.
    let formatted = serve(Router::new().route("/", get(async || std::hint::black_box(7).to_string())));

    let servers = [("bare", bare), ("bare, with a formatted number", formatted), ("in a ContextLayer", layered)];
    let mut connections = servers.map(|(_, address)| connect(address));
    let mut times = [const { Vec::new() }; 3];
    let mut allocations = [0; 3];
    for round in 0..=ROUNDS {
        for (server, connections) in connections.iter_mut().enumerate() {
            let (time, allocated) = load(connections);
            // The first round warms up.
            if round > 0 {
                times[server].push(time);
                allocations[server] = allocated;
            }
        }
    }
    let mut open = Vec::new();
    for ((name, address), (times, allocations)) in servers.iter().zip(times.iter_mut().zip(allocations)) {
        times.sort_unstable();
        let per_second = REQUESTS as f64 / times[ROUNDS / 2].as_secs_f64();
        println!("{per_second:>9.0} requests a second: {name}");
        println!("{:>9.2} allocations a request: {name}", allocations as f64 / REQUESTS as f64);
        println!("{:>9.0} bytes a connection: {name}", bytes_per_connection(*address, &mut open));
    }
    let ratio = |a: usize, b: usize| times[a][ROUNDS / 2].as_secs_f64() / times[b][ROUNDS / 2].as_secs_f64();
    println!("{:>9.3} of the time of the server with a formatted number: in a ContextLayer", ratio(2, 1));
}

/// Starts a server on a thread of its own.
fn serve(router: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket that does not block");
    let address = listener.local_addr().expect("it has one");
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket of tokio's");
            axum::serve(listener, router).await.expect("it serves until the program ends");
        });
    });
    address
}

fn connect(address: SocketAddr) -> Vec<TcpStream> {
    let connect = || {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket can");
        stream
    };
    (0..CONNECTIONS).map(|_| connect()).collect()
}

/// Sends so many requests over the connections, one at a time on each, and waits for the answers.
fn load(connections: &mut [TcpStream]) -> (Duration, usize) {
    let mut answer = [0; 512];
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let begin = Instant::now();
    for _ in 0..REQUESTS / CONNECTIONS {
        for stream in &mut *connections {
            stream.write_all(REQUEST).expect("the server reads");
        }
        for stream in &mut *connections {
            let length = stream.read(&mut answer).expect("the server answers");
            assert!(answer[..length].ends_with(b"\r\n\r\n7"), "one small packet");
        }
    }
    (begin.elapsed(), ALLOCATIONS.load(Ordering::Relaxed) - before)
}

/// What a connection that waits for its second request takes.
///
/// The connections stay open: to close them would free memory while the next are measured.
fn bytes_per_connection(address: SocketAddr, open: &mut Vec<TcpStream>) -> f64 {
    const MORE: usize = 500;
    open.reserve(MORE);
    let before = BYTES.load(Ordering::Relaxed);
    for _ in 0..MORE / CONNECTIONS {
        let mut some = connect(address);
        load_once(&mut some);
        open.extend(some);
    }
    let bytes = BYTES.load(Ordering::Relaxed) - before;
    bytes as f64 / (MORE / CONNECTIONS * CONNECTIONS) as f64
}

fn load_once(connections: &mut [TcpStream]) {
    let mut answer = [0; 512];
    for stream in connections {
        stream.write_all(REQUEST).expect("the server reads");
        assert!(stream.read(&mut answer).expect("the server answers") > 0);
    }
}

//! The load: requests over keep-alive connections, as cheap as they get, for they share the machine with the server.
//!
//! Every response has the length of the first one, so a client reads so many bytes and looks at the status only.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use crate::http::server::PATH;
use crate::sample::BODY;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";

fn request() -> Vec<u8> {
    let length = BODY.len();
    format!(
        "POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{BODY}"
    )
    .into_bytes()
}

/// Opens a connection and makes the first request; returns the length of the response.
fn open(address: SocketAddr) -> (TcpStream, usize) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a TCP option");
    stream.write_all(&request()).expect("the server reads");
    let mut response = Vec::new();
    let mut buffer = [0; 1024];
    // The servers write an echo, so its end is known.
    while !response.ends_with(BODY.as_bytes()) {
        let read = stream.read(&mut buffer).expect("the server answers");
        response.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&response);
        assert!(read > 0 && text.starts_with("HTTP/1.1 200 OK"), "{text}");
    }
    (stream, response.len())
}

/// One connection, one request at a time, on the calling thread.
pub struct Latency {
    stream: TcpStream,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Latency {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let (stream, length) = open(address);
        Latency { stream, request: request(), response: vec![0; length] }
    }

    /// Makes so many requests one after the other.
    pub fn run(&mut self, requests: u64) -> Duration {
        let started = Instant::now();
        for _ in 0..requests {
            self.stream.write_all(&self.request).expect("the server reads");
            self.stream.read_exact(&mut self.response).expect("the server answers");
            assert!(self.response.starts_with(OK));
        }
        started.elapsed()
    }
}

/// Several connections, each with one request at a time, on the calling thread.
pub struct Throughput {
    runtime: Runtime,
    connections: Vec<Connection>,
}

struct Connection {
    stream: tokio::net::TcpStream,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Throughput {
    /// Opens so many connections.
    pub fn connect(address: SocketAddr, connections: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("this thread");
        let connections = runtime.block_on(async {
            let numbers = 0..connections;
            numbers.map(|_| Connection::connect(address)).collect()
        });
        Throughput { runtime, connections }
    }

    /// Makes so many requests, spread over the connections as they become free.
    pub fn run(&mut self, requests: u64) -> Duration {
        let left = Cell::new(requests);
        let started = Instant::now();
        let running = self.connections.iter_mut().map(|connection| connection.exchange(&left));
        self.runtime.block_on(join_all(running));
        started.elapsed()
    }
}

impl Connection {
    fn connect(address: SocketAddr) -> Self {
        let (stream, length) = open(address);
        stream.set_nonblocking(true).expect("a socket option");
        Connection {
            stream: tokio::net::TcpStream::from_std(stream).expect("within the runtime"),
            request: request(),
            response: vec![0; length],
        }
    }

    /// Makes requests as long as some are left.
    async fn exchange(&mut self, left: &Cell<u64>) {
        while left.get() > 0 {
            left.set(left.get() - 1);
            self.stream.write_all(&self.request).await.expect("the server reads");
            self.stream.read_exact(&mut self.response).await.expect("the server answers");
            assert!(self.response.starts_with(OK));
        }
    }
}

//! Connections of clients that do not read.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::http::listener::patient::Patient;
use crate::http::listener::{Bounds, Client, Listener, Site, accept};
use crate::shutdown::{Phase, Shutdown};

/// Answers everything with more than the system keeps for a client.
struct Large;

impl Site for Large {
    type Body = Full<Bytes>;

    async fn answer(self: Arc<Self>, _: Request<Incoming>, _: Client) -> Response<Full<Bytes>> {
        Response::new(Full::from(vec![b'x'; 32 << 20]))
    }
}

#[tokio::test]
async fn a_client_that_never_reads_gives_its_place_back() {
    let bounds = Bounds {
        header_timeout: Duration::from_secs(20),
        stall: Duration::from_millis(100),
        connections: 1,
        closes: Phase::Draining,
    };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let accepting = tokio::spawn(accept(Listener::new(socket, Large, bounds, Shutdown::default())));
    let request = b"GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    let mut silent = TcpStream::connect(address).await.unwrap();
    silent.write_all(request).await.unwrap();
    let mut next = TcpStream::connect(address).await.unwrap();
    next.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let answered = tokio::time::timeout(Duration::from_secs(20), next.read_to_end(&mut answer)).await;
    answered.expect("the place is free again").unwrap();
    assert!(answer.len() > 32 << 20, "one who reads gets all of it: {}", answer.len());
    drop(silent);
    accepting.abort();
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_is_served_and_one_that_stands_still_is_not() {
    let limit = Duration::from_secs(30);
    let (ours, mut client) = tokio::io::duplex(8);
    let mut ours = Patient::new(ours, limit);
    let writing = tokio::spawn(async move {
        let slowly = ours.write_all(&[1; 64]).await;
        (slowly, ours.write_all(&[1; 64]).await)
    });
    for _ in 0..8 {
        tokio::time::sleep(limit - Duration::from_secs(1)).await;
        client.read_exact(&mut [0; 8]).await.unwrap();
    }
    let (slowly, never) = writing.await.unwrap();
    slowly.unwrap();
    assert_eq!(never.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    drop(client);
}

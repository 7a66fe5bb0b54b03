//! The two servers, each in a process of its own: [`serve`] is the child's main, [`Server`] the parent's handle.
//!
//! A child prints its port on the first line and ends with its standard input, which is the parent's end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rohas::{ActorApp, Config, Failure, State};
use tokio::net::{TcpListener, TcpStream};

use crate::sample::{PERSON, Person};

/// The argument that makes this program a server; the role follows.
pub const COMMAND: &str = "serve";

/// The path of the one api.
pub const PATH: &str = "/people";

/// Which server.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    /// An app with one api.
    Ours,
    /// Bare hyper.
    Peer,
}

/// A server process; dropping it ends it.
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts this program again as a server and waits for its port.
    pub fn start(role: Role) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args([COMMAND, &format!("{role:?}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the server tells its port");
        let port: u16 = line.trim().parse().expect("the server tells its port");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Server { child, address }
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the CPU time that the process has used so far, of all its threads.
    pub fn cpu_time(&self) -> Duration {
        let process = libc::pid_t::try_from(self.child.id()).expect("a process id fits");
        let mut clock = 0;
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: both calls write to the variable they are given a pointer to, and keep nothing
        let failed = unsafe {
            libc::clock_getcpuclockid(process, &raw mut clock) | libc::clock_gettime(clock, &raw mut time)
        };
        assert_eq!(failed, 0, "the clock of a child can be read");
        let seconds = u64::try_from(time.tv_sec).expect("time is positive");
        Duration::new(seconds, u32::try_from(time.tv_nsec).expect("below a second"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves as `role` until the parent is gone.
pub fn serve(role: &str) -> ExitCode {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("threads");
    if role == format!("{:?}", Role::Ours) {
        runtime.block_on(ours());
    } else {
        runtime.block_on(peer());
    }
    ExitCode::SUCCESS
}

fn tell(port: u16) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{port}").expect("the parent reads it");
}

async fn ours() {
    let api = format!("api Enrol {{ method: POST path: \"{PATH}\" body: Person response: Person }}");
    let mut config = Config::default();
    config.server.port = 0;
    let app = ActorApp::builder()
        .schema_text(format!("{PERSON}{api}"))
        .config(config)
        .handler("Enrol", enrol)
        .build()
        .expect("the app is right");
    let running = app.start().await.expect("the app starts");
    tell(running.http_addr().port());
    std::future::pending().await
}

async fn enrol(request: rohas::Request<Person>, _: State) -> Result<Person, Failure> {
    Ok(request.body)
}

async fn peer() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    tell(listener.local_addr().expect("it is bound").port());
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio::spawn(converse(stream));
    }
}

async fn converse(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let http = hyper::server::conn::http1::Builder::new();
    let _ = http.serve_connection(TokioIo::new(stream), service_fn(echo)).await;
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let Ok(person) = serde_json::from_slice::<Person>(&body) else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    };
    let text = serde_json::to_vec(&person).expect("a person is JSON");
    let mut response = Response::new(Full::from(text));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

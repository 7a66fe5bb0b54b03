//! One interpreter process: how it is started, what it prints past the runtime, how it ends.
//!
//! Used by `worker`, which decides when it must die. Never reads a frame.
//!
//! ```text
//! start() ──Start──▶ spawner thread: fork, exec ──Child──▶ Process (wait, kill)
//! fds 1, 2 of the child ──pipe──▶ output task ──▶ log lines, and the last of them for a failed boot
//! ```

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::lang::Problem;
use crate::lang::wire::LogLine;

/// The program of the child: takes the runtime from the socket and hands over to it.
const BOOTSTRAP: &str = include_str!("bootstrap.py");

/// Starts that wait for the spawner: one takes about a millisecond, a whole pool fits.
const START_QUEUE: usize = 64;

/// The longest line taken from the child's own stdout and stderr, in bytes; longer ones are cut in pieces.
const LINE_LIMIT: u64 = 16 * 1024;

/// Lines kept to explain a failed boot: a Python traceback mostly fits.
const KEPT_LINES: usize = 30;

/// The thread that starts all interpreters of a runtime.
///
/// The kernel sends `PR_SET_PDEATHSIG` when the *thread* that forked ends, so it must be one that outlives the
/// children: it ends when the runtime and every [`Process`] have let go of it.
#[derive(Debug, Clone)]
pub(super) struct Spawner {
    starts_tx: mpsc::Sender<Start>,
}

/// One request to the spawner.
#[derive(Debug)]
struct Start {
    command: Command,
    runtime: Handle,
    child_tx: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start() -> Result<Self, Problem> {
        let (starts_tx, mut starts_rx) = mpsc::channel::<Start>(START_QUEUE);
        std::thread::Builder::new()
            .name("python-spawner".to_owned())
            .spawn(move || {
                while let Some(mut start) = starts_rx.blocking_recv() {
                    let _entered = start.runtime.enter();
                    // a boot that was dropped in the meantime drops the child, which kills it
                    let _ = start.child_tx.send(start.command.spawn());
                }
            })
            .map_err(|error| {
                Problem::new(format!("the thread that starts Python could not be started: {error}"))
            })?;
        Ok(Spawner { starts_tx })
    }

    /// Starts `command` on the thread.
    async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (child_tx, child_rx) = oneshot::channel();
        let start = Start { command, runtime: Handle::current(), child_tx };
        let gone = || io::Error::other("the spawner thread is gone");
        self.starts_tx.send(start).await.map_err(|_| gone())?;
        child_rx.await.map_err(|_| gone())?
    }
}

/// A process and its process group; dropping it kills both.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Its process group, until that is killed.
    group: Option<i32>,
    /// Keeps the thread alive that the kernel takes for the parent.
    _spawner: Spawner,
}

impl Process {
    /// Waits for the end and reaps; tells how it ended.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(super) async fn wait(&mut self) -> String {
        let ended = self.child.wait().await;
        if let Some(group) = self.group.take() {
            // What the interpreter had started outlives it otherwise. The number is still the group's while it has
            // members; without any there is nobody to hit, as pids are not reused this soon.
            // SAFETY: plain system call
            unsafe {
                libc::kill(-group, libc::SIGKILL);
            }
        }
        match ended {
            Ok(status) => describe(status),
            Err(error) => format!("could not be waited for: {error}"),
        }
    }

    /// Kills the process group, unless its leader is reaped: then the number may belong to somebody else.
    pub(super) fn kill(&self) {
        let Some(group) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) else {
            return;
        };
        // SAFETY: plain system call; the group is our unreaped child's, so the number is not reused
        unsafe {
            libc::kill(-group, libc::SIGKILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Tells how a process ended.
fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => format!("ended: {status}"),
    }
}

/// An interpreter that runs the bootstrap, and the ways to it.
#[derive(Debug)]
pub(super) struct Started {
    /// The process.
    pub(super) process: Process,
    /// Our end of the socket pair.
    pub(super) socket: UnixStream,
    /// What it printed last.
    pub(super) output: Output,
    /// The output task; ends with the pipe or when dropped.
    pub(super) tasks: JoinSet<()>,
}

/// Starts `interpreter` in `project_root`.
///
/// # Errors
/// The system gives no socket pair, pipe or process.
pub(super) async fn start(
    interpreter: &Path,
    project_root: &Path,
    spawner: &Spawner,
) -> Result<Started, Problem> {
    let failed =
        |error: io::Error| Problem::new(format!("{} could not be started: {error}", interpreter.display()));
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
    let (output_rx, output_tx) = io::pipe().map_err(failed)?;
    let mut command = Command::new(interpreter);
    command
        .args(["-c", BOOTSTRAP, &theirs.as_raw_fd().to_string()])
        .current_dir(project_root)
        .stdin(Stdio::null())
        .stdout(output_tx.try_clone().map_err(failed)?)
        .stderr(output_tx)
        .process_group(0)
        .kill_on_drop(true);
    let (parent, socket) = (std::process::id(), theirs.as_raw_fd());
    // SAFETY: `confine` makes system calls only, as is allowed between fork and exec
    unsafe {
        command.pre_exec(move || confine(parent, socket));
    }
    let child = spawner.spawn(command).await.map_err(failed)?;
    drop(theirs); // open until here, the child inherits it
    let group = child.id().and_then(|pid| i32::try_from(pid).ok());
    let process = Process { child, group, _spawner: spawner.clone() };
    ours.set_nonblocking(true).map_err(failed)?;
    let socket = UnixStream::from_std(ours).map_err(failed)?;
    let pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(output_rx)).map_err(failed)?;
    let output = Output::default();
    let mut tasks = JoinSet::new();
    tasks.spawn(read_output(pipe, output.clone()));
    Ok(Started { process, socket, output, tasks })
}

/// Runs in the child before exec: it dies with `parent` and keeps no descriptor but the standard ones and `socket`.
fn confine(parent: u32, socket: RawFd) -> io::Result<()> {
    #[cfg(target_os = "linux")] // elsewhere the end of the socket must do
    die_with(parent)?;
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
    // SAFETY: a system call with plain numbers, async-signal-safe
    if unsafe { libc::fcntl(socket, libc::F_SETFD, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Has the kernel kill this process when the spawner thread of `parent` ends, and marks all descriptors close-on-exec.
#[cfg(target_os = "linux")]
fn die_with(parent: u32) -> io::Result<()> {
    // SAFETY: system calls with plain numbers, async-signal-safe
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
            return Err(io::Error::last_os_error());
        }
        if u32::try_from(libc::getppid()) != Ok(parent) {
            return Err(io::Error::from_raw_os_error(libc::ESRCH)); // it died before the line above
        }
        // fails before Linux 5.11; then what others opened without CLOEXEC is inherited, as by any child
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
    Ok(())
}

/// The last lines that a process printed past the runtime: fatal errors of the interpreter, C code, its children.
#[derive(Debug, Clone, Default)]
pub(super) struct Output {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Output {
    /// Returns the lines, oldest first.
    pub(super) fn text(&self) -> String {
        let lines: Vec<String> = self.lines.lock().iter().cloned().collect();
        lines.join("\n")
    }

    /// Keeps a line and lets the oldest go.
    fn keep(&self, line: String) {
        let mut lines = self.lines.lock();
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// Logs what arrives on the pipe until its end.
async fn read_output(pipe: pipe::Receiver, output: Output) {
    let mut reader = BufReader::new(pipe);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let message = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        if message.is_empty() {
            continue;
        }
        output.keep(message.clone());
        let line = LogLine {
            level: "warn".to_owned(),
            message,
            fields: serde_json::json!({ "source": "the interpreter's own output" }),
            handler: String::new(),
            invocation: String::new(),
            trace_id: String::new(),
        };
        line.emit();
    }
}

//! The supervisor against the reference: random traces, run by ours and by OTP's own `supervisor`, must look the same.
//!
//! ```text
//!  seed ──▶ Trace ──term, a line──▶ escript tests/otp/supervisor.escript ──what happened, a line──▶ equal?
//!             └──────▶ our supervisor on a paused clock ────────────────────────────────────────────▶
//! ```
//!
//! `ROHAS_OTP_TRACES=10000` runs that many instead of 300; `ROHAS_OTP_SEED=n` replays one and prints both sides.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, ActorStatus, SpawnErr};

use crate::supervision::{
    AutoShutdown, Backoff, ChildError, ChildSpec, Exit, Kind, Policy, Restart, Shutdown, StartError, State,
    Strategy, Supervisor, SupervisorRef, Tree,
};

/// Traces of a run in CI.
const TRACES: u64 = 300;

/// Seconds. Time passes in steps of three, so the second that OTP rounds to decides nothing.
const PERIOD: u64 = 11;

// ---- traces

#[derive(Clone)]
struct Plan {
    strategy: Strategy,
    intensity: u32,
    auto_shutdown: AutoShutdown,
    children: Vec<ChildPlan>,
}

#[derive(Clone)]
struct ChildPlan {
    id: &'static str,
    below: Option<Box<Plan>>,
    restart: Restart,
    significant: bool,
    shutdown: Shutdown,
}

#[derive(Clone, Copy, Debug)]
enum Reason {
    Boom,
    Normal,
    Shutdown,
    ShutdownTerm,
}

enum Step {
    Exit(&'static str, Reason),
    Kill(&'static str),
    Terminate(&'static str, &'static str),
    Restart(&'static str, &'static str),
    Delete(&'static str, &'static str),
    Start(&'static str, ChildPlan),
    Refuse(&'static str, u32),
    Age(u64),
}

struct Trace {
    top: Plan,
    refused: Vec<(&'static str, u32)>,
    steps: Vec<Step>,
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

fn child(rng: &mut Rng, id: &'static str, auto_shutdown: AutoShutdown) -> ChildPlan {
    let restart =
        pick(rng, &[Restart::Permanent, Restart::Permanent, Restart::Transient, Restart::Temporary]);
    let may = auto_shutdown != AutoShutdown::Never && restart != Restart::Permanent;
    let significant = if may { rng.bool() } else { rng.u32(..60) == 0 };
    let patient = Shutdown::Timeout(Duration::from_secs(5));
    let shutdown = pick(rng, &[patient, patient, Shutdown::Brutal, Shutdown::Infinity]);
    ChildPlan { id, below: None, restart, significant, shutdown }
}

fn plan(rng: &mut Rng, ids: &[&'static str]) -> Plan {
    use AutoShutdown::{AllSignificant, AnySignificant, Never};
    let strategy = pick(rng, &[Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne]);
    let auto_shutdown = pick(rng, &[Never, Never, AnySignificant, AllSignificant]);
    let children = ids.iter().map(|id| child(rng, id, auto_shutdown)).collect();
    Plan { strategy, intensity: rng.u32(0..5), auto_shutdown, children }
}

/// A supervisor `s` with two workers, permanent and transient, so that an escalation crosses a level.
fn nested(rng: &mut Rng, auto_shutdown: AutoShutdown) -> ChildPlan {
    let mut below = plan(rng, &["s1", "s2"]);
    below.intensity = rng.u32(0..3);
    below.children[0].restart = Restart::Permanent;
    below.children[1].restart = Restart::Transient;
    for child in &mut below.children {
        child.significant &=
            below.auto_shutdown != AutoShutdown::Never && child.restart != Restart::Permanent;
    }
    // What it leaves behind when it is killed ends at its own pace, so only steps kill it, never its parent.
    ChildPlan { below: Some(Box::new(below)), shutdown: Shutdown::Infinity, ..child(rng, "s", auto_shutdown) }
}

impl Trace {
    fn random(seed: u64) -> Trace {
        let rng = &mut Rng::with_seed(seed);
        let ids = ["a", "b", "c", "d", "e", "f"];
        let count = rng.usize(1..=ids.len());
        let mut top = plan(rng, &ids[..count]);
        if rng.u32(..3) == 0 {
            let place = rng.usize(..top.children.len());
            top.children[place] = nested(rng, top.auto_shutdown);
        }
        let mut refused = Vec::new();
        if rng.u32(..30) == 0 {
            refused.push((pick(rng, &["a", "b", "c", "s", "s2"]), 1));
        }
        let below = top.children.iter().any(|child| child.below.is_some());
        let auto_shutdown = top.auto_shutdown;
        let steps = (0..rng.usize(1..=50)).map(|_| Step::random(rng, &top, (below, auto_shutdown))).collect();
        Trace { top, refused, steps }
    }
}

impl Step {
    fn random(rng: &mut Rng, top: &Plan, (below, auto_shutdown): (bool, AutoShutdown)) -> Step {
        let nested = below && rng.u32(..3) == 0;
        let at = if nested { "s" } else { "top" };
        let mut ids: Vec<&'static str> = top.children.iter().map(|child| child.id).collect();
        ids.push("n1");
        ids.push("n2");
        if nested {
            ids = vec!["s1", "s2", "s3"];
        }
        let id = pick(rng, &ids);
        match rng.u32(..100) {
            0..20 => Step::Exit(id, Reason::Boom),
            20..26 => Step::Exit(id, Reason::Normal),
            26..31 => Step::Exit(id, Reason::Shutdown),
            31..34 => Step::Exit(id, Reason::ShutdownTerm),
            34..42 => Step::Kill(id),
            42..51 => Step::Terminate(at, id),
            51..65 => Step::Restart(at, id),
            65..70 => Step::Delete(at, id),
            70..80 => {
                let id = if rng.u32(..4) == 0 { id } else { pick(rng, &["n1", "n2", "s3"]) };
                let at = if below && ["s1", "s2", "s3"].contains(&id) { "s" } else { "top" };
                let nested = top.children.iter().find(|child| child.id == id && child.below.is_some());
                Step::Start(at, nested.cloned().unwrap_or_else(|| child(rng, id, auto_shutdown)))
            }
            80..85 => Step::Refuse(id, rng.u32(1..4)),
            _ => Step::Age(rng.u64(1..6) * 3),
        }
    }
}

// ---- traces as Erlang terms

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let strategy = match self.strategy {
            Strategy::OneForOne => "one_for_one",
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
        };
        let auto_shutdown = match self.auto_shutdown {
            AutoShutdown::Never => "never",
            AutoShutdown::AnySignificant => "any_significant",
            AutoShutdown::AllSignificant => "all_significant",
        };
        let children: Vec<String> = self.children.iter().map(ToString::to_string).collect();
        write!(f, "{{{strategy},{},{PERIOD},{auto_shutdown},[{}]}}", self.intensity, children.join(","))
    }
}

impl Display for ChildPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let what = self.below.as_ref().map_or("worker".to_owned(), ToString::to_string);
        let restart = format!("{:?}", self.restart).to_lowercase();
        let shutdown = match self.shutdown {
            Shutdown::Timeout(timeout) => timeout.as_millis().to_string(),
            Shutdown::Brutal => "brutal_kill".to_owned(),
            Shutdown::Infinity => "infinity".to_owned(),
        };
        write!(f, "{{{},{what},{restart},{},{shutdown}}}", self.id, self.significant)
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Step::Exit(id, Reason::Boom) => write!(f, "{{exit,{id},boom}}"),
            Step::Exit(id, Reason::Normal) => write!(f, "{{exit,{id},normal}}"),
            Step::Exit(id, Reason::Shutdown) => write!(f, "{{exit,{id},shutdown}}"),
            Step::Exit(id, Reason::ShutdownTerm) => write!(f, "{{exit,{id},{{shutdown,enough}}}}"),
            Step::Kill(id) => write!(f, "{{kill,{id}}}"),
            Step::Terminate(at, id) => write!(f, "{{terminate,{at},{id}}}"),
            Step::Restart(at, id) => write!(f, "{{restart,{at},{id}}}"),
            Step::Delete(at, id) => write!(f, "{{delete,{at},{id}}}"),
            Step::Start(at, child) => write!(f, "{{start,{at},{child}}}"),
            Step::Refuse(id, times) => write!(f, "{{refuse,{id},{times}}}"),
            Step::Age(seconds) => write!(f, "{{age,{seconds}}}"),
        }
    }
}

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let refused: Vec<String> =
            self.refused.iter().map(|(id, times)| format!("{{{id},{times}}}")).collect();
        let steps: Vec<String> = self.steps.iter().map(ToString::to_string).collect();
        write!(f, "{{{},[{}],[{}]}}.", self.top, refused.join(","), steps.join(","))
    }
}

// ---- OTP's side

struct Otp {
    process: Process,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Otp {
    fn start() -> Otp {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otp/supervisor.escript");
        let spawned =
            Command::new("escript").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process =
            spawned.expect("Erlang is installed: `make setup` does, or apt-get install erlang-base");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        Otp { input: process.stdin.take(), output, process }
    }

    fn run(&mut self, trace: &Trace) -> Vec<String> {
        let input = self.input.as_mut().expect("it is open until the end");
        writeln!(input, "{trace}").and_then(|()| input.flush()).expect("the script reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the script answers");
        assert!(line.ends_with('\n'), "the script died of {trace}");
        line.trim_end().split(';').map(str::to_owned).collect()
    }
}

impl Drop for Otp {
    fn drop(&mut self) {
        drop(self.input.take()); // the script ends with its input
        let _ = self.process.wait();
    }
}

// ---- our side

#[derive(Default)]
struct World {
    events: Mutex<Vec<String>>,
    refuse: Mutex<HashMap<&'static str, u32>>,
    workers: Mutex<HashMap<&'static str, ActorRef<Reason>>>,
    supervisors: Mutex<HashMap<&'static str, SupervisorRef>>,
    tree: Tree,
}

impl World {
    fn happened(&self, what: char, id: &str) {
        self.events.lock().push(format!("{what}{id}"));
    }

    fn refused(&self, id: &'static str) -> bool {
        let mut refuse = self.refuse.lock();
        let Some(left) = refuse.get_mut(id).filter(|left| **left > 0) else { return false };
        *left -= 1;
        self.happened('!', id);
        true
    }
}

struct Worker;

/// Reports the end of a worker, however it comes.
struct Ending {
    id: &'static str,
    world: Arc<World>,
    orderly: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.orderly {
            self.world.happened('x', self.id);
        }
    }
}

impl Actor for Worker {
    type Msg = Reason;
    type State = Ending;
    type Arguments = Ending;

    async fn pre_start(&self, _: ActorRef<Reason>, ending: Ending) -> Result<Ending, ActorProcessingErr> {
        Ok(ending)
    }

    async fn handle(
        &self,
        myself: ActorRef<Reason>,
        reason: Reason,
        _: &mut Ending,
    ) -> Result<(), ActorProcessingErr> {
        match reason {
            Reason::Boom => return Err("boom".into()),
            Reason::Normal => myself.stop(None),
            Reason::Shutdown => myself.stop(Some("shutdown".to_owned())),
            Reason::ShutdownTerm => myself.stop(Some("shutdown: enough".to_owned())),
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Reason>, ending: &mut Ending) -> Result<(), ActorProcessingErr> {
        ending.orderly = true;
        ending.world.happened('-', ending.id);
        Ok(())
    }
}

fn refusal() -> SpawnErr {
    SpawnErr::StartupFailed("refused".into())
}

async fn start_worker(world: Arc<World>, id: &'static str, parent: ActorCell) -> Result<ActorCell, SpawnErr> {
    if world.refused(id) {
        return Err(refusal());
    }
    let ending = Ending { id, world: Arc::clone(&world), orderly: false };
    let (worker, _) = Actor::spawn_linked(None, Worker, ending, parent).await?;
    world.happened('+', id);
    world.workers.lock().insert(id, worker.clone());
    Ok(worker.get_cell())
}

async fn start_supervisor(
    world: Arc<World>,
    id: &'static str,
    setup: Supervisor,
    parent: ActorCell,
) -> Result<ActorCell, SpawnErr> {
    if world.refused(id) {
        return Err(refusal());
    }
    let started = setup.start_linked(parent).await;
    let supervisor = started.inspect_err(|_| world.happened('!', id))?;
    world.happened('+', id);
    world.supervisors.lock().insert(id, supervisor.clone());
    Ok(supervisor.cell())
}

fn setup(plan: &Plan, path: &str, world: &Arc<World>) -> Supervisor {
    let policy = Policy {
        strategy: plan.strategy,
        intensity: plan.intensity,
        period: Duration::from_secs(PERIOD),
        backoff: Backoff::NONE,
        rate: None,
        auto_shutdown: plan.auto_shutdown,
    };
    let children = plan.children.iter().map(|child| spec(child, path, world)).collect();
    Supervisor { path: path.to_owned(), policy, tree: world.tree.clone(), children }
}

fn spec(plan: &ChildPlan, parent: &str, world: &Arc<World>) -> ChildSpec {
    let (id, world) = (plan.id, Arc::clone(world));
    let spec = match &plan.below {
        None => ChildSpec::new(id, move |parent| start_worker(Arc::clone(&world), id, parent)),
        Some(below) => {
            let setup = setup(below, &format!("{parent}/{id}"), &world);
            let start = move |parent| start_supervisor(Arc::clone(&world), id, setup.clone(), parent);
            ChildSpec::new(id, start).kind(Kind::Supervisor)
        }
    };
    spec.restart(plan.restart).significant(plan.significant).shutdown(plan.shutdown)
}

/// Waits until nothing has anything to do: only then a paused clock moves.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn alive(cell: &ActorCell) -> bool {
    cell.get_status() < ActorStatus::Stopping
}

fn started(answer: Result<Option<ActorCell>, StartError>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(StartError::AlreadyStarted(_)) => "already_started",
        Err(StartError::AlreadyPresent(_)) => "already_present",
        Err(StartError::BadSpec { .. }) => "bad_spec",
        Err(StartError::Failed { .. }) => "error",
        Err(StartError::Gone(_)) => "gone",
    }
}

fn answered<T>(answer: Result<T, ChildError>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(ChildError::NotFound(_)) => "not_found",
        Err(ChildError::Running(_)) => "running",
        Err(ChildError::Restarting(_)) => "restarting",
        Err(ChildError::Start(_)) => "error",
        Err(ChildError::Gone(_)) => "gone",
    }
}

impl World {
    fn supervisor(&self, id: &str) -> Option<SupervisorRef> {
        self.supervisors.lock().get(id).filter(|supervisor| alive(&supervisor.cell())).cloned()
    }

    async fn carry_out(self: &Arc<Self>, step: &Step) -> &'static str {
        let at = match step {
            Step::Terminate(at, _) | Step::Restart(at, _) | Step::Delete(at, _) | Step::Start(at, _) => *at,
            _ => "top",
        };
        let Some(supervisor) = self.supervisor(at) else { return "none" };
        match step {
            Step::Exit(id, reason) => self.exit(id, *reason),
            Step::Kill(id) => self.kill(id),
            Step::Terminate(_, id) => answered(supervisor.terminate(id).await),
            Step::Restart(_, id) => answered(supervisor.restart(id).await),
            Step::Delete(_, id) => answered(supervisor.delete(id).await),
            Step::Start(_, child) => started(supervisor.start(spec(child, supervisor.path(), self)).await),
            Step::Refuse(id, times) => {
                self.refuse.lock().insert(id, *times);
                "ok"
            }
            Step::Age(seconds) => {
                tokio::time::advance(Duration::from_secs(*seconds)).await;
                "ok"
            }
        }
    }

    fn exit(&self, id: &str, reason: Reason) -> &'static str {
        if self.supervisor(id).is_some() {
            return "deaf"; // a supervisor does not listen to strangers
        }
        match self.workers.lock().get(id).filter(|worker| alive(worker)) {
            Some(worker) => worker.send_message(reason).map_or("none", |()| "done"),
            None => "none",
        }
    }

    fn kill(&self, id: &str) -> &'static str {
        let worker = self.workers.lock().get(id).map(|worker| worker.get_cell());
        let cell = self.supervisor(id).map(|supervisor| supervisor.cell()).or(worker);
        match cell.filter(alive) {
            Some(cell) => {
                cell.kill();
                "done"
            }
            None => "none",
        }
    }

    fn events(&self) -> String {
        format!("[{}]", std::mem::take(&mut *self.events.lock()).join(" "))
    }

    async fn children(&self, supervisor: &SupervisorRef) -> String {
        let mut states = Vec::new();
        for child in supervisor.which_children().await.expect("it runs") {
            let state = match (child.state, child.kind) {
                (State::Running, Kind::Supervisor) => {
                    let below = self.supervisor(&child.name).expect("it runs");
                    Box::pin(self.children(&below)).await
                }
                (state, _) => format!("{state:?}").to_lowercase(),
            };
            states.push(format!("{}={state}", child.name));
        }
        format!("{{{}}}", states.join(" "))
    }
}

fn ending(exit: &Exit) -> String {
    match exit {
        Exit::Shutdown(_) => "shutdown".to_owned(),
        other => format!("{other:?}"),
    }
}

async fn run(trace: &Trace) -> Vec<String> {
    let world = Arc::new(World::default());
    world.refuse.lock().extend(trace.refused.iter().copied());
    let top = match setup(&trace.top, "top", &world).start().await {
        Ok(top) => top,
        Err(error) => {
            settle().await;
            return vec![format!("{} {}", world.events(), started(Err(error)))];
        }
    };
    world.supervisors.lock().insert("top", top.clone());
    let watch = world.tree.watch("top").expect("it runs");
    settle().await;
    let mut entries = vec![format!("{} ok {}", world.events(), world.children(&top).await)];
    for step in &trace.steps {
        let answer = world.carry_out(step).await;
        settle().await;
        if !alive(&top.cell()) {
            entries.push(format!("{} {answer} ended {}", world.events(), ending(&watch.await)));
            return entries;
        }
        entries.push(format!("{} {answer} {}", world.events(), world.children(&top).await));
    }
    top.stop(Duration::from_secs(600)).await;
    settle().await;
    entries.push(format!("{} {}", world.events(), ending(&watch.await)));
    entries
}

// ---- the comparison

/// What a killed supervisor leaves behind ends at its own pace, on both sides: these ends come first, by name.
fn in_order(step: Option<&Step>, entry: &str) -> String {
    let (Some(Step::Kill("s")), Some((events, rest))) = (step, entry.split_once(']')) else {
        return entry.to_owned();
    };
    let events = events.trim_start_matches('[').split(' ').filter(|event| !event.is_empty());
    let (mut orphans, others): (Vec<&str>, Vec<&str>) = events.partition(|event| event.starts_with("xs"));
    orphans.sort_unstable();
    orphans.extend(others);
    format!("[{}]{rest}", orphans.join(" "))
}

/// Sets both sides beside each other, a step per line.
fn compare(trace: &Trace, otp: &[String], ours: &[String]) -> (bool, String) {
    let step = |place: usize| place.checked_sub(1).and_then(|place| trace.steps.get(place));
    let mut equal = true;
    let mut text = format!("{trace}\n");
    for place in 0..otp.len().max(ours.len()) {
        let entry =
            |side: &[String]| side.get(place).map_or("(nothing)".to_owned(), |e| in_order(step(place), e));
        let (otp, ours) = (entry(otp), entry(ours));
        let same = otp == ours;
        equal &= same;
        let label = step(place).map_or("start or end".to_owned(), ToString::to_string);
        let mark = if same { ' ' } else { '*' };
        text += &format!("{mark} {label}\n    OTP:  {otp}\n    ours: {ours}\n");
    }
    (equal, text)
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {value}")))
}

#[test]
fn random_traces_look_as_under_otp() {
    let replay = number("ROHAS_OTP_SEED");
    let first = replay.unwrap_or_else(|| Rng::new().u64(..1 << 48));
    let traces = if replay.is_some() { 1 } else { number("ROHAS_OTP_TRACES").unwrap_or(TRACES) };
    println!("{traces} traces from seed {first}");
    let mut otp = Otp::start();
    let (mut steps, mut events) = (0, 0);
    for seed in first..first + traces {
        let trace = Trace::random(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let ours = runtime.expect("a runtime without I/O starts").block_on(run(&trace));
        let theirs = otp.run(&trace);
        steps += theirs.len();
        events += theirs.iter().map(|entry| entry.matches(['+', '-', '!', 'x']).count()).sum::<usize>();
        let (equal, text) = compare(&trace, &theirs, &ours);
        assert!(equal, "ROHAS_OTP_SEED={seed} replays this:\n{text}");
        if replay.is_some() {
            println!("{text}");
        }
    }
    println!("{steps} steps with {events} starts, failed starts and ends");
    assert!(replay.is_some() || events > steps, "the traces do something");
}

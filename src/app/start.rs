//! From a checked app to a running tree.

use std::collections::HashMap;
use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::net::TcpListener;

use crate::actors::{
    Api, Context, Cron, EventSubscriber, Executor, Executors, Pool, Socket, WorkerSlot, boot_in_time,
};
use crate::app::handle::Shared;
use crate::app::{ActorApp, App, Running};
use crate::bus::memory::Memory;
use crate::http::{Access, Admin, Door, Limits, Listener, RouteError, Routes};
use crate::invocation::HandlerId;
use crate::lang::discover::Folders;
use crate::lang::native::{Host, Names, Native};
use crate::lang::{FileHandler, Language, Problem, Runtime, Worker};
use crate::shutdown::{Phase, Shutdown};
use crate::supervision::{self, ChildSpec, Policy, Strategy, Supervisor, Tree};
use crate::telemetry::Telemetry;

/// How long the tree without the actors of the user's own may take to stop.
const STOP: Duration = Duration::from_secs(10);

/// Why an app did not start. Its `Debug` is text for people, because that is what a `main` prints that returns it.
#[derive(thiserror::Error)]
pub enum StartError {
    /// Handlers that do not load, of every language.
    #[error("{} handler problem(s)", .0.len())]
    Handlers(Vec<Problem>),
    /// Paths that cannot be served together.
    #[error("{} route problem(s)", .0.len())]
    Routes(Vec<RouteError>),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configured address of the admin door cannot be listened on.
    #[error("cannot listen on {address} for the admin door")]
    Admin {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A cron whose schedule is not understood.
    #[error("cron {0}")]
    Cron(String),
    /// The root of the tree failed too often while the app ran.
    #[error("the supervision tree gave up")]
    GaveUp,
    /// An actor of the tree did not start.
    #[error("the tree did not start")]
    Tree(#[source] supervision::StartError),
}

impl StartError {
    /// Lists what is wrong, a line each.
    pub fn lines(&self) -> Vec<String> {
        match self {
            StartError::Handlers(problems) => problems
                .iter()
                .map(|problem| match &problem.hint {
                    Some(hint) => format!("{problem}\n  help: {hint}"),
                    None => problem.to_string(),
                })
                .collect(),
            StartError::Routes(errors) => errors.iter().map(ToString::to_string).collect(),
            StartError::Listen { address, source } => vec![format!("cannot listen on {address}: {source}")],
            StartError::Admin { address, source } => vec![format!(
                "cannot listen on {address} for the admin door: {source}\n  help: set [admin] host and port in \
                 config/rohas.toml, or enabled = false"
            )],
            StartError::Cron(error) => vec![format!("cron {error}")],
            StartError::GaveUp => vec![self.to_string()],
            StartError::Tree(error) => vec![error.to_string()],
        }
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

/// A runtime, the pool in front of it, and its first worker, which is up.
struct Engine {
    runtime: Arc<dyn Runtime>,
    pool: Pool,
    warm: Arc<dyn Worker>,
}

/// Starts `app`.
pub(in crate::app) async fn start(app: ActorApp) -> Result<Running, StartError> {
    let listener = listen(&app).await?;
    let http_addr = listener.local_addr().map_err(|source| listen_error(&app, source))?;
    let admin = listen_admin(&app).await?;
    let admin_addr = admin.as_ref().map(|(_, address)| *address);
    let languages = languages(&app);
    let engines = boot(&app).await?;
    let pools = engines.iter().map(|engine| (engine.runtime.language(), engine.pool.clone())).collect();
    let context = Arc::new(Context {
        app: app.config.project.name.as_str().into(),
        schema: Arc::clone(&app.schema),
        executors: Executors::new(pools, languages),
        bus: Arc::new(Memory::default()),
        shutdown: Shutdown::default(),
        tree: Tree::default(),
        telemetry: Telemetry::default(),
        timeout: app.config.limits.timeout,
        publish_wait: app.config.limits.publish_wait,
        mailbox_bytes: app.config.limits.mailbox_bytes,
    });
    let apis: Vec<Api> =
        app.schema.apis.values().map(|spec| Api::new(spec.clone(), Arc::clone(&context))).collect();
    let sockets: Vec<Socket> =
        app.schema.sockets.values().map(|spec| Socket::new(spec.clone(), Arc::clone(&context))).collect();
    let routes = Routes::new(&apis, &sockets).map_err(StartError::Routes)?;
    let limits = &app.config.limits;
    let limits = Limits {
        header_timeout: limits.header_timeout,
        body_bytes: limits.body_bytes,
        message_bytes: limits.message_bytes,
        connections: limits.connections,
    };
    let (bounds, header_timeout) = (limits.bounds(), limits.header_timeout);
    let door = Door { context: Arc::clone(&context), routes, limits };
    let door = Listener::new(listener, door, bounds, context.shutdown.clone()).child("listener");
    let admin = admin.map(|socket| admin_door(&app, &context, socket, header_timeout));
    let actors = app.actors.spec(&context.app, &context.tree);
    let children = branches(&context, engines, (actors, &apis), (&sockets, door, admin))?;
    let apis = apis.into_iter().map(|api| (api.spec().name.clone(), api)).collect();
    let names = Names::default();
    let shared = Arc::new(Shared {
        context: Arc::clone(&context),
        apis,
        root: OnceLock::new(),
        http_addr,
        admin_addr,
        names,
    });
    let host: Weak<dyn Host> = Arc::<Shared>::downgrade(&shared);
    app.actors.settle(&host);
    app.provided.attach(host); // before anything calls a handler
    let policy = Policy::new(Strategy::RestForOne);
    let root = Supervisor { path: context.app.to_string(), policy, tree: context.tree.clone(), children };
    let root = root.start().await.map_err(StartError::Tree)?;
    let _ = shared.root.set(root.clone());
    // Once the root has given up nobody takes anything from the mailboxes: tell callers so at once.
    let (cell, shutdown) = (root.cell(), context.shutdown.clone());
    tokio::spawn(async move {
        let _ = cell.wait(None).await;
        shutdown.enter(Phase::Forced);
    });
    tracing::info!(app = %context.app, address = %http_addr, "started");
    if let Some(address) = admin_addr {
        tracing::info!(%address, "admin door open");
    }
    let patience = app.actors.patience().map(|patience| patience.saturating_add(STOP));
    Ok(Running { app: App::new(shared), drain: app.config.limits.drain, patience })
}

/// The door through which the running app is looked at.
fn admin_door(
    app: &ActorApp,
    context: &Arc<Context>,
    (socket, address): (TcpListener, SocketAddr),
    header_timeout: Duration,
) -> ChildSpec {
    let config = &app.config.admin;
    let token = config.token.as_ref().map(|token| token.expose().to_owned());
    let access = Access { host: config.host.clone(), address, token };
    let admin = Admin::new(Arc::clone(context), access);
    Listener::new(socket, admin, Admin::bounds(header_timeout), context.shutdown.clone()).child("admin")
}

async fn listen(app: &ActorApp) -> Result<TcpListener, StartError> {
    let server = &app.config.server;
    TcpListener::bind((server.host.as_str(), server.port)).await.map_err(|source| listen_error(app, source))
}

/// Binds the admin door's socket, if there is to be one. A port that nobody asked for and that cannot be had is no
/// reason not to start.
async fn listen_admin(app: &ActorApp) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    let config = &app.config.admin;
    if !config.enabled {
        return Ok(None);
    }
    let port = config.port(&app.config.server);
    let bound = TcpListener::bind((config.host.as_str(), port)).await;
    let bound = bound.and_then(|socket| socket.local_addr().map(|address| (socket, address)));
    let source = match bound {
        Ok(bound) => return Ok(Some(bound)),
        Err(error) => error,
    };
    let address = format!("{}:{port}", config.host);
    if config.port.is_some() || !matches!(source.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) {
        return Err(StartError::Admin { address, source });
    }
    tracing::warn!(
        address,
        error = %source,
        "no admin door, so `rohas tree` and its metrics are not there: set [admin] port to a free one, or \
         enabled = false"
    );
    Ok(None)
}

fn listen_error(app: &ActorApp, source: std::io::Error) -> StartError {
    let address = format!("{}:{}", app.config.server.host, app.config.server.port);
    StartError::Listen { address, source }
}

fn languages(app: &ActorApp) -> HashMap<HandlerId, Language> {
    app.handlers().into_iter().map(|(id, language, _)| (id, language)).collect()
}

/// Makes the runtimes that the project needs and boots one worker of each, side by side; the worker is the pool's
/// first. So the problems of all languages come at once, before any actor runs.
async fn boot(app: &ActorApp) -> Result<Vec<Engine>, StartError> {
    let runtimes = runtimes(app);
    let booted = join_all(runtimes.iter().map(|runtime| boot_in_time(&**runtime))).await;
    let mut engines = Vec::new();
    let mut problems = Vec::new();
    for (runtime, result) in runtimes.into_iter().zip(booted) {
        match result {
            Ok(warm) => {
                let pool = Pool::new(runtime.max_concurrency());
                engines.push(Engine { runtime, pool, warm });
            }
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        return Ok(engines);
    }
    engines.iter().for_each(|engine| engine.warm.stop());
    Err(StartError::Handlers(problems))
}

#[cfg_attr(
    not(any(feature = "typescript", feature = "python")),
    expect(unused_variables, reason = "only Rust is left")
)]
fn runtimes(app: &ActorApp) -> Vec<Arc<dyn Runtime>> {
    let root = &app.root;
    let of = |language: Language| -> Vec<FileHandler> {
        app.files.iter().filter(|file| Folders::language(&file.path) == language).cloned().collect()
    };
    let mut runtimes: Vec<Arc<dyn Runtime>> = Vec::new();
    if !app.functions.is_empty() {
        runtimes.push(Arc::new(Native::new(app.functions.clone())));
    }
    #[cfg(feature = "typescript")]
    if let files @ [_, ..] = &of(Language::TypeScript)[..] {
        let config = app.config.typescript.clone();
        runtimes.push(Arc::new(crate::lang::v8::V8::new(
            config,
            root.clone(),
            files.to_vec(),
            Arc::clone(&app.schema),
        )));
    }
    #[cfg(feature = "python")]
    if let files @ [_, ..] = &of(Language::Python)[..] {
        let config = app.config.python.clone();
        runtimes.push(Arc::new(crate::lang::python::Python::new(config, root.clone(), files.to_vec())));
    }
    runtimes
}

/// The branches of the root, in start order.
fn branches(
    context: &Arc<Context>,
    engines: Vec<Engine>,
    (actors, apis): (ChildSpec, &[Api]),
    (sockets, door, admin): (&[Socket], ChildSpec, Option<ChildSpec>),
) -> Result<Vec<ChildSpec>, StartError> {
    let root = &*context.app;
    let tree = &context.tree;
    let one_for_one = Policy::new(Strategy::OneForOne);
    let branch =
        |name: &str, children: Vec<ChildSpec>| ChildSpec::supervisor(root, name, one_for_one, tree, children);
    let executors = engines.into_iter().map(|engine| executor(context, &format!("{root}/executors"), engine));
    let crons = app_crons(context)?;
    let api_children = apis.iter().map(Api::child).collect();
    let socket_children = sockets.iter().map(|socket| socket.child(&format!("{root}/sockets"))).collect();
    // The admin door comes early: no restart of what is looked at through it ends it.
    let first = [Some(context.telemetry.child()), admin].into_iter().flatten();
    let rest = [
        branch("executors", executors.collect()),
        actors,
        branch("events", events(context, &format!("{root}/events"))),
        branch("crons", crons),
        branch("apis", api_children),
        branch("sockets", socket_children),
        branch("http", vec![door]),
    ];
    Ok(first.chain(rest).collect())
}

/// The executor of one language over its workers.
fn executor(context: &Context, parent: &str, Engine { runtime, pool, warm }: Engine) -> ChildSpec {
    let language = runtime.language();
    let picker = Executor { pool: pool.clone(), shutdown: context.shutdown.clone() };
    let warm = Arc::new(Mutex::new(Some(warm)));
    let worker = match language {
        Language::Rust => "process",
        Language::TypeScript => "isolate",
        Language::Python => "interpreter",
    };
    let workers = (0..runtime.workers()).map(|number| {
        let slot =
            WorkerSlot { number, runtime: Arc::clone(&runtime), pool: pool.clone(), warm: Arc::clone(&warm) };
        slot.child(format!("{worker}-{number}"))
    });
    let children = std::iter::once(picker.child()).chain(workers).collect();
    ChildSpec::supervisor(parent, language.executor(), Policy::engines(), &context.tree, children)
}

/// A supervisor per event over an actor per handler; subscribes the handlers to the bus.
fn events(context: &Arc<Context>, parent: &str) -> Vec<ChildSpec> {
    let supervise = |event: &crate::schema::Event| {
        context.bus.declare(&event.name);
        let subscribers = EventSubscriber::all(event, context);
        let children = subscribers.iter().map(EventSubscriber::child).collect();
        for subscriber in subscribers {
            context.bus.subscribe(&event.name, Box::new(subscriber));
        }
        ChildSpec::supervisor(parent, &event.name, Policy::new(Strategy::OneForOne), &context.tree, children)
    };
    context.schema.events.values().map(supervise).collect()
}

fn app_crons(context: &Arc<Context>) -> Result<Vec<ChildSpec>, StartError> {
    let crons = context.schema.crons.values().map(|spec| {
        let cron = Cron::new(spec.clone(), Arc::clone(context));
        let cron = cron.map_err(|error| StartError::Cron(format!("{}: {error}", spec.name)))?;
        Ok(cron.child())
    });
    crons.collect()
}

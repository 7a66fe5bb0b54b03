//! [`Builder`]: collects what an app is made of and reports everything that is wrong with it at once.

use std::any::{Any, type_name};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::actors::user::{Group, Member};
use crate::app::{ACTORS, ActorApp};
use crate::config::{self, Config};
use crate::invocation::{HandlerId, Kind};
use crate::lang::discover::Folders;
use crate::lang::native::{Definition, Function, Handler, Provided, Site};
use crate::lang::{FileHandler, Language, Problem};
use crate::schema::{self, Diagnostic, Schema, Severity, SourceFile};
use crate::supervision::{Policy, StartError, Strategy};

mod targets;

/// Everything that keeps an app from being built. Its `Debug` is text for people, because that is what a `main` prints
/// that returns it.
#[derive(thiserror::Error)]
#[error("the app cannot be built: {} problem(s)", .diagnostics.len() + .problems.len())]
pub struct BuildError {
    /// What is wrong with the schema, with file and span; warnings included.
    pub diagnostics: Vec<Diagnostic>,
    /// What is wrong with configuration and handlers.
    pub problems: Vec<Problem>,
}

impl BuildError {
    /// Renders all of it for a terminal, schema sources underlined.
    pub fn render(&self, colour: bool) -> String {
        let mut out = schema::render(&self.diagnostics, colour);
        for problem in &self.problems {
            let hint = problem.hint.as_ref().map(|hint| format!("\n  help: {hint}")).unwrap_or_default();
            out.push(format!("  × {problem}{hint}\n"));
        }
        out.join("\n")
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}\n{}", self.render(false))
    }
}

/// A handler that the schema names and that is nowhere.
pub(crate) struct Missing {
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "the command line lists it"))]
    pub(crate) id: HandlerId,
    pub(crate) problem: Problem,
}

/// All there is to a project, for commands that show it as far as it goes.
pub(crate) struct Checked {
    pub(crate) config: Config,
    pub(crate) schema: Schema,
    pub(crate) root: PathBuf,
    pub(crate) functions: HashMap<HandlerId, Function>,
    pub(crate) provided: Arc<Provided>,
    pub(crate) actors: Group,
    pub(crate) files: Vec<FileHandler>,
    pub(crate) missing: Vec<Missing>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Configuration and files that could not be read.
    pub(crate) unread: Vec<Problem>,
    /// What is wrong with handlers, but for those that are missing or that no engine can run.
    pub(crate) problems: Vec<Problem>,
}

impl Checked {
    /// Returns a problem for every handler file in a language that this build leaves out.
    pub(crate) fn without_engine(&self) -> Vec<Problem> {
        self.files.iter().filter_map(|file| supported(file).err()).collect()
    }
}

/// Describes an app; see [`ActorApp::builder`].
#[derive(Default)]
pub struct Builder {
    project: Option<PathBuf>,
    schema_dir: Option<PathBuf>,
    schema_text: Vec<SourceFile>,
    config_file: Option<PathBuf>,
    config: Option<Config>,
    handlers_dir: Option<PathBuf>,
    functions: Vec<(String, Definition)>,
    provided: Provided,
    /// Types of which `data` was given more than one value.
    given_twice: Vec<&'static str>,
    children: Vec<Member>,
    children_policy: Option<Policy>,
}

impl Builder {
    /// Uses a project folder: `schema/`, `config/rohas.toml`, `src/handlers/` and `src/middlewares/` below it, as
    /// far as they exist and are not set on their own.
    pub fn project_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.project = Some(path.into());
        self
    }

    /// Reads every `.ro` file below this folder.
    pub fn schema_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.schema_dir = Some(path.into());
        self
    }

    /// Adds schema text; may be combined with a folder.
    pub fn schema_text(mut self, text: impl Into<String>) -> Self {
        let path = format!("schema_text {}", self.schema_text.len() + 1);
        self.schema_text.push(SourceFile { path, text: text.into() });
        self
    }

    /// Reads the configuration from this file, which must exist.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_file = Some(path.into());
        self
    }

    /// Uses this configuration; no file and no environment is read.
    pub fn config(mut self, config: Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Looks for TypeScript and Python handlers in this folder.
    pub fn handlers_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.handlers_dir = Some(path.into());
        self
    }

    /// Registers a Rust handler under the name of an api, event handler, cron, middleware or, as
    /// `Chat.on_message`, WebSocket function. What it takes is checked against the schema by [`Builder::build`].
    pub fn handler<A, H: Handler<A>>(mut self, name: &str, handler: H) -> Self {
        self.functions.push((name.to_owned(), handler.erase()));
        self
    }

    /// Gives Rust handlers a value, which they take as [`Data<T>`](crate::Data): one per type, shared by all calls.
    pub fn data<T: Any + Send + Sync>(mut self, value: T) -> Self {
        if !self.provided.insert(value) {
            self.given_twice.push(type_name::<T>());
        }
        self
    }

    /// Adds an actor of the program's own, a plain `ractor` actor or a [`Group`] of them. They run in the branch
    /// `actors` of the tree: started in this order, after the engines and before everything that runs handlers, and
    /// stopped the other way round. What is wrong with them is said by [`Builder::build`].
    pub fn child(mut self, member: impl Into<Member>) -> Self {
        self.children.push(member.into());
        self
    }

    /// Sets the policy of the branch `actors`; [`Policy::new`] with [`Strategy::OneForOne`] unless set.
    pub fn children_policy(mut self, policy: Policy) -> Self {
        self.children_policy = Some(policy);
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// Every problem of schema, configuration and handlers at once.
    pub fn build(self) -> Result<ActorApp, BuildError> {
        let checked = self.check();
        let engines = checked.without_engine();
        let Checked { config, schema, root, functions, provided, actors, files, .. } = checked;
        let (missing, diagnostics) = (checked.missing, checked.diagnostics);
        let (unread, problems) = (checked.unread, checked.problems);
        let mut problems: Vec<Problem> = unread.into_iter().chain(problems).chain(engines).collect();
        problems.extend(missing.into_iter().map(|missing| missing.problem));
        let fatal = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        if fatal || !problems.is_empty() {
            return Err(BuildError { diagnostics, problems });
        }
        let schema = Arc::new(schema);
        Ok(ActorApp { config, schema, root, functions, provided, files, actors, warnings: diagnostics })
    }

    /// Checks everything and returns what there is, however broken.
    pub(crate) fn check(self) -> Checked {
        let (mut unread, mut problems) = (Vec::new(), Vec::new());
        let config = self.load_config(&mut unread);
        let sources = self.load_schema(&mut unread);
        let (schema, diagnostics) = schema::compile(&sources);
        let root = self.root();
        let folders = self.folders(&root);
        let twice = |name: &&str| {
            let problem = Problem::new(format!("two values of the type {name} are given as data"));
            problem.hint("a handler asks for data by its type: wrap one of them in a type of its own")
        };
        problems.extend(self.given_twice.iter().map(twice));
        let handlers = resolve_handlers(&schema, self.functions, &folders, &mut problems);
        let Handlers { definitions, files, missing } = handlers;
        let provided = Arc::new(self.provided);
        let actors = branch(self.children_policy, self.children);
        problems.extend(actors.problems(&config.project.name).iter().map(unsupervisable));
        // What a broken schema does not say yet is no fault of the handlers.
        let broken = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        let mut found = Vec::new();
        let functions = bind(&schema, definitions, &provided, &mut found);
        if !broken {
            problems.extend(found);
        }
        Checked {
            config,
            schema,
            root,
            functions,
            provided,
            actors,
            files,
            missing,
            diagnostics,
            unread,
            problems,
        }
    }

    /// Reads the configuration and the schema files and looks for nothing else: what tools on schemas need.
    ///
    /// # Errors
    /// A configuration or a file that cannot be read. What is wrong inside the schema is for
    /// [`compile`](schema::compile) to say.
    pub fn sources(&self) -> Result<(Config, Vec<SourceFile>), BuildError> {
        let mut problems = Vec::new();
        let config = self.load_config(&mut problems);
        let sources = self.load_schema(&mut problems);
        if problems.is_empty() {
            Ok((config, sources))
        } else {
            // Said at once with what is wrong in the files that could be read.
            Err(BuildError { diagnostics: schema::compile(&sources).1, problems })
        }
    }

    /// Looks for the file of every handler that `schema` names: none is found for Rust functions and missing handlers.
    pub fn handler_files(&self, schema: &Schema) -> Vec<(HandlerId, Result<Option<FileHandler>, Problem>)> {
        let folders = self.folders(&self.root());
        wanted(schema).into_iter().map(|id| (id.clone(), folders.find(&id))).collect()
    }

    fn load_config(&self, problems: &mut Vec<Problem>) -> Config {
        if let Some(config) = &self.config {
            // A configuration made by hand has been through no checks.
            problems.extend(config.check().err().map(Problem::new));
            return config.clone();
        }
        let in_project = self.project.as_deref().and_then(config::find);
        let path = self.config_file.clone().or(in_project);
        Config::load(path.as_deref()).unwrap_or_else(|error| {
            problems.push(Problem::new(error.to_string()));
            Config::default()
        })
    }

    fn load_schema(&self, problems: &mut Vec<Problem>) -> Vec<SourceFile> {
        let mut sources = self.schema_text.clone();
        let in_project = self.project.as_ref().map(|project| project.join("schema"));
        if let Some(dir) = self.schema_dir.clone().or(in_project) {
            let before = (sources.len(), problems.len());
            if dir.is_dir() {
                read_schema(&dir, &mut HashSet::new(), &mut sources, problems);
            } else {
                let problem = Problem::new(format!("{}: there is no such folder", dir.display()));
                problems.push(problem.hint("name the folder of a project; `rohas init` makes one"));
            }
            if before == (sources.len(), problems.len()) {
                let problem = Problem::new(format!("{}: no .ro file in there", dir.display()));
                problems.push(problem.hint("a schema lies in schema/**/*.ro"));
            }
        }
        sources
    }

    /// The folder that packages are resolved from: the project, else what `src/handlers` lies in.
    fn root(&self) -> PathBuf {
        let above = |dir: &PathBuf| {
            let src = dir.parent()?;
            if src.file_name()? == "src" {
                src.parent().map(Path::to_path_buf)
            } else {
                Some(src.to_path_buf())
            }
        };
        let root = self.project.clone().or_else(|| self.handlers_dir.as_ref().and_then(above));
        let root = root.unwrap_or_else(|| PathBuf::from("."));
        std::path::absolute(&root).unwrap_or(root)
    }

    fn folders(&self, root: &Path) -> Folders {
        let handlers = self.handlers_dir.clone().unwrap_or_else(|| root.join("src/handlers"));
        let handlers = std::path::absolute(&handlers).unwrap_or(handlers);
        let middlewares = handlers.parent().unwrap_or(&handlers).join("middlewares");
        Folders { handlers, middlewares }
    }
}

/// The branch of the actors of the program's own.
fn branch(policy: Option<Policy>, members: Vec<Member>) -> Group {
    let policy = policy.unwrap_or_else(|| Policy::new(Strategy::OneForOne));
    members.into_iter().fold(Group::new(ACTORS, policy), Group::child)
}

fn unsupervisable(error: &StartError) -> Problem {
    Problem::new(error.to_string())
}

/// Reads `**/*.ro` below `dir`, in a stable order; what is hidden is left out, and no folder is read twice.
fn read_schema(
    dir: &Path,
    visited: &mut HashSet<PathBuf>,
    sources: &mut Vec<SourceFile>,
    problems: &mut Vec<Problem>,
) {
    if let Ok(real) = dir.canonicalize()
        && !visited.insert(real)
    {
        return;
    }
    let unread = |path: &Path, error: std::io::Error| {
        let reason = match error.kind() {
            ErrorKind::InvalidData => "the file is not text in UTF-8".to_owned(),
            _ => error.to_string(),
        };
        Problem::new(format!("{}: {reason}", path.display()))
    };
    let entries = std::fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>());
    let mut entries = entries.unwrap_or_else(|error| {
        problems.push(unread(dir, error));
        Vec::new()
    });
    entries.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    entries.sort();
    for path in entries {
        if path.is_dir() {
            read_schema(&path, visited, sources, problems);
        } else if path.extension().is_some_and(|extension| extension == "ro") {
            match std::fs::read_to_string(&path) {
                Ok(text) => sources.push(SourceFile { path: path.display().to_string(), text }),
                Err(error) => problems.push(unread(&path, error)),
            }
        }
    }
}

/// Lists every handler that the schema names; the flag says whether it must exist.
fn wanted(schema: &Schema) -> BTreeSet<HandlerId> {
    let mut wanted = BTreeSet::new();
    let mut want = |kind: Kind, name: &str| {
        wanted.insert(HandlerId::new(kind, name));
    };
    for api in schema.apis.values() {
        want(Kind::Api, &api.name);
        api.middlewares.iter().for_each(|name| want(Kind::Middleware, name));
    }
    for event in schema.events.values() {
        event.handlers.iter().for_each(|name| want(Kind::Event, name));
    }
    schema.crons.values().for_each(|cron| want(Kind::Cron, &cron.name));
    for socket in schema.sockets.values() {
        let functions = [&socket.on_connect, &socket.on_message, &socket.on_disconnect];
        for function in functions.into_iter().flatten() {
            want(Kind::Ws, &format!("{}.{function}", socket.name));
        }
        socket.middlewares.iter().for_each(|name| want(Kind::Middleware, name));
    }
    wanted
}

/// What the schema names and where it is.
struct Handlers {
    definitions: HashMap<HandlerId, Definition>,
    files: Vec<FileHandler>,
    missing: Vec<Missing>,
}

/// Finds a Rust function or a file for every handler the schema names.
fn resolve_handlers(
    schema: &Schema,
    registered: Vec<(String, Definition)>,
    folders: &Folders,
    problems: &mut Vec<Problem>,
) -> Handlers {
    let wanted = wanted(schema);
    let mut definitions = HashMap::new();
    for (name, definition) in registered {
        let ids: Vec<&HandlerId> = wanted.iter().filter(|id| *id.name == *name).collect();
        match ids[..] {
            [] => problems.push(unknown_handler(&name, &wanted)),
            [id] if definitions.contains_key(id) => {
                problems.push(Problem::new(format!("two Rust handlers are registered for {id}")));
            }
            [id] => drop(definitions.insert(id.clone(), definition)),
            [..] => {
                let kinds: Vec<String> = ids.iter().map(ToString::to_string).collect();
                let message = format!("the Rust handler \"{name}\" could be any of {}", kinds.join(", "));
                problems.push(Problem::new(message).hint("rename one of them in the schema"));
            }
        }
    }
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    for id in &wanted {
        match (folders.find(id), definitions.contains_key(id)) {
            (Err(problem), _) => problems.push(problem),
            (Ok(Some(file)), true) => {
                let message = format!("{id} has a Rust handler and the file {}", file.path.display());
                problems.push(Problem::new(message).hint("remove one of them"));
            }
            (Ok(Some(file)), false) => files.push(file),
            (Ok(None), true) => {}
            (Ok(None), false) => {
                let message = format!("there is no handler for {id}: {}", folders.tried(id));
                let hint = "write one, or register a Rust function with .handler(..)";
                missing.push(Missing { id: id.clone(), problem: Problem::new(message).hint(hint) });
            }
        }
    }
    Handlers { definitions, files, missing }
}

/// Checks what each Rust handler takes against what it serves, and gives it its place.
fn bind(
    schema: &Schema,
    definitions: HashMap<HandlerId, Definition>,
    provided: &Arc<Provided>,
    problems: &mut Vec<Problem>,
) -> HashMap<HandlerId, Function> {
    let mut definitions: Vec<(HandlerId, Definition)> = definitions.into_iter().collect();
    definitions.sort_by(|(left, _), (right, _)| left.cmp(right));
    let bound = definitions.into_iter().map(|(id, definition)| {
        let served = targets::served(schema, &id);
        problems.extend(targets::check(&id, &definition, &served, provided));
        // The paths that a middleware runs before need not have the same order.
        let one = if id.kind == Kind::Middleware { None } else { served.into_iter().next() };
        let params = one.map(|served| served.params).unwrap_or_default();
        let function = definition.bind(Site { params, provided: Arc::clone(provided) });
        (id, function)
    });
    bound.collect()
}

fn unknown_handler(name: &str, wanted: &BTreeSet<HandlerId>) -> Problem {
    let known: Vec<&str> = wanted.iter().map(|id| &*id.name).collect();
    let problem = Problem::new(format!("a Rust handler \"{name}\" is registered, but the schema names none"));
    match schema::nearest(name, known.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
        None => problem,
    }
}

/// Refuses a language that this build leaves out.
fn supported(file: &FileHandler) -> Result<(), Problem> {
    let (feature, present) = match Folders::language(&file.path) {
        Language::Python => ("python", cfg!(feature = "python")),
        _ => ("typescript", cfg!(feature = "typescript")),
    };
    if present {
        return Ok(());
    }
    let message = format!("{}: this build of rohas has no {feature} engine", file.path.display());
    Err(Problem::new(message).hint(format!("build it with the feature \"{feature}\"")))
}

#[cfg(test)]
mod tests;

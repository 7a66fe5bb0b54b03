//! What tests run: the mixed shop, apps from a schema in the test itself, projects in temporary folders.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use rohas::supervision::Node;
use rohas::{ActorApp, Builder, Config, Running};

use crate::client::Client;

#[path = "../../examples/shop/rust/mod.rs"]
mod rust;

/// An app that runs, and a client for it.
pub struct App {
    pub running: Running,
    pub client: Client,
}

impl Deref for App {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl App {
    /// Builds and starts an app; panics with every problem there is.
    pub async fn start(builder: Builder) -> App {
        rohas::lang::v8::init_platform();
        log();
        let app = builder.build();
        let app = app.unwrap_or_else(|error| panic!("{}", error.render(false)));
        let running = app.start().await;
        let running = running.unwrap_or_else(|error| panic!("{}", error.lines().join("\n")));
        let client = Client(running.http_addr());
        App { running, client }
    }

    /// Returns the actor at `path` of the tree.
    pub fn actor(&self, path: &str) -> Node {
        let tree = self.running.tree();
        let found = tree.find(path).cloned();
        found.unwrap_or_else(|| panic!("no {path} in\n{tree}"))
    }
}

/// Writes what apps log to the output of the test, which Cargo shows when it fails.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let _ = log.with_test_writer().try_init(); // the first test of the process does it
}

/// Where the shop's project lies.
pub fn shop_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop/app")
}

/// Fails when the packages of the shop are not installed.
pub fn check_setup() {
    for part in ["node_modules/slugify", ".venv/bin/python"] {
        let path = shop_dir().join(part);
        let shown = path.display();
        assert!(path.exists(), "{shown} is missing: run `make setup` once, it installs the shop's packages");
    }
}

/// Starts the mixed shop on a free port.
pub async fn shop() -> App {
    check_setup();
    let file = rohas::config::find(&shop_dir());
    let mut config = Config::load(file.as_deref()).unwrap();
    config.server.port = 0;
    let till = rust::Till::default();
    let app = App::start(rust::shop(&till).config(config)).await;
    till.follow(&app.running);
    app
}

/// A configuration that takes a free port, with more TOML below.
pub fn config(more: &str) -> Config {
    let text = format!("[server]\nport = 0\n{more}");
    Config::parse("the test", &text, &[], &|_| None).unwrap()
}

/// Describes an app by the schema alone; its handlers are Rust.
pub fn inline(schema: &str) -> Builder {
    ActorApp::builder().schema_text(schema).config(config(""))
}

/// A project in a folder of its own, removed at the end.
pub struct Project(PathBuf);

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Project {
    pub fn new(files: &[(&str, &str)]) -> Project {
        let root = std::env::temp_dir().join(format!("rohas-it-{}", uuid::Uuid::new_v4().simple()));
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Project(root)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Describes the app of the project, on a free port, with one worker per language.
    pub fn builder(&self) -> Builder {
        let config = config("[typescript]\nworkers = 1\n[python]\nworkers = 1\n");
        ActorApp::builder().project_dir(&self.0).config(config)
    }
}

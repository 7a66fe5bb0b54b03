//! `rohas list`: what a project consists of, as a table or as JSON. A project that cannot run is listed as far as it
//! goes: handlers that are still to be written are in the list.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::{Map, json};

use crate::app::{ActorApp, Checked};
use crate::cli::{Project, diagnostics, terminal};
use crate::invocation::{HandlerId, Json};
use crate::lang::Language;
use crate::lang::discover::Folders;
use crate::schema::Schema;

#[derive(clap::Args)]
pub struct Arguments {
    /// What to list.
    #[arg(value_enum)]
    what: What,
    #[command(flatten)]
    how: Options,
}

/// What `list` and its older spellings share.
#[derive(clap::Args)]
#[group(skip)]
pub struct Options {
    #[command(flatten)]
    project: Project,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    diagnostics: diagnostics::Arguments,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum What {
    /// Every handler, its language and its file.
    Handlers,
    /// Every event, its handlers and what it triggers.
    Events,
    /// Every route, its method and its entity.
    Routes,
}

pub const EXAMPLES: &str = "\
Examples:
  rohas list routes                  the routes of the project in this folder
  rohas list handlers shop           handlers that are still to be written are `missing`
  rohas list events --json | jq      for tools

With --json, the language of a missing handler is null.";

pub fn run(arguments: &Arguments) -> ExitCode {
    list(arguments.what, &arguments.how)
}

/// Prints the list of `what`; also called for the older commands `list-handlers` and `list-events`.
pub fn list(what: What, options: &Options) -> ExitCode {
    let project = &options.project.project;
    let checked = ActorApp::builder().project_dir(project).check();
    let mut problems = checked.unread.clone();
    if matches!(what, What::Handlers) {
        problems.extend(checked.problems.iter().cloned());
    }
    if options.diagnostics.fail(&checked.diagnostics, &problems) {
        return options.diagnostics.print(&checked.diagnostics, &problems);
    }
    let (columns, rows) = match what {
        What::Handlers => handlers(&checked, project),
        What::Events => events(&checked.schema),
        What::Routes => routes(&checked.schema),
    };
    if options.json {
        let object = |row: &Vec<Json>| -> Json {
            let cells = columns.iter().zip(row);
            cells.map(|(column, cell)| ((*column).to_owned(), cell.clone())).collect::<Map<_, _>>().into()
        };
        terminal::print(&format!("{:#}\n", Json::from(rows.iter().map(object).collect::<Vec<_>>())));
    } else {
        let here = std::env::current_dir().unwrap_or_default();
        let rows: Vec<Vec<String>> = rows.iter().map(|row| cells(row, &here)).collect();
        terminal::print(&table(&columns, &rows));
    }
    ExitCode::SUCCESS
}

type Table = (Vec<&'static str>, Vec<Vec<Json>>);

fn handlers(checked: &Checked, project: &Path) -> Table {
    let missing = crate::cli::registers_rust(project).then_some(Language::Rust);
    let files = checked.files.iter();
    let files = files.map(|file| (&file.id, Some(Folders::language(&file.path)), Some(&file.path)));
    let missing = checked.missing.iter().map(|handler| (&handler.id, missing, None));
    let mut all: Vec<(&HandlerId, Option<Language>, Option<&PathBuf>)> = files.chain(missing).collect();
    all.sort_by_key(|(id, ..)| *id);
    let rows = all.into_iter().map(|(id, language, path)| {
        vec![
            json!(id.kind.as_str()),
            json!(*id.name),
            json!(language.map(|language| format!("{language:?}"))),
            json!(path.map(|path| path.display().to_string())),
        ]
    });
    (vec!["kind", "name", "language", "file"], rows.collect())
}

fn events(schema: &Schema) -> Table {
    let row = |event: &crate::schema::Event| {
        vec![json!(event.name), json!(event.handlers.join(" ")), json!(event.triggers.join(" "))]
    };
    (vec!["event", "handlers", "triggers"], schema.events.values().map(row).collect())
}

fn routes(schema: &Schema) -> Table {
    let row = |method: &str, path: &str, entity: String| vec![json!(method), json!(path), json!(entity)];
    let apis = schema.apis.values();
    let apis = apis.map(|api| row(api.method.as_str(), &api.path, format!("api {}", api.name)));
    let sockets = schema.sockets.values().map(|ws| row("WS", &ws.path, format!("ws {}", ws.name)));
    (vec!["method", "path", "entity"], apis.chain(sockets).collect())
}

/// Makes the cells of a row for a person: files as seen from here.
fn cells(row: &[Json], here: &Path) -> Vec<String> {
    let cell = |(column, cell): (usize, &Json)| match cell.as_str() {
        Some(text) => {
            let path = Path::new(text);
            let near = path.strip_prefix(here).ok().filter(|_| path.is_absolute() && column == 3);
            near.map_or_else(|| text.to_owned(), |near| near.display().to_string())
        }
        None if column == 2 => "missing".to_owned(),
        None => String::new(),
    };
    row.iter().enumerate().map(cell).collect()
}

fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([columns[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let head: Vec<String> = columns.iter().map(|column| column.to_uppercase()).collect();
    std::iter::once(line(&head)).chain(rows.iter().map(|row| line(row))).collect()
}

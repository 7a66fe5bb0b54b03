//! `rohas list`: what a project consists of, as a table or as JSON.

use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::{Map, json};

use crate::app::ActorApp;
use crate::cli::Project;
use crate::cli::diagnostics::Arguments as Diagnostics;
use crate::invocation::Json;

#[derive(clap::Args)]
pub struct Arguments {
    /// What to list.
    #[arg(value_enum)]
    what: What,
    #[command(flatten)]
    project: Project,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Every handler, its language and its file.
    Handlers,
    /// Every event, its handlers and what it triggers.
    Events,
    /// Every route, its method and its entity.
    Routes,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let app = match ActorApp::builder().project_dir(&arguments.project.project).build() {
        Ok(app) => app,
        Err(error) => return Diagnostics::default().report(&error),
    };
    let (columns, rows) = match arguments.what {
        What::Handlers => handlers(&app),
        What::Events => events(&app),
        What::Routes => routes(&app),
    };
    if arguments.json {
        let object = |row: &Vec<String>| -> Json {
            columns
                .iter()
                .zip(row)
                .map(|(column, cell)| ((*column).to_owned(), json!(cell)))
                .collect::<Map<_, _>>()
                .into()
        };
        println!("{:#}", Json::from(rows.iter().map(object).collect::<Vec<_>>()));
    } else {
        table(&columns, &rows);
    }
    ExitCode::SUCCESS
}

type Table = (Vec<&'static str>, Vec<Vec<String>>);

fn handlers(app: &ActorApp) -> Table {
    let rows = app.handlers().into_iter().map(|(id, language, path)| {
        let path = path.map(|path| path.display().to_string()).unwrap_or_default();
        vec![id.kind.as_str().to_owned(), id.name.to_string(), format!("{language:?}"), path]
    });
    (vec!["kind", "name", "language", "file"], rows.collect())
}

fn events(app: &ActorApp) -> Table {
    let rows = app.schema().events.values();
    let rows = rows.map(|event| vec![event.name.clone(), event.handlers.join(" "), event.triggers.join(" ")]);
    (vec!["event", "handlers", "triggers"], rows.collect())
}

fn routes(app: &ActorApp) -> Table {
    let schema = app.schema();
    let apis = schema
        .apis
        .values()
        .map(|api| vec![api.method.as_str().to_owned(), api.path.clone(), format!("api {}", api.name)]);
    let sockets =
        schema.sockets.values().map(|ws| vec!["WS".to_owned(), ws.path.clone(), format!("ws {}", ws.name)]);
    (vec!["method", "path", "entity"], apis.chain(sockets).collect())
}

fn table(columns: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([columns[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    line(columns.iter().map(|column| column.to_uppercase()).collect());
    rows.iter().for_each(|row| line(row.clone()));
}

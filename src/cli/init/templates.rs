//! The files of a new project, by language: what lies in `templates/`, with the places where it goes.
//!
//! Called by `init`. Files that begin with a dot or that Cargo would take for its own have other names in here.

use crate::cli::init::Language;

/// A file of a template: its path in the project and its text.
pub type Template = (&'static str, &'static str);

macro_rules! templates {
    ($folder:literal: $($path:literal $(= $stored:literal)?),* $(,)?) => {
        &[$(($path, include_str!(concat!("../templates/", $folder, "/", templates!(@stored $path $($stored)?))))),*]
    };
    (@stored $path:literal) => { $path };
    (@stored $path:literal $stored:literal) => { $stored };
}

/// The section on trying it out, the same in every README.
pub const TRY: &str = include_str!("../templates/shared/try.md");

const SHARED: &[Template] = templates!("shared":
    "schema/models/task.ro",
    "schema/api/tasks.ro",
    "schema/api/journal.ro",
    "schema/events/task_created.ro",
    "schema/cron/daily_summary.ro",
    "schema/websockets/chat.ro",
    ".editorconfig" = "editorconfig",
    ".gitattributes" = "gitattributes",
);

const TYPESCRIPT: &[Template] = templates!("typescript":
    "README.md",
    ".gitignore" = "gitignore",
    ".vscode/extensions.json" = "extensions.json",
    ".vscode/settings.json" = "settings.json",
    "config/rohas.toml" = "rohas.toml",
    "package.json",
    "tsconfig.json",
    "src/lib/store.ts",
    "src/handlers/api/CreateTask.ts",
    "src/handlers/api/GetJournal.ts",
    "src/handlers/api/GetTask.ts",
    "src/handlers/api/ListTasks.ts",
    "src/handlers/cron/DailySummary.ts",
    "src/handlers/events/write_journal.ts",
    "src/handlers/websockets/Chat.ts",
    "tests/app.test.js",
);

const PYTHON: &[Template] = templates!("python":
    "README.md",
    ".gitignore" = "gitignore",
    ".vscode/extensions.json" = "extensions.json",
    ".vscode/settings.json" = "settings.json",
    "config/rohas.toml" = "rohas.toml",
    "pyproject.toml",
    "requirements.txt",
    "src/lib/store.py",
    "src/handlers/api/create_task.py",
    "src/handlers/api/get_journal.py",
    "src/handlers/api/get_task.py",
    "src/handlers/api/list_tasks.py",
    "src/handlers/cron/daily_summary.py",
    "src/handlers/events/write_journal.py",
    "src/handlers/websockets/chat.py",
    "tests/test_app.py",
);

const MIXED: &[Template] = templates!("mixed":
    "README.md",
    ".gitignore" = "gitignore",
    ".vscode/extensions.json" = "extensions.json",
    ".vscode/settings.json" = "settings.json",
    "config/rohas.toml" = "rohas.toml",
    "package.json",
    "src/lib/store.py",
    "src/lib/store.ts",
);

/// What a mixed project takes from the two others.
const MIXED_TYPESCRIPT: [&str; 5] = [
    "tsconfig.json",
    "src/handlers/api/CreateTask.ts",
    "src/handlers/api/GetTask.ts",
    "src/handlers/api/ListTasks.ts",
    "src/handlers/websockets/Chat.ts",
];
const MIXED_PYTHON: [&str; 6] = [
    "pyproject.toml",
    "requirements.txt",
    "src/handlers/api/get_journal.py",
    "src/handlers/cron/daily_summary.py",
    "src/handlers/events/write_journal.py",
    "tests/test_app.py",
];

const RUST: &[Template] = templates!("rust":
    "README.md",
    ".gitignore" = "gitignore",
    ".vscode/extensions.json" = "extensions.json",
    ".vscode/settings.json" = "settings.json",
    "config/rohas.toml" = "rohas.toml",
    "Cargo.toml" = "cargo.toml",
    "src/main.rs",
    "src/lib.rs",
    "src/handlers.rs",
    "src/store.rs",
    "tests/app.rs",
);

/// Returns all files of a new project.
pub fn templates(language: Language) -> Vec<Template> {
    let mut files = SHARED.to_vec();
    let taken = |from: &[Template], paths: &[&str]| -> Vec<Template> {
        from.iter().filter(|(path, _)| paths.contains(path)).copied().collect()
    };
    match language {
        Language::Typescript => files.extend(TYPESCRIPT),
        Language::Python => files.extend(PYTHON),
        Language::Rust => files.extend(RUST),
        Language::Mixed => {
            files.extend(MIXED);
            files.extend(taken(TYPESCRIPT, &MIXED_TYPESCRIPT));
            files.extend(taken(PYTHON, &MIXED_PYTHON));
        }
    }
    files
}

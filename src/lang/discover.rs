//! Finds the file of each handler by its name: the table of the handler contract as code.
//!
//! Called by the composition root at build time. Looks at file names only; whether a module has a usable function
//! is found out by the engine that loads it.

use std::path::{Path, PathBuf};

use crate::invocation::{HandlerId, Kind};
use crate::lang::{FileHandler, Language, Problem};
use crate::schema::{camel_case, pascal_case, snake_case};

/// Endings of handler files, in order of preference.
const EXTENSIONS: [&str; 5] = ["ts", "mts", "js", "mjs", "py"];

/// Where the handlers of a project live.
#[derive(Debug, Clone)]
pub struct Folders {
    /// `src/handlers`.
    pub handlers: PathBuf,
    /// `src/middlewares`.
    pub middlewares: PathBuf,
}

impl Folders {
    /// Returns the language of a handler file by its ending.
    pub fn language(path: &Path) -> Language {
        if path.extension().is_some_and(|ext| ext == "py") { Language::Python } else { Language::TypeScript }
    }

    /// Finds the file of `id`; `None` when there is none.
    ///
    /// # Errors
    /// Two files for one handler.
    pub fn find(&self, id: &HandlerId) -> Result<Option<FileHandler>, Problem> {
        let (folder, stems, functions) = self.names(id);
        let mut found: Vec<PathBuf> = Vec::new();
        for stem in &stems {
            let paths = EXTENSIONS.map(|extension| folder.join(format!("{stem}.{extension}")));
            found.extend(paths.into_iter().filter(|path| path.is_file()));
            if id.kind == Kind::Ws && !found.is_empty() {
                break; // a file of its own comes before the endpoint's file
            }
        }
        if let [first, second, ..] = &found[..] {
            let message =
                format!("two files for the handler {id}: {} and {}", first.display(), second.display());
            return Err(Problem::new(message).hint("remove or rename one of them"));
        }
        let path = found.pop();
        Ok(path.map(|path| FileHandler { id: id.clone(), path, functions }))
    }

    /// Describes what [`Folders::find`] looked for, for the error about a missing handler.
    pub fn tried(&self, id: &HandlerId) -> String {
        let (folder, stems, _) = self.names(id);
        let endings = EXTENSIONS.map(|ext| format!(".{ext}")).join(" ");
        let paths: Vec<String> = stems.iter().map(|stem| folder.join(stem).display().to_string()).collect();
        format!("tried {} with {endings}", paths.join(", "))
    }

    /// Returns the folder, the file stems and the function names of a handler.
    fn names(&self, id: &HandlerId) -> (PathBuf, Vec<String>, Vec<String>) {
        let name = id.name.as_ref();
        let (snake, camel, pascal) = (snake_case(name), camel_case(name), pascal_case(name));
        let own = |names: &[&str]| unique(names.iter().map(|name| (*name).to_owned()));
        let with_prefix = vec![
            "handler".to_owned(),
            "default".to_owned(),
            format!("handle{pascal}"),
            format!("handle_{snake}"),
            camel.clone(),
            snake.clone(),
            name.to_owned(),
        ];
        match id.kind {
            Kind::Api => (self.handlers.join("api"), own(&[name, &snake]), unique(with_prefix)),
            Kind::Cron => (self.handlers.join("cron"), own(&[name, &snake]), unique(with_prefix)),
            Kind::Event => {
                let stems = own(&[name, &snake, &camel]);
                let functions = [
                    "handler".to_owned(),
                    "default".to_owned(),
                    format!("handle_{snake}"),
                    format!("handle{pascal}"),
                    name.to_owned(),
                    snake,
                    camel,
                ];
                (self.handlers.join("events"), stems, unique(functions))
            }
            Kind::Ws => {
                let (endpoint, function) = name.split_once('.').unwrap_or(("", name));
                let stems = own(&[function, endpoint, &snake_case(endpoint)]);
                let functions = [function.to_owned(), snake_case(function), camel_case(function)];
                (self.handlers.join("websockets"), stems, unique(functions))
            }
            Kind::Middleware => {
                let functions = [
                    "handler".to_owned(),
                    "default".to_owned(),
                    name.to_owned(),
                    snake.clone(),
                    camel.clone(),
                    format!("{camel}Middleware"),
                    format!("{snake}_middleware"),
                ];
                (self.middlewares.clone(), own(&[name, &snake, &camel]), unique(functions))
            }
        }
    }
}

fn unique(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut out = Vec::new();
    for name in names {
        if !name.is_empty() && !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{camel_case, pascal_case, snake_case};

    #[test]
    fn names_split_as_people_read_them() {
        let table = [
            ("HelloWorldWS", "hello_world_ws", "helloWorldWs"),
            ("UserID", "user_id", "userId"),
            ("CreateUser", "create_user", "createUser"),
            ("send_mail", "send_mail", "sendMail"),
            ("HTTPServer", "http_server", "httpServer"),
            ("Get2FACode", "get2_fa_code", "get2FaCode"),
            ("x", "x", "x"),
        ];
        for (name, snake, camel) in table {
            assert_eq!(snake_case(name), snake, "{name}");
            assert_eq!(camel_case(name), camel, "{name}");
        }
        assert_eq!(pascal_case("daily_cleanup"), "DailyCleanup");
    }
}

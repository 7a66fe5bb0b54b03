//! TypeScript's files: ES modules of types, error classes and a `runtime.ts`. Called by [`generate`](super::generate).
//!
//! A file per shape, enum, error, api, event and socket; beside each folder a module of the same name that exports all
//! of it, and `index.ts` over these. Imports carry the ending `.ts`: V8, Node, Deno and Bun load such modules as they
//! are, and `tsc` takes them with `allowImportingTsExtensions`. Nothing but type annotations has to be stripped.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::codegen::File;
use crate::schema::Schema;

mod entities;
mod module;
mod records;
mod types;

use types::identifier;

/// `runtime.ts` without the table of the events.
const RUNTIME: &str = include_str!("typescript/runtime.ts");
/// What stands for that table.
const EVENTS: &str = "export type Events = {};\n";

/// A generated module: its folder and name, its text, and what it declares (not what it passes on).
struct Generated {
    folder: &'static str,
    name: String,
    text: String,
    exports: Vec<Export>,
}

/// Something that a module declares.
struct Export {
    name: String,
    /// It exists at run time, too.
    value: bool,
}

impl Export {
    fn ty(name: impl Into<String>) -> Self {
        Export { name: name.into(), value: false }
    }

    fn value(name: impl Into<String>) -> Self {
        Export { name: name.into(), value: true }
    }
}

pub(super) fn files(schema: &Schema) -> Vec<File> {
    let mut modules: Vec<Generated> = Vec::new();
    modules.extend(schema.shapes.values().map(records::shape));
    modules.extend(schema.enums.values().map(records::enumeration));
    modules.extend(error_names(schema).into_iter().map(|name| records::error(schema, name)));
    modules.extend(schema.apis.values().map(entities::api));
    modules.extend(schema.events.values().map(entities::event));
    modules.extend(schema.sockets.values().map(entities::socket));
    modules.sort_by(|left, right| (left.folder, &left.name).cmp(&(right.folder, &right.name)));
    let mut files = indexes(&modules);
    files.push(file("runtime.ts", &runtime(schema)));
    files.extend(
        modules.iter().map(|module| file(&format!("{}/{}.ts", module.folder, module.name), &module.text)),
    );
    files
}

fn file(path: &str, text: &str) -> File {
    File { path: PathBuf::from(path), text: format!("// {}\n\n{text}", crate::codegen::GENERATED) }
}

/// The names in any `errors:` that can be a class.
fn error_names(schema: &Schema) -> BTreeSet<&str> {
    let names = schema.apis.values().flat_map(|api| api.errors.values());
    names.map(String::as_str).filter(|name| identifier(name)).collect()
}

fn runtime(schema: &Schema) -> String {
    let mut names: Vec<&String> = schema.events.keys().collect();
    names.sort();
    if names.is_empty() {
        return RUNTIME.to_owned();
    }
    // Written out as imports in place: no name of an event can clash with one of this module.
    let lines = names.iter().map(|name| format!("  {name}: import(\"./events/{name}.ts\").{name}Payload;\n"));
    RUNTIME.replace(EVENTS, &format!("export type Events = {{\n{}}};\n", lines.collect::<String>()))
}

/// The modules that export all of a folder, and `index.ts`. They lie beside the folders, where no name of the schema
/// can clash with theirs.
fn indexes(modules: &[Generated]) -> Vec<File> {
    let mut files = Vec::new();
    let mut index = "export * from \"./runtime.ts\";\n".to_owned();
    for modules in modules.chunk_by(|left, right| left.folder == right.folder) {
        let folder = modules[0].folder;
        index += &format!("export * as {folder} from \"./{folder}.ts\";\n");
        files.push(file(&format!("{folder}.ts"), &exports(modules)));
    }
    files.push(file("index.ts", &index));
    files
}

fn exports(modules: &[Generated]) -> String {
    let mut text = String::new();
    // The payload of an event `A` and an event `APayload`: whoever bears the name as its own has it here.
    let own: BTreeSet<&str> = modules.iter().map(|module| module.name.as_str()).collect();
    for module in modules {
        let kept =
            module.exports.iter().filter(|export| export.name == module.name || !own.contains(&*export.name));
        let (values, types): (Vec<&Export>, Vec<&Export>) = kept.partition(|export| export.value);
        for (keyword, exports) in [("export", values), ("export type", types)] {
            if !exports.is_empty() {
                let names: Vec<&str> = exports.iter().map(|export| export.name.as_str()).collect();
                let path = format!("./{}/{}.ts", module.folder, module.name);
                text += &format!("{keyword} {{ {} }} from \"{path}\";\n", names.join(", "));
            }
        }
    }
    text
}

//! Schema → source files of the project's languages: types for every model, input, type, enum, event, api and socket.
//!
//! Called by `cli::codegen`. Pure: it makes texts and touches no file. The same schema gives the same bytes.

use std::path::PathBuf;

use serde::Deserialize;

use crate::schema::Schema;

mod python;
mod rust;
mod typescript;

/// A language that code is generated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// ES modules, strict, without a run-time dependency.
    TypeScript,
    /// Python 3.9 or newer, dataclasses or pydantic models.
    Python,
    /// Serde structs.
    Rust,
}

/// What Python's generated records are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PythonModels {
    /// Dataclasses of the standard library.
    #[default]
    Dataclass,
    /// Models of pydantic 2.
    Pydantic,
}

/// `[codegen]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The languages to generate, such as `["typescript", "python"]`. Default: those of the handlers that are there.
    pub languages: Option<Vec<Target>>,
    /// What Python's records are: `"dataclass"` (default) or `"pydantic"`.
    pub python_models: PythonModels,
}

/// A generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path below `src/generated`.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}

/// Generates all files of one language, in the order of their paths. The schema must be free of errors.
pub fn generate(schema: &Schema, target: Target, config: &Config) -> Vec<File> {
    let mut files = match target {
        Target::TypeScript => typescript::files(schema),
        Target::Python => python::files(schema, config.python_models),
        Target::Rust => rust::files(schema),
    };
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

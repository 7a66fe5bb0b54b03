//! `rohas fmt`: brings schema files to their canonical form.
//!
//! Reads and writes the files; what the form is, `schema::format` decides. A file is written only when it changes, and
//! whole or not at all. What is wrong with one file does not keep the others from being formatted.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use similar::TextDiff;

use crate::cli::diagnostics::{self, Format};
use crate::schema::{self, Diagnostic, SourceFile};

#[cfg(test)]
mod tests;

#[derive(clap::Args)]
pub struct Arguments {
    /// Files, folders with `.ro` files in them, or projects; `-` is standard input. Without any, the folder `schema`.
    #[arg(conflicts_with = "stdin")]
    paths: Vec<PathBuf>,
    /// Writes nothing; prints what would change as a diff and fails if anything would.
    #[arg(long)]
    check: bool,
    /// Reads standard input and writes standard output.
    #[arg(long)]
    stdin: bool,
    #[command(flatten)]
    diagnostics: diagnostics::Arguments,
}

pub const EXAMPLES: &str = "\
Examples:
  rohas fmt                         the schema of the project in this folder
  rohas fmt schema/api/users.ro     one file
  rohas fmt --check                 in CI: fails, with a diff, when a file is not formatted
  rohas fmt - < draft.ro            standard input to standard output

Changed files are printed. A file with syntax errors stays as it is, and the command ends with 1.";

/// What standard input is called in messages.
const STDIN: &str = "<stdin>";

pub fn run(arguments: &Arguments) -> ExitCode {
    let dash = arguments.paths.iter().any(|path| path.as_os_str() == "-");
    if dash && arguments.paths.len() > 1 {
        eprintln!("error: `-` cannot stand beside other paths");
        return ExitCode::from(2);
    }
    let mut errors = Vec::new();
    let good = match dash || arguments.stdin {
        true => stdin(arguments.check, &mut errors),
        false => files(arguments, &mut errors),
    };
    if !errors.is_empty() {
        return arguments.diagnostics.print(&errors, &[]);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Formats standard input; tells whether all is well.
fn stdin(check: bool, errors: &mut Vec<Diagnostic>) -> bool {
    let mut bytes = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut bytes) {
        return complain(STDIN, &error.to_string());
    }
    let Some((text, formatted)) = formatted(STDIN, bytes, errors) else {
        return false;
    };
    match check {
        true if text != formatted => {
            print!("{}", diff(STDIN, &text, &formatted));
            false
        }
        true => true,
        false => {
            print!("{formatted}");
            true
        }
    }
}

/// Formats the files of the command line; tells whether all is well.
fn files(arguments: &Arguments, errors: &mut Vec<Diagnostic>) -> bool {
    let mut good = true;
    let mut found = Vec::new();
    if arguments.paths.is_empty() {
        good = match Path::new("schema").is_dir() {
            true => walk(Path::new("schema"), &mut found),
            false => complain("schema", "there is no such folder here: give the path of one"),
        };
    }
    for path in &arguments.paths {
        good &= collect(path, &mut found);
    }
    // A file may be given twice, by itself and by its folder.
    found.sort();
    found.dedup();
    for path in &found {
        good &= file(path, arguments, errors);
    }
    good
}

/// Adds the files that a path of the command line stands for; of a project those in its schema folder.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> bool {
    if !path.is_dir() {
        found.push(path.to_path_buf());
        return true;
    }
    let before = found.len();
    let schema = path.join("schema");
    let good = walk(if schema.is_dir() { &schema } else { path }, found);
    if good && found.len() == before {
        return complain(path, "there is no .ro file in there");
    }
    good
}

/// Adds every `.ro` file below a folder; hidden folders and those of packages hold none of ours.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> bool {
    let entries = match fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()) {
        Ok(entries) => entries,
        Err(error) => return complain(folder, &error.to_string()),
    };
    let mut good = true;
    for entry in entries {
        let path = entry.path();
        let foreign =
            entry.file_name().as_encoded_bytes().starts_with(b".") || entry.file_name() == "node_modules";
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if path.extension().is_some_and(|extension| extension == "ro") && !is_folder {
            found.push(path);
        } else if is_folder && !foreign {
            good &= walk(&path, found);
        } else if path.is_dir() && !foreign {
            good = complain(&path, "is a symbolic link: give the folder that it points to");
        }
    }
    good
}

/// Formats a file, or compares it with its form; tells whether all is well.
fn file(path: &Path, arguments: &Arguments, errors: &mut Vec<Diagnostic>) -> bool {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            return complain(path, "is a symbolic link: give the file that it points to");
        }
        Ok(metadata) if !metadata.is_file() => return complain(path, "is not a file"),
        Ok(metadata) => metadata,
        Err(error) => return complain(path, &error.to_string()),
    };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return complain(path, &error.to_string()),
    };
    let name = path.display().to_string();
    let Some((text, formatted)) = formatted(&name, bytes, errors) else {
        return false;
    };
    if formatted == text {
        return true;
    }
    if arguments.check {
        print!("{}", diff(&name, &text, &formatted));
        return false;
    }
    if metadata.permissions().readonly() {
        return complain(path, "is read-only");
    }
    match replace(path, &formatted, metadata.permissions()) {
        Ok(()) => {
            // Standard output is the document of the problems otherwise.
            if arguments.diagnostics.format == Format::Text {
                println!("{name}");
            }
            true
        }
        Err(error) => complain(path, &format!("cannot be written: {error}")),
    }
}

/// Returns the text and its canonical form; adds to `errors` why there is none.
fn formatted(name: &str, bytes: Vec<u8>, errors: &mut Vec<Diagnostic>) -> Option<(String, String)> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            complain(name, &format!("is not UTF-8: byte {at} belongs to no character"));
            return None;
        }
    };
    let file = SourceFile { path: name.to_owned(), text };
    match schema::format(&file) {
        Ok(formatted) => Some((file.text, formatted)),
        Err(found) => {
            errors.extend(found);
            None
        }
    }
}

/// Writes a file whole or not at all.
fn replace(path: &Path, text: &str, permissions: fs::Permissions) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = File::create_new(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.set_permissions(permissions)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    });
    if written.is_err() {
        _ = fs::remove_file(&draft);
    }
    written
}

/// Writes what changes as a unified diff.
fn diff(name: &str, before: &str, after: &str) -> String {
    // Texts that have nothing in common would take for ever to be compared well.
    let diff = TextDiff::configure().timeout(Duration::from_secs(1)).diff_lines(before, after);
    diff.unified_diff().context_radius(2).header(name, &format!("{name} (formatted)")).to_string()
}

/// Prints what is wrong with a file.
fn complain(path: impl AsRef<Path>, problem: &str) -> bool {
    eprintln!("error: {}: {problem}", path.as_ref().display());
    false
}

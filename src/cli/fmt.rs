//! `rohas fmt`: brings schema files to their canonical form.
//!
//! Reads and writes the files; what the form is, `schema::format` decides. A file is written only when it changes, and
//! whole or not at all. What is wrong with one file does not keep the others from being formatted.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use similar::TextDiff;

use crate::cli::diagnostics::{self, FileProblem, Format};
use crate::cli::terminal;
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

/// What was found so far.
struct Report {
    check: bool,
    format: Format,
    errors: Vec<Diagnostic>,
    /// For tools; a person has been told already.
    problems: Vec<FileProblem>,
}

impl Report {
    fn new(arguments: &Arguments) -> Report {
        let (errors, problems) = (Vec::new(), Vec::new());
        Report { check: arguments.check, format: arguments.diagnostics.format, errors, problems }
    }

    /// Notes what is wrong with a file.
    fn complain(&mut self, path: impl AsRef<Path>, message: impl Into<String>) {
        let (file, message) = (path.as_ref().display().to_string(), message.into());
        if self.format == Format::Text {
            terminal::eprint(&format!("error: {file}: {message}\n"));
        }
        self.problems.push(FileProblem { file, line: None, message });
    }

    /// Notes that a file is not in its form.
    fn differs(&mut self, name: &str, text: &str, formatted: &str) {
        if self.format == Format::Text {
            terminal::print(&diff(name, text, formatted));
        }
        let same = text.split('\n').zip(formatted.split('\n')).take_while(|(old, new)| old == new).count();
        let line = Some((same + 1).min(text.split('\n').count()));
        let message = "is not formatted; run `rohas fmt`".to_owned();
        self.problems.push(FileProblem { file: name.to_owned(), line, message });
    }
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let dash = arguments.paths.iter().any(|path| path.as_os_str() == "-");
    if dash && arguments.paths.len() > 1 {
        terminal::eprint("error: `-` cannot stand beside other paths\n");
        return ExitCode::from(2);
    }
    let mut report = Report::new(arguments);
    let printed = match dash || arguments.stdin {
        true => stdin(&mut report),
        false => {
            files(&arguments.paths, &mut report);
            false
        }
    };
    // Standard output is the formatted text then.
    if printed {
        ExitCode::SUCCESS
    } else {
        arguments.diagnostics.print_files(&report.errors, &report.problems)
    }
}

/// Formats standard input; tells whether the result was printed.
fn stdin(report: &mut Report) -> bool {
    let mut bytes = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut bytes) {
        report.complain(STDIN, error.to_string());
        return false;
    }
    let Some((text, formatted)) = formatted(STDIN, bytes, report) else {
        return false;
    };
    if !report.check {
        terminal::print(&formatted);
    } else if text != formatted {
        report.differs(STDIN, &text, &formatted);
    }
    !report.check
}

/// Formats the files of the command line.
fn files(paths: &[PathBuf], report: &mut Report) {
    let mut found = Vec::new();
    if paths.is_empty() {
        match Path::new("schema").is_dir() {
            true => walk(Path::new("schema"), &mut found, report),
            false => report.complain("schema", "there is no such folder here: give the path of one"),
        }
    }
    for path in paths {
        collect(path, &mut found, report);
    }
    // A file may be given twice, by itself, by its folder and by a link.
    found.sort();
    let mut seen = HashSet::new();
    for path in &found {
        if seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())) {
            file(path, report);
        }
    }
}

/// Adds the files that a path of the command line stands for; of a project those in its schema folder.
fn collect(path: &Path, found: &mut Vec<PathBuf>, report: &mut Report) {
    if !path.is_dir() {
        return found.push(path.to_path_buf());
    }
    let before = (found.len(), report.problems.len());
    let schema = path.join("schema");
    walk(if schema.is_dir() { &schema } else { path }, found, report);
    if (found.len(), report.problems.len()) == before {
        report.complain(path, "there is no .ro file in there");
    }
}

/// Adds every `.ro` file below a folder; hidden folders and those of packages hold none of ours.
fn walk(folder: &Path, found: &mut Vec<PathBuf>, report: &mut Report) {
    let entries = match fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()) {
        Ok(entries) => entries,
        Err(error) => return report.complain(folder, error.to_string()),
    };
    for entry in entries {
        let path = entry.path();
        let foreign =
            entry.file_name().as_encoded_bytes().starts_with(b".") || entry.file_name() == "node_modules";
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if path.extension().is_some_and(|extension| extension == "ro") && !path.is_dir() {
            found.push(path);
        } else if is_folder && !foreign {
            walk(&path, found, report);
        } else if path.is_dir() && !foreign {
            skip(&path, "a link to a folder");
        }
    }
}

/// Returns the file that a link stands for, unless that is outside of the project around the link: the nearest folder
/// with a folder `schema` in it, else its own folder.
fn target(link: &Path) -> std::io::Result<Option<PathBuf>> {
    let target = fs::canonicalize(link)?;
    let folder = fs::canonicalize(folder_of(link))?;
    let project = folder.ancestors().find(|folder| folder.join("schema").is_dir()).unwrap_or(&folder);
    Ok(target.starts_with(project).then_some(target))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn skip(path: &Path, what: &str) {
    terminal::eprint(&format!("warning: {}: is {what}, and is skipped\n", path.display()));
}

/// Formats a file, or compares it with its form.
fn file(path: &Path, report: &mut Report) {
    let real = match path.is_symlink().then(|| target(path)).transpose() {
        Ok(None) => path.to_path_buf(),
        Ok(Some(Some(target))) => target,
        Ok(Some(None)) => return skip(path, "a link to a file outside of the project"),
        Err(error) => return report.complain(path, error.to_string()),
    };
    let permissions = match fs::metadata(&real) {
        Ok(metadata) if !metadata.is_file() => return report.complain(path, "is not a file"),
        Ok(metadata) => metadata.permissions(),
        Err(error) => return report.complain(path, error.to_string()),
    };
    let bytes = match fs::read(&real) {
        Ok(bytes) => bytes,
        Err(error) => return report.complain(path, error.to_string()),
    };
    let name = path.display().to_string();
    let Some((text, formatted)) = formatted(&name, bytes, report) else {
        return;
    };
    if formatted == text {
        return;
    }
    if report.check {
        return report.differs(&name, &text, &formatted);
    }
    if permissions.readonly() {
        return report.complain(path, "is read-only");
    }
    match replace(&real, &formatted, permissions) {
        // Standard output is the document of the problems otherwise.
        Ok(()) if report.format == Format::Text => terminal::print(&format!("{name}\n")),
        Ok(()) => {}
        Err(error) => report.complain(path, format!("cannot be written: {error}")),
    }
}

/// Returns the text and its canonical form; notes why there is none.
fn formatted(name: &str, bytes: Vec<u8>, report: &mut Report) -> Option<(String, String)> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            report.complain(name, format!("is not UTF-8: byte {at} belongs to no character"));
            return None;
        }
    };
    let file = SourceFile { path: name.to_owned(), text };
    match schema::format(&file) {
        Ok(formatted) => Some((file.text, formatted)),
        Err(found) => {
            report.errors.extend(found);
            None
        }
    }
}

/// Writes a file whole or not at all.
fn replace(path: &Path, text: &str, permissions: fs::Permissions) -> std::io::Result<()> {
    let folder = folder_of(path);
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

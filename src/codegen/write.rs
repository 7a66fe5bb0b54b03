//! Brings a project's folder `src/generated` in line with what was generated, and adds stubs.
//!
//! Called by `cli::codegen`, and the only place of code generation that touches files. [`plan`] only looks; a plan says
//! what would change and carries it out. Nothing is written or removed outside of the project, nor through a symlink
//! that leads out of it. What lies in the folder and is not ours stays.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::codegen::{File, GENERATED};

/// What Python puts beside modules that were imported.
const CACHE: &str = "__pycache__";

/// What happens to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Create,
    /// Its text differs.
    Change {
        /// The number of the first line that differs.
        line: usize,
        /// That line as it is; none when the file ends before it.
        old: Option<String>,
        /// That line as it will be; none when the text ends before it.
        new: Option<String>,
    },
    /// It is ours and no longer wanted.
    Remove,
}

/// What would make a folder hold exactly the wanted files, as far as it is ours.
#[derive(Debug, Default)]
pub struct Plan {
    /// What changes, by the path below the folder, in order.
    pub changes: Vec<(PathBuf, Change)>,
    /// How many files are as they should be.
    pub unchanged: usize,
    /// Files in the folder that are not ours and stay.
    pub foreign: Vec<PathBuf>,
    root: PathBuf,
    folder: PathBuf,
    texts: Vec<File>,
}

/// Compares `wanted` with what is in `folder`, a path below the project at `root`.
///
/// # Errors
/// Something cannot be read, or leads out of the project.
pub fn plan(root: &Path, folder: &Path, wanted: Vec<File>) -> io::Result<Plan> {
    let mut plan = Plan { root: root.to_owned(), folder: folder.to_owned(), ..Plan::default() };
    let mut present = BTreeSet::new();
    let base = root.join(folder);
    inside(root, &base)?;
    if base.exists() {
        list(&base, Path::new(""), &mut present)?;
    }
    for file in wanted {
        let path = base.join(&file.path);
        inside(root, &path)?;
        present.remove(&file.path);
        match text_of(&path)? {
            None => plan.changes.push((file.path.clone(), Change::Create)),
            Some(old) if old == file.text.as_bytes() => {
                plan.unchanged += 1;
                continue;
            }
            Some(old) => plan.changes.push((file.path.clone(), difference(&old, &file.text))),
        }
        plan.texts.push(file);
    }
    for path in present {
        if is_ours(&base.join(&path))? {
            plan.changes.push((path, Change::Remove));
        } else {
            plan.foreign.push(path);
        }
    }
    plan.changes.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(plan)
}

impl Plan {
    /// Writes what is new or differs, each file at once, and removes what is no longer wanted and the folders that
    /// this leaves empty. Files that are as they should be are not touched.
    ///
    /// # Errors
    /// Something cannot be written or removed, or leads out of the project.
    pub fn apply(&self) -> io::Result<()> {
        let base = self.root.join(&self.folder);
        // First what goes: a file may stand where a folder is wanted.
        for (path, change) in &self.changes {
            if *change == Change::Remove {
                let path = base.join(path);
                inside(&self.root, &path)?;
                fs::remove_file(&path).map_err(|error| about(&path, &error))?;
                remove_empty(&base, &path);
            }
        }
        for file in &self.texts {
            let path = base.join(&file.path);
            make_folder(&self.root, &path)?;
            replace(&path, &file.text).map_err(|error| about(&path, &error))?;
        }
        Ok(())
    }
}

/// Adds `file` to the project at `root`; false when there is something by that name already, which stays as it is.
///
/// # Errors
/// It cannot be written, or leads out of the project.
pub fn add(root: &Path, file: &File) -> io::Result<bool> {
    let path = root.join(&file.path);
    if fs::symlink_metadata(&path).is_ok() {
        return Ok(false);
    }
    make_folder(root, &path)?;
    match fs::File::create_new(&path) {
        Ok(mut new) => {
            io::Write::write_all(&mut new, file.text.as_bytes()).map_err(|error| about(&path, &error))?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(about(&path, &error)),
    }
}

/// Names the file in an error of the system.
fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Fails when the folder of `path`, as far as it exists, is not really below `root`.
fn inside(root: &Path, path: &Path) -> io::Result<()> {
    let root = root.canonicalize().map_err(|error| about(root, &error))?;
    let folder = path.ancestors().skip(1).find(|folder| fs::symlink_metadata(folder).is_ok());
    let folder = folder.unwrap_or(path);
    let real = folder.canonicalize().map_err(|error| about(folder, &error))?;
    if real.starts_with(&root) {
        return Ok(());
    }
    let message = format!("{} leads out of the project, to {}", folder.display(), real.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

fn make_folder(root: &Path, path: &Path) -> io::Result<()> {
    inside(root, path)?;
    let folder = path.parent().unwrap_or(root);
    fs::create_dir_all(folder).map_err(|error| about(folder, &error))?;
    inside(root, path)
}

/// Lists the files below `base`, symlinks as such.
fn list(base: &Path, below: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let folder = base.join(below);
    let entries = fs::read_dir(&folder).map_err(|error| about(&folder, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| about(&folder, &error))?;
        let path = below.join(entry.file_name());
        if !entry.file_type().map_err(|error| about(&folder, &error))?.is_dir() {
            files.insert(path);
        } else if entry.file_name() != CACHE {
            list(base, &path, files)?;
        }
    }
    Ok(())
}

/// Reads a file; none when there is none. A symlink has no text of its own: it differs from whatever is wanted.
fn text_of(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // A file stands where a folder is wanted.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(about(path, &error)),
        // A folder stands there: it goes when all in it is stale, else the file cannot be written.
        Ok(known) if known.is_dir() => Ok(None),
        Ok(known) if known.is_symlink() => Ok(Some(Vec::new())),
        Ok(_) => fs::read(path).map(Some).map_err(|error| about(path, &error)),
    }
}

/// Tells whether the first line of a file says that it is generated.
fn is_ours(path: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(path).map_err(|error| about(path, &error))?.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    let file = fs::File::open(path).map_err(|error| about(path, &error))?;
    file.take(200).read_to_end(&mut start).map_err(|error| about(path, &error))?;
    Ok(String::from_utf8_lossy(&start).lines().next().is_some_and(|line| line.contains(GENERATED)))
}

fn difference(old: &[u8], new: &str) -> Change {
    let old = String::from_utf8_lossy(old);
    let (mut old_lines, mut new_lines) = (old.split('\n'), new.split('\n'));
    let mut line = 1;
    loop {
        match (old_lines.next(), new_lines.next()) {
            (Some(old), Some(new)) if old == new => line += 1,
            (old, new) => {
                return Change::Change { line, old: old.map(str::to_owned), new: new.map(str::to_owned) };
            }
        }
    }
}

/// Writes beside the file and puts the result in its place: a reader sees the old text or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

/// Removes the folders above `path` and below `base` in which nothing is left.
fn remove_empty(base: &Path, path: &Path) {
    for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(base)) {
        let only_cache = fs::read_dir(folder).is_ok_and(|mut entries| {
            entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == CACHE))
        });
        if only_cache && !folder.join(CACHE).is_symlink() {
            let _ = fs::remove_dir_all(folder.join(CACHE));
        }
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

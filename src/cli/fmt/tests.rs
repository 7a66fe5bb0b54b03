//! What is written, and what is left alone.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::cli::diagnostics::Format;
use crate::cli::fmt::{Report, diff, files, replace};

const WRITTEN: &str = "enum A{B}";
const FORMATTED: &str = "enum A {\n  B\n}\n";

/// A folder that is removed at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("rohas-fmt-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(path.join("schema/api")).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

fn fmt(path: &Path, check: bool) -> bool {
    let mut report = Report { check, format: Format::Text, errors: Vec::new(), problems: Vec::new() };
    files(&[path.to_path_buf()], &mut report);
    report.errors.is_empty() && report.problems.is_empty()
}

#[test]
fn a_project_is_its_schema_folder() {
    let folder = Folder::new();
    folder.write("schema/api/a.ro", WRITTEN);
    folder.write("schema/.hidden/a.ro", WRITTEN);
    folder.write("schema/a.txt", WRITTEN);
    folder.write("other.ro", WRITTEN);
    assert!(!fmt(&folder.0, true));
    assert_eq!(folder.read("schema/api/a.ro"), WRITTEN, "--check writes nothing");
    assert!(fmt(&folder.0, false) && fmt(&folder.0, true));
    assert_eq!(folder.read("schema/api/a.ro"), FORMATTED);
    for other in ["schema/.hidden/a.ro", "schema/a.txt", "other.ro"] {
        assert_eq!(folder.read(other), WRITTEN, "{other}");
    }
    assert!(fmt(&folder.0.join("other.ro"), false));
    assert_eq!(folder.read("other.ro"), FORMATTED);
}

#[test]
fn a_bad_file_stays_and_the_others_are_formatted() {
    let folder = Folder::new();
    let broken = "enum A {";
    folder.write("schema/1.ro", broken);
    folder.write("schema/2.ro", b"enum A { \xff }");
    folder.write("schema/3.ro", WRITTEN);
    assert!(!fmt(&folder.0, false));
    assert_eq!(folder.read("schema/1.ro"), broken);
    assert_eq!(folder.read("schema/3.ro"), FORMATTED);
    assert_eq!(fs::read(folder.0.join("schema/2.ro")).unwrap(), b"enum A { \xff }");
    assert!(!fmt(&folder.0.join("nowhere.ro"), false));
    assert!(!fmt(&folder.0.join("schema/api"), false), "no file in there");
}

#[test]
fn links_are_followed_within_the_project_and_skipped_beyond_it() {
    let (folder, other) = (Folder::new(), Folder::new());
    let inside = folder.write("shared/inside.ro", WRITTEN);
    let outside = other.write("outside.ro", WRITTEN);
    symlink(&inside, folder.0.join("schema/api/inside.ro")).unwrap();
    symlink("../schema/api/inside.ro", folder.0.join("schema/again.ro")).unwrap();
    symlink(&outside, folder.0.join("schema/outside.ro")).unwrap();
    symlink(&other.0, folder.0.join("schema/folder")).unwrap();
    assert!(!fmt(&folder.0, true));
    assert_eq!(folder.read("shared/inside.ro"), WRITTEN);
    assert!(fmt(&folder.0, false) && fmt(&folder.0, true));
    assert_eq!(folder.read("shared/inside.ro"), FORMATTED);
    assert_eq!(other.read("outside.ro"), WRITTEN);
    assert!(["api/inside.ro", "again.ro"].iter().all(|link| folder.0.join("schema").join(link).is_symlink()));
    folder.write("shared/inside.ro", WRITTEN);
    assert!(fmt(&folder.0.join("schema/again.ro"), false), "a link is given by itself");
    assert_eq!(folder.read("shared/inside.ro"), FORMATTED);
    symlink("nowhere.ro", folder.0.join("schema/broken.ro")).unwrap();
    assert!(!fmt(&folder.0, true));
}

#[test]
fn read_only_files_are_not_replaced_and_a_loop_ends() {
    let folder = Folder::new();
    let locked = folder.write("locked.ro", WRITTEN);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o444)).unwrap();
    assert!(!fmt(&locked, false));
    assert_eq!(folder.read("locked.ro"), WRITTEN);
    symlink(&folder.0, folder.0.join("schema/api/loop")).unwrap();
    folder.write("schema/api/a.ro", WRITTEN);
    assert!(fmt(&folder.0.join("schema/api"), false), "a loop ends");
}

#[test]
fn only_what_changes_is_written_and_the_mode_stays() {
    let folder = Folder::new();
    let path = folder.write("a.ro", WRITTEN);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(fmt(&path, false));
    let written = fs::metadata(&path).unwrap();
    assert_eq!(written.permissions().mode() & 0o777, 0o640);
    assert!(fmt(&path, false));
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written.modified().unwrap());
    let names: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left over: {names:?}");
    let missing = folder.0.join("missing/a.ro");
    assert!(replace(&missing, "", written.permissions()).is_err());
}

#[test]
fn a_difference_is_shown_as_a_patch() {
    let shown = diff("a.ro", "enum A {\n  B\n}\nenum C {\n}\n", "enum A {\n  B\n}\n\nenum C {}\n");
    let expected = "--- a.ro\n+++ a.ro (formatted)\n@@ -1,5 +1,5 @@\n enum A {\n   B\n }\n-enum C {\n-}\n+\n+enum C {}\n";
    assert_eq!(shown.replace("@@ -2,4 +2,4 @@\n", "@@ -1,5 +1,5 @@\n enum A {\n"), expected);
}

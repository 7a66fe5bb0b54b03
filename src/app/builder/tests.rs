//! What of a schema folder is read, and what is said of the rest.

use std::fs;
use std::path::PathBuf;

use super::{BuildError, Builder};
use crate::config::Config;

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rohas-builder-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("schema/inner")).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join("schema").join(name), bytes).unwrap();
    }

    fn builder(&self) -> Builder {
        Builder::default().project_dir(&self.0).config(Config::default())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_file_that_cannot_be_read_is_named_and_the_others_are_compiled() {
    let folder = Folder::new("unread");
    folder.write("a.ro", b"model A { id Nope }");
    folder.write("latin.ro", b"// \xe9");
    std::os::unix::fs::symlink("nowhere", folder.0.join("schema/inner/gone.ro")).unwrap();
    let check = |error: BuildError| {
        let codes: Vec<&str> = error.diagnostics.iter().map(|found| found.code).collect();
        assert_eq!(codes, ["S0008"]);
        let problems: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("schema/inner/gone.ro: "), "{problems:?}");
        assert!(problems[1].contains("schema/latin.ro: the file is not text in UTF-8"), "{problems:?}");
    };
    check(folder.builder().sources().unwrap_err());
    check(folder.builder().build().err().unwrap());
}

#[test]
fn hidden_files_are_skipped_and_loops_are_not_followed() {
    let folder = Folder::new("loops");
    folder.write("inner/a.ro", b"model A { id Int }");
    folder.write(".b.ro", b"model");
    fs::create_dir(folder.0.join("schema/.git")).unwrap();
    folder.write(".git/c.ro", b"model");
    std::os::unix::fs::symlink("..", folder.0.join("schema/inner/up")).unwrap();
    let (_, sources) = folder.builder().sources().unwrap();
    assert_eq!(sources.len(), 1, "{sources:?}");
}

#[test]
fn a_missing_folder_says_that_a_project_is_wanted() {
    let error = Builder::default().project_dir("/nowhere").config(Config::default()).sources().unwrap_err();
    let shown = error.render(false);
    assert!(shown.contains("/nowhere/schema") && shown.contains("rohas init"), "{shown}");
}

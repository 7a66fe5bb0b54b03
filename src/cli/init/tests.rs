//! Names, folders, and what every template must have.

use crate::cli::init::templates::{TRY, templates};
use crate::cli::init::{Language, check_name, plain_name};
use crate::schema::{SourceFile, compile};

const ALL: [Language; 4] = [Language::Typescript, Language::Python, Language::Rust, Language::Mixed];

#[test]
fn names_are_those_of_packages_in_three_registries() {
    for name in ["shop", "my-shop", "shop2", "a", "my_shop"] {
        assert_eq!(check_name(name), Ok(()));
    }
    let long = "a".repeat(65);
    let table = [
        ("My Shop", "--name my-shop"),
        ("Shop", "--name shop"),
        ("9lives", "--name lives"),
        ("-x-", "--name x"),
        ("a/b", "--name a-b"),
        ("größe", "--name gr-e"),
        ("test", "another one"),
        ("rohas", "another one"),
        ("", "another one"),
        ("..", "another one"),
        ("日本", "another one"),
        (&long, "64 letters"),
    ];
    for (name, hint) in table {
        let refused = check_name(name).unwrap_err();
        assert!(refused.contains(hint), "{name}: {refused}");
    }
    assert_eq!(plain_name("--Ärger mit 2 Äpfeln!"), "rger-mit-2-pfeln");
}

#[test]
fn every_template_is_whole() {
    for language in ALL {
        let files = templates(language);
        let has = |wanted: &str| files.iter().any(|(path, _)| *path == wanted);
        for wanted in [
            "README.md",
            ".gitignore",
            ".editorconfig",
            ".gitattributes",
            ".vscode/extensions.json",
            ".vscode/settings.json",
            "config/rohas.toml",
        ] {
            assert!(has(wanted), "{language:?} has no {wanted}");
        }
        let config = files.iter().find(|(path, _)| *path == "config/rohas.toml").unwrap().1;
        let names: Vec<String> =
            language.targets().iter().map(|target| format!("{:?}", target.as_str())).collect();
        assert!(config.contains(&format!("[codegen]\nlanguages = [{}]\n", names.join(", "))), "{language:?}");
        let mut paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let count = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), count, "{language:?} has a file twice");
        assert!(files.iter().all(|(_, text)| text.ends_with('\n') && !text.contains('\r')));
        let readme = files.iter().find(|(path, _)| *path == "README.md").unwrap().1;
        assert!(readme.ends_with("\n{{try}}\n"));
    }
    assert!(TRY.contains("\n```sh\n") && TRY.contains("\n# => "));
}

#[test]
fn the_schema_of_the_templates_has_everything_and_no_warning() {
    let sources = templates(Language::Mixed);
    let sources = sources.iter().filter(|(path, _)| path.ends_with(".ro"));
    let sources: Vec<SourceFile> = sources
        .map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() })
        .collect();
    let (schema, diagnostics) = compile(&sources);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let apis = || schema.apis.values();
    assert!(apis().any(|api| !api.params.is_empty()) && apis().any(|api| api.body.is_some()));
    assert!(apis().any(|api| !api.errors.is_empty()) && apis().any(|api| api.response.is_some()));
    assert!(schema.events.values().any(|event| !event.handlers.is_empty()));
    assert!(!schema.crons.is_empty() && !schema.sockets.is_empty());
}

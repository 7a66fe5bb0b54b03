//! Generated code as text, through the real `tsc`, and on real folders.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::schema::{Schema, Severity, SourceFile, compile};

use super::{Change, Config, File, GENERATED, Missing, Target, add, generate, languages, lock, plan, stub};

// ---- what is compiled

fn schema(name: &str, text: &str) -> Schema {
    let (schema, diagnostics) = compile(&[SourceFile { path: format!("{name}.ro"), text: text.to_owned() }]);
    let errors: Vec<String> = diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| found.render(false))
        .collect();
    assert!(errors.is_empty(), "{name}:\n{}", errors.join("\n"));
    schema
}

/// The schemas of `tests/codegen`, each with one feature.
fn corpus() -> Vec<(String, Schema)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/codegen");
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ro"));
    paths.sort();
    assert!(paths.len() >= 7, "the schemas in {} are gone", folder.display());
    let named = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let schema = schema(&name, &fs::read_to_string(path).unwrap());
        (name, schema)
    };
    paths.iter().map(named).collect()
}

fn typescript(schema: &Schema) -> Vec<File> {
    generate(schema, Target::TypeScript, &Config::default())
}

/// Every handler of a schema, as if none had a file.
fn all_missing(schema: &Schema) -> Vec<Missing> {
    let mut all: Vec<Missing> = schema.apis.keys().cloned().map(Missing::Api).collect();
    all.extend(schema.crons.keys().cloned().map(Missing::Cron));
    all.extend(schema.events.values().flat_map(|event| event.handlers.iter().cloned().map(Missing::Event)));
    for socket in schema.sockets.values() {
        let functions = [&socket.on_connect, &socket.on_message, &socket.on_disconnect];
        let mut functions: Vec<String> = functions.into_iter().flatten().cloned().collect();
        functions.sort();
        functions.dedup();
        all.push(Missing::Socket { name: socket.name.clone(), functions });
    }
    let apis = schema.apis.values().flat_map(|api| &api.middlewares);
    let sockets = schema.sockets.values().flat_map(|socket| &socket.middlewares);
    all.extend(apis.chain(sockets).cloned().map(Missing::Middleware));
    all.sort();
    all.dedup();
    all
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new() -> Folder {
        let root = std::env::temp_dir().join(format!("rohas-codegen-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&root).unwrap();
        Folder(root)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.0.join(path)).is_ok()
    }
}

// ---- texts

#[test]
fn typescript_reads_like_this() {
    let shown = ["bigint", "docs", "errors", "events", "names_typescript", "types"];
    for (name, schema) in corpus().into_iter().filter(|(name, _)| shown.contains(&name.as_str())) {
        let files = typescript(&schema).into_iter().filter(|file| file.path != Path::new("runtime.ts"));
        let text: String =
            files.map(|file| format!("==> {}\n{}\n", file.path.display(), file.text)).collect();
        insta::assert_snapshot!(format!("typescript_{name}"), text);
    }
}

#[test]
fn stubs_read_like_this() {
    let text = "api GetUser { method: GET path: \"/users/{id}\" response: String middlewares: [auth] }
        api Forget { method: DELETE path: \"/users/{id}\" }
        event A { payload: Int handler: [on_a, on_both] }  event B { payload: String handler: on_both }
        cron DailyCleanup { schedule: \"*/5 * * * *\" }
        ws Chat { path: \"/chat\" onConnect: hello onMessage: [receive, hello] onDisconnect: [bye] }";
    let schema = schema("stubs", text);
    for target in [Target::TypeScript, Target::Python] {
        let files = all_missing(&schema).into_iter().map(|missing| stub(&schema, target, &missing).unwrap());
        let text: String =
            files.map(|file| format!("==> {}\n{}\n", file.path.display(), file.text)).collect();
        insta::assert_snapshot!(format!("stubs_{}", target.as_str()), text);
    }
    assert_eq!(stub(&schema, Target::Rust, &Missing::Api("GetUser".to_owned())), None);
    for name in ["../evil", "log.requests", "a/b", "", "1st", "ü"] {
        assert_eq!(stub(&schema, Target::TypeScript, &Missing::Middleware(name.to_owned())), None, "{name}");
    }
}

#[test]
fn neither_the_order_of_files_nor_the_run_changes_a_byte() {
    let parts = [
        "model B { a: A[] }  event E { payload: B handler: [h] }",
        "model A { id: Int }  api Y { method: GET path: \"/y\" response: B errors: { 404: N, 409: A } }",
        "type N { message: String }  api X { method: GET path: \"/x\" response: A errors: { 409: A, 404: N } }",
    ];
    let files = |order: [usize; 3]| {
        let file = |at: usize| SourceFile { path: format!("{at}.ro"), text: parts[at].to_owned() };
        typescript(&compile(&order.map(file)).0)
    };
    let first = files([0, 1, 2]);
    assert!(first.is_sorted_by(|left, right| left.path < right.path));
    assert!(first.iter().all(|file| file.text.lines().next().is_some_and(|line| line.contains(GENERATED))));
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        assert_eq!(files(order), first);
    }
}

// ---- the compiler

/// What a user's project has; `init` writes the same.
const TSCONFIG: &str = r#"{
  "compilerOptions": {
    "strict": true, "target": "esnext", "lib": ["esnext", "dom"], "types": [], "noEmit": true, MODULE,
    "allowImportingTsExtensions": true, "erasableSyntaxOnly": true, "isolatedModules": true, "verbatimModuleSyntax": true,
    "exactOptionalPropertyTypes": true, "noUncheckedIndexedAccess": true, "noImplicitOverride": true,
    "noPropertyAccessFromIndexSignature": true, "noUnusedLocals": true, "noUnusedParameters": true
  }
}"#;

/// The two ways in which `tsc` resolves imports as they are written here.
const MODULES: [&str; 2] =
    [r#""module": "nodenext""#, r#""module": "esnext", "moduleResolution": "bundler""#];

/// Runs the real compiler; returns what it complains about.
fn tsc(project: &Folder) -> String {
    let cache = || format!("{}/.cache/rohas/tools", std::env::var("HOME").unwrap());
    let tools = std::env::var("ROHAS_TOOLS").unwrap_or_else(|_| cache());
    let tsc = Path::new(&tools).join("node_modules/.bin/tsc");
    assert!(tsc.exists(), "{} is missing: run scripts/tools.sh once, it installs it", tsc.display());
    project.write("package.json", "{ \"type\": \"module\" }");
    let mut complaints = String::new();
    for module in MODULES {
        project.write("tsconfig.json", &TSCONFIG.replace("MODULE", module));
        let output = Command::new(&tsc).args(["--project", "."]).current_dir(&project.0).output().unwrap();
        assert_eq!(output.status.success(), output.stdout.is_empty(), "{output:?}");
        complaints += &String::from_utf8_lossy(&output.stdout);
    }
    complaints
}

fn write_project(project: &Folder, name: &str, schema: &Schema) {
    for File { path, text } in typescript(schema) {
        project.write(&format!("{name}/src/generated/{}", path.display()), &text);
    }
    for missing in all_missing(schema) {
        let File { path, text } = stub(schema, Target::TypeScript, &missing).unwrap();
        project.write(&format!("{name}/{}", path.display()), &text);
    }
}

#[test]
fn generated_typescript_passes_the_strict_compiler() {
    let project = Folder::new();
    for (name, schema) in corpus() {
        write_project(&project, &name, &schema);
    }
    // Handlers that use the types, and lines that must not compile.
    project.write("uses.ts", include_str!("../../tests/codegen/uses.ts"));
    // The compiler does look: it finds the one error there is.
    project.write("wrong.ts", "export const wrong: number = \"text\";\n");
    let error = "wrong.ts(1,14): error TS2322: Type 'string' is not assignable to type 'number'.\n";
    assert_eq!(tsc(&project), [error; MODULES.len()].concat());
}

// ---- folders

fn files(names: &[(&str, &str)]) -> Vec<File> {
    let file = |(path, text): &(&str, &str)| {
        let sign = if path.ends_with(".py") { "#" } else { "//" };
        let text = format!("{sign} {GENERATED}\n{text}\n");
        File { path: PathBuf::from(path), text }
    };
    names.iter().map(file).collect()
}

const GEN: &str = "src/generated";

fn apply(project: &Folder, wanted: &[(&str, &str)]) -> Vec<(String, Change)> {
    let plan = plan(&project.0, Path::new(GEN), &Target::ALL, files(wanted)).unwrap();
    plan.apply().unwrap();
    plan.changes.into_iter().map(|(path, change)| (path.display().to_string(), change)).collect()
}

#[test]
fn only_what_differs_is_written_and_what_is_stale_goes() {
    let project = Folder::new();
    let first = apply(&project, &[("a.ts", "1"), ("models/B.ts", "1"), ("old/deep/C.ts", "1")]);
    assert_eq!(
        first.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
        ["a.ts", "models/B.ts", "old/deep/C.ts"]
    );
    assert!(first.iter().all(|(_, change)| *change == Change::Create));
    assert_eq!(project.read("src/generated/models/B.ts"), format!("// {GENERATED}\n1\n"));

    let identity = |path: &str| {
        let known = fs::metadata(project.0.join(path)).unwrap();
        (known.ino(), known.mtime(), known.mtime_nsec())
    };
    let before = identity("src/generated/a.ts");
    let second = apply(&project, &[("a.ts", "1"), ("models/B.ts", "2"), ("models/D.ts", "1")]);
    let changed = Change::Change { line: 2, old: Some("1".to_owned()), new: Some("2".to_owned()) };
    let expected =
        [("models/B.ts", changed), ("models/D.ts", Change::Create), ("old/deep/C.ts", Change::Remove)];
    assert_eq!(second, expected.map(|(path, change)| (path.to_owned(), change)));
    assert_eq!(identity("src/generated/a.ts"), before, "an unchanged file is not touched");
    assert!(!project.has("src/generated/old"), "empty folders go");
    assert_eq!(apply(&project, &[("a.ts", "1"), ("models/B.ts", "2"), ("models/D.ts", "1")]), []);
    let left = fs::read_dir(project.0.join(GEN).join("models")).unwrap().count();
    assert_eq!(left, 2, "nothing temporary is left");
}

#[test]
fn a_plan_alone_touches_nothing() {
    let project = Folder::new();
    let planned = plan(&project.0, Path::new(GEN), &Target::ALL, files(&[("a.ts", "1")])).unwrap();
    assert_eq!(planned.changes, [(PathBuf::from("a.ts"), Change::Create)]);
    assert!(!project.has("src"));
    apply(&project, &[("a.ts", "1\n2")]);
    let planned = plan(&project.0, Path::new(GEN), &Target::ALL, files(&[("a.ts", "1")])).unwrap();
    let change = Change::Change { line: 3, old: Some("2".to_owned()), new: Some(String::new()) };
    assert_eq!(planned.changes, [(PathBuf::from("a.ts"), change)]);
    assert!(project.read("src/generated/a.ts").contains('2'));
}

#[test]
fn what_is_not_ours_stays() {
    let project = Folder::new();
    project.write("src/generated/notes.md", "mine\n// Generated by rohas from the schema. Do not edit.\n");
    project.write("src/generated/empty.ts", "");
    project.write("src/generated/bytes.bin", "\u{0}\u{1}");
    project.write("src/mine.ts", &format!("// {GENERATED}\n"));
    project.write("src/generated/old/__pycache__/x.pyc", "cache");
    project.write("src/generated/old/x.py", &format!("# {GENERATED}\n"));
    symlink("/etc/passwd", project.0.join("src/generated/link")).unwrap();
    let planned = plan(&project.0, Path::new(GEN), &Target::ALL, files(&[("a.ts", "1")])).unwrap();
    let foreign = ["bytes.bin", "empty.ts", "link", "notes.md"].map(PathBuf::from);
    assert_eq!(planned.foreign, foreign);
    planned.apply().unwrap();
    for path in ["src/generated/notes.md", "src/generated/empty.ts", "src/generated/link", "src/mine.ts"] {
        assert!(project.has(path), "{path}");
    }
    assert!(!project.has("src/generated/old"), "a folder of nothing but Python's cache goes");
}

#[test]
fn nothing_leaves_the_project() {
    let (project, outside) = (Folder::new(), Folder::new());
    let stale = format!("// {GENERATED}\n");
    outside.write("victim.ts", &stale);
    outside.write("models/victim.ts", &stale);
    project.write("src/keep", "");

    // The folder itself, or one in it, leads out.
    symlink(&outside.0, project.0.join("src/generated")).unwrap();
    let error = plan(&project.0, Path::new(GEN), &Target::ALL, files(&[("models/A.ts", "1")])).unwrap_err();
    assert!(error.to_string().contains("src/generated is a symlink"), "{error}");
    fs::remove_file(project.0.join("src/generated")).unwrap();
    fs::create_dir(project.0.join("src/generated")).unwrap();
    symlink(outside.0.join("models"), project.0.join("src/generated/models")).unwrap();
    assert!(plan(&project.0, Path::new(GEN), &Target::ALL, files(&[("models/A.ts", "1")])).is_err());
    // One that is not wanted is not ours.
    apply(&project, &[("a.ts", "1")]);
    assert!(project.has("src/generated/models"));
    assert_eq!(outside.read("models/victim.ts"), stale);

    // A file that is a link stays one, and nothing is written through it.
    symlink(outside.0.join("victim.ts"), project.0.join("src/generated/b.ts")).unwrap();
    let wanted = files(&[("a.ts", "1"), ("b.ts", "new")]);
    let error = plan(&project.0, Path::new(GEN), &Target::ALL, wanted).unwrap_err();
    assert!(error.to_string().contains("b.ts is a symlink"), "{error}");
    assert_eq!(outside.read("victim.ts"), stale);

    // A stub goes no other way.
    symlink(&outside.0, project.0.join("src/handlers")).unwrap();
    let file = File { path: PathBuf::from("src/handlers/api/X.ts"), text: "x".to_owned() };
    assert!(add(&project.0, &file).is_err());
    assert!(!outside.has("api"));
}

#[test]
fn a_link_within_the_project_is_no_way_either() {
    let project = Folder::new();
    project.write("src/lib/A.ts", "mine");
    fs::create_dir(project.0.join(GEN)).unwrap();
    symlink("../lib", project.0.join("src/generated/models")).unwrap();
    let error = plan(&project.0, Path::new(GEN), &Target::ALL, files(&[("models/A.ts", "1")])).unwrap_err();
    assert!(error.to_string().contains("src/generated/models is a symlink"), "{error}");
    assert_eq!(project.read("src/lib/A.ts"), "mine");
}

#[test]
fn what_is_not_ours_is_never_overwritten() {
    let project = Folder::new();
    // The marker is the whole first line.
    for mine in ["mine".to_owned(), format!("// not {GENERATED}\n"), format!("# {GENERATED}\n")] {
        project.write("src/generated/b.ts", &mine);
        let wanted = files(&[("a.ts", "1"), ("b.ts", "1")]);
        let error = plan(&project.0, Path::new(GEN), &Target::ALL, wanted).unwrap_err();
        assert!(error.to_string().contains("b.ts is not generated by rohas; move it away"), "{error}");
        assert_eq!(project.read("src/generated/b.ts"), mine);
        assert!(!project.has("src/generated/a.ts"));
    }
    project.write("src/generated/b.ts", &format!("// {GENERATED}\r\nold\r\n"));
    apply(&project, &[("b.ts", "1")]);
    assert!(project.read("src/generated/b.ts").ends_with("\n1\n"));
}

#[test]
fn a_limited_run_leaves_other_languages_alone() {
    let project = Folder::new();
    apply(&project, &[("a.ts", "1"), ("old.ts", "1"), ("a.py", "1")]);
    let present = languages(&project.0, Path::new(GEN)).unwrap();
    assert_eq!(present.into_iter().collect::<Vec<_>>(), [Target::TypeScript, Target::Python]);
    let limited = plan(&project.0, Path::new(GEN), &[Target::TypeScript], files(&[("a.ts", "1")])).unwrap();
    assert_eq!(limited.changes, [(PathBuf::from("old.ts"), Change::Remove)]);
    assert!(limited.foreign.is_empty());
    apply(&project, &[("a.ts", "1")]);
    assert!(!project.has("src/generated/a.py"));
}

#[test]
fn runs_at_once_do_not_disturb_each_other() {
    let project = Folder::new();
    project.write("src/generated/.a.ts.1-1.rohas-new", &format!("// {GENERATED}\n"));
    project.write("src/generated/.DS_Store", "");
    std::thread::scope(|scope| {
        for run in 0..4 {
            let project = &project;
            scope.spawn(move || {
                for round in 0..50 {
                    let text = format!("{run} {round}");
                    let other = if (run + round) % 2 == 0 { "api/B.ts" } else { "events/C.ts" };
                    let _lock = lock(&project.0).unwrap();
                    let planned = plan(
                        &project.0,
                        Path::new(GEN),
                        &Target::ALL,
                        files(&[("a.ts", &text), (other, &text)]),
                    );
                    let planned = planned.unwrap();
                    assert!(planned.foreign.is_empty(), "{:?}", planned.foreign);
                    planned.apply().unwrap();
                }
            });
        }
    });
    assert!(project.has("src/generated/.a.ts.1-1.rohas-new"));
    assert!(project.has("src/generated/a.ts"));
}

#[test]
fn a_file_and_a_folder_change_places() {
    let project = Folder::new();
    apply(&project, &[("models.ts", "1"), ("api.ts/X.ts", "1")]);
    apply(&project, &[("models.ts/A.ts", "1"), ("api.ts", "1")]);
    assert!(project.read("src/generated/models.ts/A.ts").ends_with("1\n"));
    assert!(project.read("src/generated/api.ts").ends_with("1\n"));
}

#[test]
fn a_project_behind_a_symlink_is_one() {
    let (project, elsewhere) = (Folder::new(), Folder::new());
    let link = elsewhere.0.join("project");
    symlink(&project.0, &link).unwrap();
    plan(&link, Path::new(GEN), &Target::ALL, files(&[("models/A.ts", "1")])).unwrap().apply().unwrap();
    assert!(project.has("src/generated/models/A.ts"));
}

#[test]
fn a_stub_never_replaces_anything() {
    let project = Folder::new();
    let file = File { path: PathBuf::from("src/handlers/api/X.ts"), text: "stub".to_owned() };
    assert!(add(&project.0, &file).unwrap());
    project.write("src/handlers/api/X.ts", "mine");
    assert!(!add(&project.0, &file).unwrap());
    assert_eq!(project.read("src/handlers/api/X.ts"), "mine");
    symlink("nowhere", project.0.join("src/handlers/api/Y.ts")).unwrap();
    let file = File { path: PathBuf::from("src/handlers/api/Y.ts"), text: "stub".to_owned() };
    assert!(!add(&project.0, &file).unwrap());
}

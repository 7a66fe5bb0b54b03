//! The commands that need no engine, as a shell would run them.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

pub struct Output {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// The command, in the folder `here`, without what the environment of the test says about colours.
pub fn command(here: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rohas"));
    command.current_dir(here).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "RUST_LOG", "ROHAS_PATH", "ROHAS_ADMIN_TOKEN"] {
        command.env_remove(name);
    }
    command
}

pub fn rohas(here: &Path, words: &str) -> Output {
    let output = command(here).args(words.split_whitespace()).output().unwrap();
    Output {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder of its own, removed at the end.
pub struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Folder {
        let root = std::env::temp_dir().join(format!("rohas-cli-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&root).unwrap();
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Folder(root)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

const BROKEN: (&str, &str) =
    ("schema/api/a.ro", "api A {\n  method: GET\n  path: \"/a\"\n  respnse: Int\n}\n");
const UNUSED: (&str, &str) = ("schema/types.ro", "type Unused { a: Int }\n");
const UNWRITTEN: (&str, &str) = (
    "schema/all.ro",
    "api Hello { method: GET path: \"/hello\" response: String triggers: [Greeted] }\n\
     event Greeted { payload: String handler: [count_greeting] }\n\
     ws Chat { path: \"/chat\" onMessage: [on_message] }\n",
);

#[test]
fn exit_codes_are_those_of_the_documentation() {
    let good = Folder::new(&[UNUSED]);
    let broken = Folder::new(&[BROKEN]);
    let table = [
        (&good, "validate", 0),
        (&good, "validate --deny warnings", 1),
        (&good, "list events", 0),
        (&broken, "validate", 1),
        (&broken, "validate --schema-only", 1),
        (&broken, "list routes", 1),
        (&broken, "list-events", 1),
        (&broken, "codegen", 1),
        (&broken, "openapi", 1),
        (&broken, "json-schema --format json --deny warnings", 1),
        (&good, "asyncapi", 0),
        (&good, "json-schema --type Unusd", 1),
        (&good, "validate nowhere", 1),
        (&good, "explain", 0),
        (&good, "explain S0007", 0),
        (&good, "explain S9999", 2),
        (&good, "validate --format yaml", 2),
        (&good, "--color pink validate", 2),
        (&good, "fly", 2),
        (&good, "help", 0),
        (&good, "help validate", 0),
        (&good, "--version", 0),
        (&good, "", 2),
    ];
    for (folder, words, code) in table {
        let output = rohas(folder.path(), words);
        assert_eq!(output.code, Some(code), "rohas {words}: {}{}", output.stdout, output.stderr);
        let (said, silent) = match words.contains("json") && code == 1 && words.contains("--format") {
            true => (&output.stdout, &output.stderr),
            false => (&output.stderr, &output.stdout),
        };
        assert!(code == 0 || silent.is_empty(), "rohas {words}: {silent}");
        assert!(code == 0 || !said.is_empty(), "rohas {words} fails without a word");
    }
}

#[test]
fn help_is_there_without_arguments_and_a_typo_is_named() {
    let here = Folder::new(&[]);
    assert!(rohas(here.path(), "").stderr.contains("Usage: rohas"));
    let typo = rohas(here.path(), "validat");
    assert!(typo.stderr.contains("a similar subcommand exists: 'validate'"), "{}", typo.stderr);
    let help = rohas(here.path(), "help").stdout;
    assert!(help.contains("Exit codes:") && !help.contains("list-handlers"), "{help}");
}

#[test]
fn problems_are_one_json_document() {
    let project = Folder::new(&[BROKEN, UNUSED]);
    let output = rohas(project.path(), "validate --format json");
    assert_eq!((output.code, output.stderr.as_str()), (Some(1), ""));
    let document = output.json();
    assert_eq!(document["ok"], json!(false));
    let first = json!({
        "code": "S0007", "severity": "error", "message": "api has no property `respnse`",
        "file": "schema/api/a.ro", "line": 4, "column": 3, "end_line": 4, "end_column": 10,
        "label": null, "hint": "did you mean `response`?",
    });
    assert_eq!(document["diagnostics"][0], first);
    assert_eq!(document["diagnostics"][1]["code"], "S0030");
    let message = document["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("there is no handler for api A"), "{message}");

    let fine = rohas(Folder::new(&[UNUSED]).path(), "validate --schema-only --format json");
    assert_eq!((fine.code, fine.json()["ok"].clone()), (Some(0), json!(true)));
}

#[test]
fn documents_and_formatted_files_keep_standard_output_to_themselves() {
    let unused = Folder::new(&[UNUSED]);
    let document = rohas(unused.path(), "json-schema --format json");
    assert_eq!(document.code, Some(0));
    assert!(document.json()["$defs"]["Unused"].is_object(), "{}", document.stdout);
    let warnings: Value = serde_json::from_str(&document.stderr).unwrap();
    assert_eq!(warnings["diagnostics"][0]["code"], "S0030");
    let broken = Folder::new(&[("schema/a.ro", "model A {"), ("schema/b.ro", "model B{a Int}")]);
    let formatted = rohas(broken.path(), "fmt --format json");
    assert_eq!(
        (formatted.code, formatted.json()["diagnostics"][0]["code"].as_str()),
        (Some(1), Some("S0002"))
    );
    assert_eq!(broken.read("schema/b.ro"), "model B {\n  a: Int\n}\n");
}

#[test]
fn problems_are_annotations() {
    let project = Folder::new(&[BROKEN]);
    let output = rohas(project.path(), "validate --schema-only --format github");
    let expected = "::error file=schema/api/a.ro,line=4,endLine=4,col=3,endColumn=10,title=S0007::\
                    api has no property `respnse`%0Ahelp: did you mean `response`?\n";
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (Some(1), expected, ""));
    // from outside, the file is still named as from here
    let inside = project.path().join("schema");
    let output =
        rohas(&inside, &format!("validate --schema-only --format github {}", project.path().display()));
    assert!(output.stdout.starts_with("::error file=api/a.ro,line=4"), "{}", output.stdout);
}

#[test]
fn colours_come_only_when_they_are_wanted() {
    let project = Folder::new(&[BROKEN]);
    let coloured = |words: &str, environment: &[(&str, &str)]| {
        let mut command = command(project.path());
        command.args(words.split_whitespace()).envs(environment.iter().copied());
        let output = command.output().unwrap();
        output.stderr.contains(&0x1b) || output.stdout.contains(&0x1b)
    };
    assert!(!coloured("validate", &[]));
    assert!(coloured("validate --color always", &[("NO_COLOR", "1")]));
    assert!(coloured("validate", &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured("validate --color never", &[("CLICOLOR_FORCE", "1")]));
    assert!(coloured("help --color=always", &[]) && !coloured("help", &[]));
    assert!(coloured("explain S0001 --color always", &[]) && !coloured("explain S0001", &[]));
}

#[test]
fn the_schema_alone_can_be_checked() {
    let project = Folder::new(&[UNWRITTEN]);
    let output = rohas(project.path(), "validate --schema-only");
    assert_eq!(output.stdout, "ok: 1 api, 1 event, 0 crons, 1 websocket\n");
    assert_eq!(rohas(project.path(), "validate --schema-only schema").code, Some(0));
    let output = rohas(project.path(), "validate");
    assert_eq!(output.code, Some(1));
    assert_eq!(output.stderr.matches("there is no handler for").count(), 3, "{}", output.stderr);
    assert!(output.stderr.ends_with("3 errors\n"), "{}", output.stderr);
}

#[test]
fn handlers_of_a_rust_program_are_not_missing() {
    let manifest = ("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nrohas = \"0.1\"\n");
    let project = Folder::new(&[UNWRITTEN, manifest]);
    let output = rohas(project.path(), "validate");
    let expected = "ok: 1 api, 1 event, 0 crons, 1 websocket, 0 handlers in files, 3 expected in Rust\n";
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), expected), "{}", output.stderr);
    let listed = rohas(project.path(), "list handlers --json").json();
    assert!(listed.as_array().unwrap().iter().all(|row| row["language"] == "Rust"), "{listed}");
}

#[test]
fn what_is_missing_is_in_the_list() {
    let handler = ("src/handlers/api/Hello.ts", "export const handler = () => \"hello\";\n");
    let project = Folder::new(&[UNWRITTEN, handler]);
    let expected = "\
KIND   NAME             LANGUAGE    FILE
api    Hello            TypeScript  src/handlers/api/Hello.ts
event  count_greeting   missing
ws     Chat.on_message  missing
";
    for words in ["list handlers", "list-handlers", "list-handlers schema", "list handlers ."] {
        let output = rohas(project.path(), words);
        assert_eq!((output.code, output.stdout.as_str()), (Some(0), expected), "{words}: {}", output.stderr);
    }
    let rows = rohas(project.path(), "list handlers --json").json();
    let file = project.path().join("src/handlers/api/Hello.ts");
    let hello = json!({ "kind": "api", "name": "Hello", "language": "TypeScript", "file": file.to_str() });
    assert_eq!(rows[0], hello);
    assert_eq!(rows[1], json!({ "kind": "event", "name": "count_greeting", "language": null, "file": null }));
    let events = rohas(project.path(), "list-events --json").json();
    assert_eq!(events, json!([{ "event": "Greeted", "handlers": "count_greeting", "triggers": "" }]));
    let routes = rohas(project.path(), "list routes").stdout;
    assert_eq!(routes, "METHOD  PATH    ENTITY\nGET     /hello  api Hello\nWS      /chat   ws Chat\n");
}

#[test]
fn explanations_show_the_problem_and_its_cure() {
    let here = Folder::new(&[]);
    let all = rohas(here.path(), "explain").stdout;
    assert_eq!(all.lines().count(), rohas::schema::codes::ALL.len());
    let page = rohas(here.path(), "explain s0007");
    for part in ["S0007: unknown property (error)\n", "Example:\n", "╭─[example.ro:", "Cured:\n"] {
        assert!(page.stdout.contains(part), "no {part:?} in\n{}", page.stdout);
    }
    let unknown = rohas(here.path(), "explain S00O7");
    assert!(unknown.stderr.contains("did you mean S0007?"), "{}", unknown.stderr);
}

/// Runs a script of bash with `rohas` on the path.
fn bash(script: &str) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_rohas")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash").args(["-c", script]).env("PATH", path).output().unwrap();
    Output {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let complete = |words: &str, last: &str| {
        let script = format!(
            "set -eu; source <(rohas completions bash); COMP_WORDS=({words} {last}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _rohas rohas '{last}' x; echo \"${{COMPREPLY[*]}}\""
        );
        let output = bash(&script);
        assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""));
        output.stdout.trim_end().to_owned()
    };
    assert_eq!(complete("rohas", "va"), "validate");
    assert_eq!(complete("rohas validate", "--sch"), "--schema-only");
    assert_eq!(complete("rohas list", "ro"), "routes");
    for shell in ["elvish", "fish", "powershell", "zsh"] {
        let script = rohas(Path::new("/"), &format!("completions {shell}")).stdout;
        assert!(script.contains("validate"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_a_command_silently() {
    for words in ["explain", "completions bash", "help"] {
        let mut child = command(Path::new("/"))
            .args(words.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{words}");
    }
    let output = bash("rohas explain | head -1; echo ${PIPESTATUS[0]}");
    assert_eq!(
        (output.stdout.lines().next(), output.stderr.as_str()),
        (Some("S0001  error    syntax error"), "")
    );
}

#[test]
fn init_refuses_what_is_in_the_way() {
    let here = Folder::new(&[("full/a.txt", ""), ("full/b/c.txt", ""), ("file", ""), ("repo/.git/HEAD", "")]);
    let table = [
        ("init full", "full is not empty, and nothing in it is overwritten: it has a.txt, b\n"),
        ("init file", "file is a file\n"),
        ("init Shop", "`Shop` cannot be the name of a package"),
        ("init 9lives", "`--name lives` would do\n"),
        ("init test", "the name is taken"),
        ("init ok --lang rust --rohas-path full", "full: the crate rohas is not there\n"),
    ];
    for (words, message) in table {
        let output = rohas(here.path(), words);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{words}");
        assert!(output.stderr.contains(message), "{words}: {}", output.stderr);
    }
    assert!(!here.path().join("ok").exists() && !here.path().join("Shop").exists());
    assert_eq!(rohas(here.path(), "init ok --lang cobol").code, Some(2));
    assert_eq!(rohas(here.path(), "init Shop --name shop").code, Some(0));
    assert_eq!(rohas(here.path(), "init repo").code, Some(0));
    assert_eq!(rohas(&here.path().join("repo"), "init .").code, Some(1));
    fs::create_dir(here.path().join("empty")).unwrap();
    let output = rohas(&here.path().join("empty"), "init .");
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(!output.stdout.contains("cd ") && output.stdout.contains("rohas run"), "{}", output.stdout);
}

#[test]
fn a_new_project_is_whole_in_every_language() {
    let here = Folder::new(&[]);
    for language in ["typescript", "python", "rust", "mixed"] {
        let output = rohas(here.path(), &format!("init my-{language} --lang {language}"));
        assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{language}");
        let valid = rohas(here.path(), &format!("validate --schema-only --deny warnings my-{language}"));
        assert_eq!(valid.code, Some(0), "{}", valid.stderr);
        let formatted = rohas(here.path(), &format!("fmt --check my-{language}"));
        assert_eq!((formatted.code, formatted.stdout.as_str()), (Some(0), ""), "{}", formatted.stderr);
        let fresh = rohas(here.path(), &format!("codegen --check my-{language}"));
        assert_eq!(fresh.code, Some(0), "{language}: {}", fresh.stdout);
        let handlers = rohas(here.path(), &format!("list handlers --json my-{language}")).json();
        let handlers = handlers.as_array().unwrap();
        assert_eq!(handlers.len(), 8);
        assert!(handlers.iter().all(|row| row["language"] != json!(null)), "{language}: {handlers:#?}");
        let mut files = vec![here.path().join(format!("my-{language}"))];
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.contains("{{"), "{} has a placeholder left", path.display());
            }
        }
    }
    let manifest = here.read("my-rust/Cargo.toml");
    assert!(manifest.contains(&format!("rohas = {{ path = {:?}", env!("CARGO_MANIFEST_DIR"))), "{manifest}");
    assert!(here.read("my-rust/src/main.rs").contains("my_rust::app()"));
    assert!(here.read("my-typescript/package.json").contains("\"name\": \"my-typescript\""));
}

/// Where `scripts/tools.sh` puts what tests compare with.
fn tool(path: &str) -> PathBuf {
    let home = std::env::var("HOME").unwrap();
    let tool = Path::new(&home).join(".cache/rohas/tools").join(path);
    assert!(tool.exists(), "{} is missing: run scripts/tools.sh", tool.display());
    tool
}

fn passes(mut command: Command) {
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{stdout}{stderr}");
}

#[test]
fn new_projects_pass_the_strict_checkers() {
    let here = Folder::new(&[]);
    for language in ["typescript", "python", "mixed"] {
        assert_eq!(rohas(here.path(), &format!("init my-{language} --lang {language}")).code, Some(0));
    }
    for language in ["typescript", "mixed"] {
        let mut tsc = Command::new(tool("node_modules/.bin/tsc"));
        tsc.current_dir(here.path().join(format!("my-{language}")));
        passes(tsc);
    }
    for language in ["python", "mixed"] {
        let mut mypy = Command::new(tool("venv/bin/mypy"));
        mypy.current_dir(here.path().join(format!("my-{language}")));
        passes(mypy);
    }
}

const UNFORMATTED: (&str, &str) = ("schema/a.ro", "enum A {\n  X\n}\nenum B { Y }\n");

#[test]
fn fmt_ends_with_the_codes_of_the_documentation() {
    let project = Folder::new(&[UNFORMATTED]);
    let code = |words: &str| rohas(project.path(), words).code;
    assert_eq!(code("fmt --check"), Some(1));
    assert_eq!(project.read("schema/a.ro"), UNFORMATTED.1);
    let written = rohas(project.path(), "fmt");
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), "schema/a.ro\n"));
    let unchanged = rohas(project.path(), "fmt");
    assert_eq!((unchanged.code, unchanged.stdout.as_str()), (Some(0), ""));
    assert_eq!(code("fmt --check"), Some(0));
    fs::write(project.path().join("schema/b.ro"), "enum {").unwrap();
    assert_eq!((code("fmt"), code("fmt --check"), code("fmt nowhere.ro")), (Some(1), Some(1), Some(1)));
    assert_eq!(project.read("schema/b.ro"), "enum {");
    assert_eq!(
        (code("fmt --chekc"), code("fmt - schema"), code("fmt --stdin a.ro")),
        (Some(2), Some(2), Some(2))
    );
}

#[test]
fn what_is_not_formatted_is_one_document_or_one_annotation_each() {
    let project =
        Folder::new(&[UNFORMATTED, ("schema/b.ro", "enum C{Z}"), ("schema/c.ro", "enum D {\n  Z\n}\n")]);
    let message = "is not formatted; run `rohas fmt`";
    let problem =
        |file: &str, line: u32| json!({ "message": message, "hint": null, "file": file, "line": line });
    let problems = [problem("schema/a.ro", 4), problem("schema/b.ro", 1)];
    let expected = json!({ "ok": false, "diagnostics": [], "problems": problems });
    let output = rohas(project.path(), "fmt --check --format json");
    assert_eq!((output.code, output.json(), output.stderr.as_str()), (Some(1), expected, ""));
    let output = rohas(project.path(), "fmt --check --format github");
    let expected = format!(
        "::error file=schema/a.ro,line=4,title=rohas::{message}\n::error file=schema/b.ro,line=1,title=rohas::{message}\n"
    );
    assert_eq!((output.code, output.stdout, output.stderr.as_str()), (Some(1), expected, ""));
    let good = json!({ "ok": true, "diagnostics": [], "problems": [] });
    for words in ["fmt --format json", "fmt --check --format json"] {
        let output = rohas(project.path(), words);
        assert_eq!((output.code, output.json()), (Some(0), good.clone()), "{words}");
    }
}

#[test]
fn stale_code_is_one_document_or_one_annotation_each() {
    let project = Folder::new(&[("schema/a.ro", "api A { method: GET path: \"/a\" response: Int }\n")]);
    let check =
        |format: &str| rohas(project.path(), &format!("codegen --check --lang rust --format {format}"));
    let output = check("json");
    let problems = output.json()["problems"].as_array().unwrap().clone();
    assert_eq!((output.code, output.stderr.as_str()), (Some(1), ""));
    assert!(problems.iter().any(|problem| problem["file"] == "src/generated/mod.rs"), "{problems:#?}");
    assert_eq!(rohas(project.path(), "codegen --lang rust").code, Some(0));
    let output = check("json");
    let good = json!({ "ok": true, "diagnostics": [], "problems": [] });
    assert_eq!((output.code, output.json()), (Some(0), good));
    let path = project.path().join("src/generated/mod.rs");
    let text = project.read("src/generated/mod.rs");
    fs::write(&path, format!("{text}// more\n")).unwrap();
    let output = check("github");
    let line = text.lines().count() + 1;
    let expected = format!(
        "::error file=src/generated/mod.rs,line={line},title=rohas::is not what the schema says; run `rohas codegen`\n"
    );
    assert_eq!((output.code, output.stdout, output.stderr.as_str()), (Some(1), expected, ""));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_device_is_an_error_and_no_panic() {
    let project = Folder::new(&[UNUSED, UNFORMATTED]);
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let commands = [
        "explain",
        "explain S0001",
        "validate",
        "validate --format json",
        "validate --format github",
        "fmt --check",
        "fmt --check --format json",
        "list events",
        "list events --json",
        "codegen --lang rust",
        "openapi",
        "completions bash",
        "version",
        "init new",
    ];
    let expected = "error: standard output: No space left on device (os error 28)\n";
    for words in commands {
        let output = command(project.path()).args(words.split(' ')).stdout(full()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && stderr.ends_with(expected), "{words}: {stderr}");
    }
    let input = fs::File::open(project.path().join("schema/a.ro")).unwrap();
    let output = command(project.path()).args(["fmt", "-"]).stdin(input).stdout(full()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), expected.as_bytes()));
    let broken = Folder::new(&[BROKEN]);
    for words in ["validate", "fmt nowhere", "openapi"] {
        let status = command(broken.path()).args(words.split(' ')).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(1), "{words}");
    }
}

#[test]
fn a_document_has_short_options_and_a_name_for_standard_output() {
    let project = Folder::new(&[UNUSED]);
    let whole = rohas(project.path(), "json-schema --type Unused").stdout;
    assert!(whole.contains("Unused"), "{whole}");
    for words in ["json-schema -t Unused", "json-schema -t Unused -o -"] {
        assert_eq!(rohas(project.path(), words).stdout, whole, "{words}");
    }
    assert_eq!(rohas(project.path(), "json-schema -n Unused").code, Some(2));
    assert!(!project.path().join("-").exists());
    let version = rohas(project.path(), "version").stdout;
    assert!(version.lines().all(|line| line == line.trim_end()), "{version:?}");
}

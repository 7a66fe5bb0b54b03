//! `rohas codegen` on real projects, and a project that runs on what it wrote.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::client::{eventually, soon};
use crate::project::{App, Project};

const SCHEMA: &str = r#"
    /// A person.
    model User { id: Int @id @bigint  name: String @length(1, 20)  role: Role @default(MEMBER)  visits: Int }
    enum Role { ADMIN MEMBER }
    type NotFound { message: String  id: Int @bigint }
    type Conflict { message: String }
    api PutUser {
      method: PUT  path: "/users/{id}"  params: { id: Int @bigint }  body: User  response: User  status: 201
      errors: { 404: NotFound, 409: Conflict }  triggers: [UserPut]  middlewares: [stamp]
    }
    api GetSeen { method: GET  path: "/seen"  response: String[] }
    event UserPut { payload: User  handler: [note_user] }
"#;

const PUT_USER: &str = r#"
    import { Conflict, NotFound, type PutUserHandler } from "../../generated/api/PutUser.ts";
    import { Role } from "../../generated/models/Role.ts";
    export const handler: PutUserHandler = ({ id, body, headers }) => {
      if (headers["x-stamp"] !== "yes") throw new Error("the middleware did not run");
      if (body.name === "nobody") throw new NotFound({ message: "no such user", id });
      if (body.name === "taken") throw new Conflict("taken");
      if (body.name === "rounded") return { ...body, visits: 2 ** 53 };
      return { ...body, id: id + 1n, role: Role.ADMIN };
    };
"#;

const NOTE_USER: &str = r#"
    import type { UserPutHandler } from "../../generated/events/UserPut.ts";
    import { seen } from "../api/GetSeen.ts";
    export const handler: UserPutHandler = (event) => void seen.push(`${typeof event.payload.id} ${event.payload.id}`);
"#;

const GET_SEEN: &str = r#"
    import type { GetSeenHandler } from "../../generated/api/GetSeen.ts";
    export const seen: string[] = [];
    export const handler: GetSeenHandler = () => seen;
"#;

const STAMP: &str = r#"
    import type { Middleware } from "../generated/runtime.ts";
    export const handler: Middleware = ({ headers }) => ({ headers: { ...headers, "x-stamp": "yes" } });
"#;

/// Runs `rohas codegen`; returns the exit code, standard output and standard error.
async fn codegen(project: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rohas"));
    command.arg("codegen").arg(project).args(more).env("NO_COLOR", "1").kill_on_drop(true);
    let output = soon("rohas ends", command.output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn user(id: i64, name: &str) -> Value {
    json!({ "id": id, "name": name, "visits": 3 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_runs_on_generated_code() {
    let project = Project::new(&[
        ("schema/users.ro", SCHEMA),
        ("src/handlers/api/PutUser.ts", PUT_USER),
        ("src/handlers/api/GetSeen.ts", GET_SEEN),
        ("src/handlers/events/note_user.ts", NOTE_USER),
        ("src/middlewares/stamp.ts", STAMP),
    ]);
    let (code, out, log) = codegen(project.path(), &[]).await;
    assert_eq!(code, Some(0), "{out}{log}");
    let app = App::start(project.builder()).await;
    let big = 9_007_199_254_740_993_i64;
    let put =
        async |name: &str| app.send("PUT", &format!("/users/{big}"), &[], &user(big, name).to_string()).await;

    let answer = put("somebody").await;
    assert_eq!(
        answer.expect(201),
        json!({ "id": big + 1, "name": "somebody", "role": "ADMIN", "visits": 3 })
    );
    assert_eq!(put("nobody").await.expect(404), json!({ "message": "no such user", "id": big }));
    assert_eq!(put("taken").await.expect(409), json!({ "message": "taken" }));
    // What may have been rounded is no integer: the result does not fit, and the client learns nothing of it.
    let rounded = put("rounded").await;
    assert!(rounded.expect(500)["id"].is_string(), "{rounded:?}");

    let mut beyond = user(1, "somebody");
    beyond["visits"] = json!(big);
    let refused = app.send("PUT", "/users/1", &[], &beyond.to_string()).await;
    assert_eq!(refused.expect(422)["errors"][0]["path"], "/body/visits");

    let seen = eventually("the event is handled", async || {
        let seen = app.get("/seen").await.expect(200);
        (seen != json!([])).then_some(seen)
    });
    assert_eq!(seen.await, json!([format!("bigint {}", big + 1)]));
}

#[tokio::test]
async fn stubs_start_and_say_that_they_are_not_written() {
    let schema = "api Hello { method: GET path: \"/hello\" response: String middlewares: [auth] }
        event Greeted { payload: String handler: [greet] }  cron Nightly { schedule: \"@daily\" }
        ws Chat { path: \"/chat\" onConnect: [joined] onMessage: [said] }";
    let project = Project::new(&[("schema/a.ro", schema)]);
    let (code, out, _) = codegen(project.path(), &[]).await;
    assert_eq!(code, Some(0));
    assert!(out.starts_with("languages: typescript (the default; there are no handlers yet)\n"), "{out}");
    for stub in ["api/Hello", "events/greet", "cron/Nightly", "websockets/Chat"] {
        assert!(out.contains(&format!("stub src/handlers/{stub}.ts\n")), "{out}");
    }
    let app = App::start(project.builder()).await;
    let answer = app.get("/hello").await;
    assert!(answer.expect(500)["id"].is_string());
}

#[tokio::test]
async fn a_check_fails_and_writes_nothing() {
    let project = Project::new(&[("schema/users.ro", SCHEMA)]);
    let written = |path: &str| project.path().join(path).exists();
    let (code, out, _) = codegen(project.path(), &["--check"]).await;
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("create src/generated/models/User.ts\n"), "{out}");
    assert!(!written("src"), "a check writes nothing, no stubs either");

    let (code, out, _) = codegen(project.path(), &["--no-stubs"]).await;
    assert_eq!(code, Some(0), "{out}");
    assert!(written("src/generated/models/User.ts") && !written("src/handlers"));
    let (code, out, _) = codegen(project.path(), &["--check"]).await;
    assert_eq!(code, Some(0), "{out}");
    assert!(out.ends_with("0 to create, 0 to change, 0 to remove, 15 unchanged\n"), "{out}");

    let path = project.path().join("src/generated/models/Role.ts");
    let text = std::fs::read_to_string(&path).unwrap().replace("MEMBER", "GUEST");
    std::fs::write(&path, &text).unwrap();
    std::fs::write(project.path().join("src/generated/mine.ts"), "export {};\n").unwrap();
    let (code, out, log) = codegen(project.path(), &["--check"]).await;
    assert_eq!(code, Some(1));
    let difference =
        "change src/generated/models/Role.ts:3\n  - export type Role = \"ADMIN\" | \"GUEST\";\n  + ";
    assert!(out.contains(difference), "{out}");
    assert!(log.contains("src/generated/mine.ts is not generated and stays"), "{log}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_broken_schema_writes_nothing() {
    let project = Project::new(&[("schema/a.ro", "api A { method: GET path: \"/a\" response: Nothing }\n")]);
    let (code, out, log) = codegen(project.path(), &[]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(log.contains("there is no type `Nothing`"), "{log}");
    assert!(!project.path().join("src").exists());
}

#[tokio::test]
async fn languages_are_told_or_found() {
    let schema = "api A { method: GET path: \"/a\" response: String }  api B { method: GET path: \"/b\" response: String }";
    let python = ("src/handlers/api/a.py", "def handler() -> str:\n    return 'a'\n");
    let project = Project::new(&[("schema/a.ro", schema), python]);
    let (_, out, _) = codegen(project.path(), &[]).await;
    assert!(out.starts_with("languages: python (those of the project)\n"), "{out}");
    assert!(out.contains("stub src/handlers/api/b.py\n"), "{out}");
    let (_, out, _) = codegen(project.path(), &["--lang", "python,typescript"]).await;
    assert!(out.starts_with("languages: python, typescript (as told)\n"), "{out}");
    // The last handler goes: the generated files still say which languages there are.
    std::fs::remove_dir_all(project.path().join("src/handlers")).unwrap();
    let (_, out, _) = codegen(project.path(), &["--no-stubs"]).await;
    assert!(out.starts_with("languages: typescript, python (those of the project)\n"), "{out}");
    assert!(project.path().join("src/generated/api/a.py").exists(), "{out}");
    let (code, _, _) = codegen(project.path(), &["--lang", "cobol"]).await;
    assert_eq!(code, Some(2));

    // A Rust function is in no file: its name is printed, and nothing is put in its way.
    let project = Project::new(&[("schema/a.ro", schema), ("Cargo.toml", "[package]\n")]);
    let (_, out, _) = codegen(project.path(), &[]).await;
    assert!(out.starts_with("languages: rust (those of the project)\n"), "{out}");
    assert!(out.contains("  .handler(\"A\", …)\n  .handler(\"B\", …)\n"), "{out}");
    assert!(!project.path().join("src/handlers").exists());
}

//! What keeps an app from being built or started is told all at once.

use rohas::{ActorApp, Failure, Json, Request, StartError, State};

use crate::project::{Project, config};

async fn anything(_: Request, _: State) -> Result<Json, Failure> {
    Ok(Json::Null)
}

#[track_caller]
fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn all_problems_come_at_once() {
    let project = Project::new(&[
        (
            "schema/api/users.ro",
            "api GetUser { method: GET path: \"/users/{id}\" response: Usr }\n\
             api ListUsers { method: GET path: \"/users\" }\n\
             api Both { method: GET path: \"/both\" }\n\
             api Clash { method: GET path: \"/clash\" }\n",
        ),
        (
            "schema/events/users.ro",
            "type User { id: Int }\nevent UserSeen { payload: User handler: [greet] triggers: [Nobody] }\n",
        ),
        ("src/handlers/api/GetUser.ts", "export const handler = () => 1;\n"),
        ("src/handlers/api/both.py", "def handler():\n    pass\n"),
        ("src/handlers/api/Both.ts", "export const handler = () => 1;\n"),
        ("src/handlers/api/Clash.ts", "export const handler = () => 1;\n"),
    ]);
    let error = project
        .builder()
        .handler("Clash", anything)
        .handler("ListUser", anything)
        .build()
        .map(drop)
        .unwrap_err();
    let text = error.render(false);
    assert_contains(
        &text,
        &[
            "S0008",
            "schema/api/users.ro:1:",
            "S0009",
            "schema/events/users.ro:2:",
            "there is no handler for api ListUsers: tried ",
            "src/handlers/api/list_users with .ts .mts .js .mjs .py",
            "there is no handler for event greet",
            "two files for the handler api Both",
            "api Clash has a Rust handler and the file ",
            "a Rust handler \"ListUser\" is registered, but the schema names none",
            "help: did you mean \"ListUsers\"?",
        ],
    );
    let said = error.to_string();
    assert_eq!(said, "the app cannot be built: 7 problem(s)", "{text}");
}

#[test]
fn a_rust_handler_has_one_place() {
    let schema = "api Twice { method: GET path: \"/twice\" }\n\
                  api same { method: GET path: \"/same\" }\n\
                  event Happened { handler: [same] }\n";
    let app = ActorApp::builder().schema_text(schema).config(config(""));
    let app = app.handler("Twice", anything).handler("Twice", anything);
    let error = app.handler("same", anything).build().map(drop).unwrap_err();
    let text = error.render(false);
    assert_contains(
        &text,
        &[
            "two Rust handlers are registered for api Twice",
            "the Rust handler \"same\" could be any of api same, event same",
        ],
    );
}

#[test]
fn a_missing_folder_and_a_bad_configuration_are_problems() {
    let project = Project::new(&[("config/rohas.toml", "[server]\nprot = 1\n")]);
    let app = ActorApp::builder().project_dir(project.path());
    let text = app.build().map(drop).unwrap_err().render(false);
    assert_contains(&text, &["config/rohas.toml", "prot", "line 2", "schema"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_do_not_load_come_at_once_in_all_languages() {
    rohas::lang::v8::init_platform();
    let api = |name: &str| format!("api {name} {{ method: GET path: \"/{name}\" }}\n");
    let schema = ["NoFunction", "BadSyntax", "NoModule", "PyFails", "PyNothing"].map(api).concat();
    let project = Project::new(&[
        ("schema/api.ro", &schema),
        ("src/handlers/api/NoFunction.ts", "export const answer = 42;\n"),
        ("src/handlers/api/BadSyntax.ts", "export const handler = () => {\n  let = ;\n};\n"),
        ("src/handlers/api/NoModule.ts", "import \"./nowhere.ts\";\nexport const handler = () => 1;\n"),
        ("src/handlers/api/py_fails.py", "def handler():\n    pass\n\nraise KeyError('gone')\n"),
        ("src/handlers/api/py_nothing.py", "def helper():\n    pass\n"),
    ]);
    let app = project.builder().build();
    let app = app.unwrap_or_else(|error| panic!("{}", error.render(false)));
    match app.start().await.map(drop) {
        Err(error @ StartError::Handlers(_)) => {
            let text = error.lines().join("\n");
            assert_contains(
                &text,
                &[
                    "NoFunction.ts",
                    "answer",
                    "BadSyntax.ts:2",
                    "nowhere.ts",
                    "py_fails.py",
                    "KeyError: 'gone'",
                    "py_nothing.py has no function for api PyNothing",
                    "helper",
                ],
            );
            assert_eq!(error.to_string(), "5 handler problem(s)", "{text}");
        }
        other => panic!("{:?}", other.map_err(|error| error.lines())),
    }
}

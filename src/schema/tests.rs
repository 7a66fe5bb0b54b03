//! Compiler tests by fixture: `tests/schema/*.ro` with the expected diagnostics beside them as `*.txt`.
//! `UPDATE=1` rewrites the expectations.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::excerpt::Excerpt;
use super::{
    CatchUp, DefaultValue, Diagnostic, Length, Method, Overflow, Overlap, Retry, Scalar, Schema, Severity,
    ShapeKind, SourceFile, Type, codes, compile,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema")
}

fn fixture(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

fn compile_text(text: &str) -> (Schema, Vec<Diagnostic>) {
    let file = SourceFile { path: "test.ro".to_owned(), text: text.to_owned() };
    compile(&[file])
}

fn found(text: &str) -> Vec<&'static str> {
    compile_text(text).1.iter().map(|diagnostic| diagnostic.code).collect()
}

fn render(diagnostics: &[Diagnostic]) -> String {
    let theme = GraphicalTheme::unicode_nocolor();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_context_lines(0);
    let mut text = String::new();
    for diagnostic in diagnostics {
        handler.render_report(&mut text, &Excerpt::of(diagnostic)).unwrap();
        writeln!(text).unwrap();
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn fixtures_give_their_expected_diagnostics() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ro"));
    paths.sort();
    assert!(paths.len() > 5);
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (_, diagnostics) = compile(&[SourceFile { path: name.clone(), text }]);
        for diagnostic in &diagnostics {
            let known = codes::find(diagnostic.code).unwrap();
            assert_eq!(diagnostic.severity, known.severity, "{} in {name}", known.code);
            assert!(!diagnostic.label.is_empty() || diagnostic.hint.is_some(), "{name}: {diagnostic}");
            seen.insert(diagnostic.code);
        }
        let actual = render(&diagnostics);
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &actual).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != actual {
            wrong.push(format!("{name}:\n{actual}"));
        }
        assert!(!name.starts_with("valid") || diagnostics.is_empty(), "{name} must be clean:\n{actual}");
    }
    assert!(wrong.is_empty(), "run with UPDATE=1 and look at the difference:\n{}", wrong.join("\n"));
    let all: BTreeSet<&str> = codes::ALL.iter().map(|known| known.code).collect();
    assert_eq!(seen, all, "every code has a fixture");
}

#[test]
fn the_codes_are_distinct_and_have_titles() {
    let distinct: BTreeSet<&str> = codes::ALL.iter().map(|known| known.code).collect();
    assert_eq!(distinct.len(), codes::ALL.len());
    assert_eq!(codes::find("s0001").map(|known| known.title), Some("syntax error"));
    assert!(codes::find("S9999").is_none() && codes::find("").is_none());
}

#[test]
fn the_full_fixture_gives_its_types() {
    let (schema, _) = compile_text(&fixture("valid_full.ro"));
    let user = &schema.shapes["User"];
    assert_eq!(user.kind, ShapeKind::Model);
    assert_eq!(user.doc.as_deref(), Some("A person who may sign in.\nTwo lines of it."));
    let field = |name: &str| user.fields.iter().find(|field| field.name == name).unwrap();
    let types = [
        ("id", "Int"),
        ("role", "Role"),
        ("tags", "String[]"),
        ("address", "Address?"),
        ("settings", "Map<Json>"),
        ("nick", "String?"),
        ("matrix", "Float[][]"),
        ("maybe", "String?[]"),
        ("several", "String[]?"),
        ("counts", "Map<Int[]>?"),
        ("home", "{ street: String, city: String }"),
        ("type", "String"),
        ("event", "Boolean"),
    ];
    for (name, expected) in types {
        assert_eq!(field(name).ty.to_string(), expected, "{name}");
    }
    assert_eq!(field("name").doc.as_deref(), Some("What others see."));
    assert_eq!(field("email").doc, None);
    assert!(field("id").attributes.id && field("id").attributes.auto && field("email").attributes.unique);
    assert_eq!(field("name").attributes.length, Some(Length { min: 1, max: 80 }));
    assert_eq!(field("role").attributes.default, Some(DefaultValue::Value("MEMBER".into())));
    assert_eq!(field("createdAt").attributes.default, Some(DefaultValue::Now));
    assert_eq!(field("token").attributes.default, Some(DefaultValue::Uuid));
    assert!(field("token").attributes.secret && field("big").attributes.bigint);
    let exact = DefaultValue::Value(9_007_199_254_740_993_i64.into());
    assert_eq!(field("big").attributes.default, Some(exact));
    assert_eq!(field("nick").attributes.pattern.as_ref().unwrap().as_str(), r"^[a-z]+\.?$");
    assert_eq!(field("birthday").attributes.deprecated.as_deref(), Some("use age"));
    assert_eq!(field("age").attributes.max, Some(150.into()));
    assert_eq!(schema.enums["Role"].names().collect::<Vec<_>>(), ["ADMIN", "MEMBER"]);
    assert_eq!(schema.shapes["CreateUserInput"].kind, ShapeKind::Input);
    let names: Vec<&String> = schema.enums.keys().collect();
    assert_eq!(names, ["Role", "Colour"]);
}

#[test]
fn the_full_fixture_gives_its_apis() {
    let (schema, _) = compile_text(&fixture("valid_full.ro"));
    let api = &schema.apis["CreateUser"];
    assert_eq!((api.method, api.path.as_str()), (Method::Post, "/users/{tenant}/{id}"));
    let params: Vec<String> = api.params.iter().map(|field| format!("{} {}", field.name, field.ty)).collect();
    assert_eq!(params, ["tenant String", "id Int"]);
    let headers: Vec<&str> = api.headers.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(headers, ["x-tenant", "accept-language"]);
    assert_eq!(api.query.as_ref().unwrap().to_string(), "ListQuery");
    assert_eq!(api.body.as_ref().unwrap().to_string(), "CreateUserInput");
    assert_eq!(api.response.as_ref().unwrap().to_string(), "User");
    assert_eq!(api.status, 201);
    assert_eq!((api.errors[&404].as_str(), api.errors[&409].as_str()), ("NotFound", "Conflict"));
    assert_eq!(api.triggers, ["UserCreated"]);
    assert_eq!(api.middlewares, ["auth", "rate_limit"]);
    assert_eq!(api.timeout, Some(Duration::from_secs(10)));
    assert_eq!((api.concurrency, api.mailbox), (8, 16));
    assert_eq!(api.doc.as_deref(), Some("Creates or replaces."));
    assert_eq!(schema.apis["Health"].status, 200);
    let delete = &schema.apis["DeleteUser"];
    assert_eq!((delete.status, delete.concurrency, delete.mailbox, delete.timeout), (204, 64, 1024, None));
    assert_eq!(schema.apis["Files"].path, "/files/{*rest}");
    assert_eq!(schema.apis["Files"].params[0].name, "rest");
    assert!(matches!(schema.apis["Search"].query, Some(Type::Inline(_))));
    let response = schema.apis["Search"].response.as_ref().unwrap();
    assert_eq!(schema.fields(response).unwrap().len(), 2);
}

#[test]
fn the_full_fixture_gives_its_events_crons_and_sockets() {
    let (schema, _) = compile_text(&fixture("valid_full.ro"));
    let event = &schema.events["UserCreated"];
    assert_eq!(event.handlers, ["send_welcome_email", "update_analytics"]);
    assert_eq!(event.triggers, ["WelcomeEmailSent"]);
    assert!(!event.durable);
    assert_eq!(event.key.as_deref(), Some("id"));
    let retry = Retry { attempts: 3, backoff: Duration::from_millis(100), max: Duration::from_secs(60) };
    assert_eq!(event.retry, retry);
    assert_eq!((event.group.as_deref(), event.bus.as_deref()), (Some("mailer"), Some("orders")));
    assert_eq!(event.timeout, Some(Duration::from_secs(3600)));
    assert_eq!((event.concurrency, event.mailbox, event.overflow), (2, 10, Overflow::DropOldest));
    assert_eq!(
        (schema.apis["CreateUser"].overflow, schema.events["WelcomeEmailSent"].overflow),
        (Overflow::Wait, Overflow::Wait)
    );
    let plain = &schema.events["WelcomeEmailSent"];
    assert!(matches!(plain.payload, Some(Type::Scalar(Scalar::String))));
    assert_eq!((plain.durable, plain.retry, plain.concurrency), (true, Retry::default(), 1));
    assert!(schema.events["CleanupStarted"].payload.is_none());

    let cron = &schema.crons["DailyCleanup"];
    assert_eq!((cron.schedule.as_str(), cron.timezone.name()), ("0 0 * * *", "Europe/Berlin"));
    assert_eq!((cron.overlap, cron.catch_up), (Overlap::Queue, CatchUp::All));
    assert_eq!(cron.timeout, Some(Duration::from_secs(600)));
    let hourly = &schema.crons["Hourly"];
    assert_eq!((hourly.overlap, hourly.catch_up), (Overlap::Skip, CatchUp::One));
    assert_eq!((hourly.timezone.name(), hourly.timeout), ("UTC", None));

    let socket = &schema.sockets["Chat"];
    assert_eq!((socket.path.as_str(), socket.params[0].name.as_str()), ("/ws/chat/{room}", "room"));
    assert_eq!(socket.on_connect, ["on_connect"]);
    assert_eq!(socket.on_message, ["on_message"]);
    assert_eq!(socket.on_disconnect, ["on_disconnect"]);
    assert_eq!(
        (socket.triggers.as_slice(), socket.broadcast),
        (["MessagePosted".to_owned()].as_slice(), true)
    );
    assert_eq!((socket.middlewares.as_slice(), socket.mailbox), (["auth".to_owned()].as_slice(), 16));
}

#[test]
fn the_legacy_fixture_means_the_same() {
    let (schema, _) = compile_text(&fixture("valid_legacy.ro"));
    let event = &schema.events["PostCreated"];
    assert_eq!(
        (event.bus.as_deref(), event.handlers.as_slice()),
        (Some("sqs"), ["index_post".to_owned()].as_slice())
    );
    assert_eq!(schema.events["PostSeen"].handlers, ["count_post", "index_post"]);
    assert_eq!(schema.events["PostSeen"].timeout, Some(Duration::from_millis(500)));
    assert_eq!(schema.apis["CreatePost"].method, Method::Post);
    assert_eq!(schema.apis["CreatePost"].timeout, Some(Duration::from_secs(30)));
    assert_eq!(schema.apis["GetPost"].path, "/posts/{id}");
    assert_eq!(schema.apis["GetPost"].middlewares, ["auth", "log.requests"]);
    assert!(schema.apis["ListPosts"].triggers.is_empty());
    assert_eq!(schema.sockets["Feed"].on_connect, ["hello"]);
    assert_eq!(schema.sockets["Feed"].on_message, ["reply"]);
    assert_eq!(schema.shapes["Post"].fields.len(), 5);
}

#[test]
fn files_form_one_namespace_and_order_does_not_matter() {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let api = file("a.ro", "api A { method: GET path: \"/\" response: B triggers: [C] }");
    let (schema, diagnostics) =
        compile(&[api, file("b.ro", "type B { x: Int }\r\nevent C { payload: B }\r\n")]);
    assert!(diagnostics.is_empty(), "{}", render(&diagnostics));
    assert_eq!(schema.shapes["B"].span.file, 1);
}

#[test]
fn line_and_column_count_characters() {
    let (_, diagnostics) = compile_text("// ä\nmodel A {\n  /* äöü */ x Nope\n}");
    assert_eq!(diagnostics.len(), 1);
    assert_eq!((diagnostics[0].line(), diagnostics[0].column()), (3, 15));
    assert_eq!(diagnostics[0].severity, Severity::Error);
    assert_eq!(&diagnostics[0].source[diagnostics[0].span.clone()], "Nope");
}

#[test]
fn one_problem_gives_one_diagnostic() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("\u{FEFF}model A { x Int }", &[]),
        ("// only a comment", &[]),
        ("model", &[codes::SYNTAX]),
        ("model A", &[codes::SYNTAX]),
        ("model A {", &[codes::UNCLOSED]),
        ("model A { x Int\napi B { method: GET path: \"/\" }", &[codes::UNCLOSED]),
        ("}", &[codes::SYNTAX]),
        ("model A { x \"Int }", &[codes::UNCLOSED]),
        ("/* ", &[codes::UNCLOSED]),
        ("foo Bar { x: Int }\nmodel A { x Int }", &[codes::UNKNOWN_ITEM]),
        ("model A { x: Foo }\nmodel B { y: }", &[codes::UNKNOWN_TYPE, codes::SYNTAX]),
        ("model A { x Itn @min(1) @default(2) @id }", &[codes::UNKNOWN_TYPE]),
        ("Müll {}", &[codes::SYNTAX]),
        ("model A { d Date @default(\"0000-01-01\") }", &[codes::BAD_DEFAULT]),
        ("model A { d DateTime @default(\"0000-12-31T23:59:59Z\") }", &[codes::BAD_DEFAULT]),
        ("model A { größe Int }", &[codes::BAD_NAME]),
        ("model A { x “Int” }", &[codes::SYNTAX]),
        ("model A { x String \u{201d} }", &[codes::SYNTAX]),
        ("model A { x 'Int' }", &[codes::SYNTAX]),
        ("model A { x Int }; model B { y Int }", &[codes::SYNTAX]),
        ("model A { x: Foo, x2: Foo }", &[codes::UNKNOWN_TYPE, codes::UNKNOWN_TYPE]),
        ("modle A { x Int }\nmodel B { a A }", &[codes::UNKNOWN_ITEM]),
        ("gizmo A { x Int }\nmodel B { a A }", &[codes::UNKNOWN_ITEM]),
        ("api A { method: GTE path: \"/\" body: { x: Int } }", &[codes::BAD_METHOD]),
        ("api A { method: GET path: }", &[codes::SYNTAX]),
        ("type A { x: }\nevent B { payload: A key: \"x\" }", &[codes::SYNTAX]),
        ("type A { x = Int }\nevent B { payload: A key: \"y\" }", &[codes::SYNTAX]),
        ("event B { payload: Missing key: \"y\" }", &[codes::UNKNOWN_TYPE]),
        ("enum A { B = }\nmodel C { a A @default(D) }", &[codes::SYNTAX]),
        ("enum A { }\nmodel C { a A? }", &[codes::ENDLESS_TYPE]),
        ("type A { x: A? }", &[codes::UNUSED_ITEM]),
        ("type A { b: B? }\ntype B { a: A? }", &[codes::UNUSED_ITEM, codes::UNUSED_ITEM]),
        ("type A { x: Int }\nmodel B { a: Aa }", &[codes::UNKNOWN_TYPE]),
        ("api A { method: GET path: \"/a/{x}\" }\napi B { method: GET path: \"/a/b\" }", &[]),
        ("api A { method: GET path: \"/{a}/x\" }\napi B { method: GET path: \"/{b}/y\" }", &[]),
        ("model A { event String\n  type Int\n  input A? }", &[]),
        ("model A { x: { y: A? }[] }", &[]),
        ("type T { x: Int }\napi T { method: GET path: \"/\" response: T }", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(found(text), *expected, "{text}");
    }
}

#[test]
fn every_code_has_an_example_that_gives_it_and_a_cure() {
    let mut wrong = Vec::new();
    for known in codes::ALL {
        let (_, diagnostics) = compile_text(known.example);
        let fits = |d: &Diagnostic| d.code == known.code && d.severity == known.severity;
        if diagnostics.is_empty() || !diagnostics.iter().all(fits) {
            wrong.push(format!("example of {}:\n{}", known.code, render(&diagnostics)));
        }
        let (_, diagnostics) = compile_text(known.cure);
        if !diagnostics.is_empty() {
            wrong.push(format!("cure of {}:\n{}", known.code, render(&diagnostics)));
        }
        let sentences = known.explanation.matches(". ").count() + 1;
        assert!((1..=4).contains(&sentences) && known.explanation.ends_with('.'), "{}", known.code);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn places_are_lines_and_columns_of_both_ends() {
    let table = [
        ("model A { x Nope }", (1, 13), (1, 17)),
        ("\r\n\tmodel A {\r\n\tx 😀😀 }", (3, 4), (3, 5)),
        ("/* ä\n😀 */ model A { 😀 }", (2, 16), (2, 17)),
        ("model A { x [\n  Int\n] }", (1, 13), (3, 2)),
    ];
    for (text, start, end) in table {
        let (_, diagnostics) = compile_text(text);
        let first = &diagnostics[0];
        let place = |position: super::Position| (position.line, position.column);
        assert_eq!((place(first.start), place(first.end)), (start, end), "{text}");
        assert_eq!((first.line(), first.column()), start, "{text}");
    }
}

#[test]
fn diagnostics_come_in_the_order_of_files_and_places() {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let files = [
        file("z.ro", "model A { id Int }\nmodel B { x Nope y Nope }"),
        file("a.ro", "model A { id Int }\nmodel C { x Nope }"),
        file("a.ro", "model D { x Nope }"),
    ];
    let (_, diagnostics) = compile(&files);
    let places: Vec<_> = diagnostics.iter().map(|d| (d.file.as_str(), d.line(), d.column())).collect();
    assert_eq!(places, [("z.ro", 2, 13), ("z.ro", 2, 20), ("a.ro", 1, 7), ("a.ro", 2, 13), ("a.ro", 1, 13)]);
    assert_eq!(diagnostics[2].hint.as_deref(), Some("it is first declared at z.ro:1"));
}

#[test]
fn a_report_shows_the_lines_around_the_span() {
    let text = "// one\nmodel A {\n  id Int\n  ö Nope\n  last Int\n}\n// end\n";
    let (_, diagnostics) = compile_text(text);
    let shown = diagnostics[1].render(false);
    for line in ["test.ro:4:5", " 3 │   id Int", " 4 │   ö Nope", " 5 │   last Int", "────"] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    assert!(!shown.contains("model A") && !shown.contains("// end"), "{shown}");
    let (_, diagnostics) = compile_text("x");
    assert!(diagnostics[0].render(false).contains("test.ro:1:1"));
}

#[test]
fn every_unknown_name_gets_a_suggestion() {
    let event =
        "event Made { payload: User }\nenum Role { ADMIN MEMBER }\nmodel User { id Int  role Role }\n";
    let table = [
        ("modell X { id Int }", "model"),
        ("model X { u Usr }", "User"),
        ("model X { s string }", "String"),
        ("model X { s Strng[] }", "String"),
        ("api X { methd: GET path: \"/\" }", "method"),
        ("api X { method: GTE path: \"/\" }", "GET"),
        ("api X { method: GET path: \"/\" triggers: [Maed] }", "Made"),
        ("api X { method: GET path: \"/{id}\" params: { idd: Int } }", "id"),
        ("api X { method: GET path: \"/\" errors: { 404: Uzer } }", "User"),
        ("event X { payload: User key: \"rloe\" }", "role"),
        ("event X { durable: ture }", "true"),
        ("event X { retry: { atempts: 1 } }", "attempts"),
        ("cron X { schedule: \"@weakly\" }", "@weekly"),
        ("cron X { schedule: \"@daily\" timezone: \"europe/berlin\" }", "Europe/Berlin"),
        ("cron X { schedule: \"@daily\" timezone: Tokyo }", "Asia/Tokyo"),
        ("cron X { schedule: \"@daily\" overlap: paralel }", "parallel"),
        ("event X { durable: false overflow: drop_oldst }", "drop_oldest"),
        ("cron X { schedule: \"@daily\" catch_up: non }", "none"),
        ("ws X { path: \"/\" onmesage: a }", "onMessage"),
        ("model X { a Int @unqiue }", "@unique"),
        ("model X { a String @format(emial) }", "email"),
        ("model X { a Role @default(ADMN) }", "ADMIN"),
        ("model X { a Boolean @default(ture) }", "true"),
        ("model X { a DateTime @default(nwo) }", "now"),
        ("model X { a Uuid @default(uiid) }", "uuid"),
    ];
    for (text, near) in table {
        let (_, diagnostics) = compile_text(&format!("{event}{text}"));
        let hints: Vec<&str> = diagnostics.iter().filter_map(|d| d.hint.as_deref()).collect();
        assert!(hints.contains(&format!("did you mean `{near}`?").as_str()), "{text}: {hints:?}");
    }
}

#[test]
fn only_so_many_names_are_looked_for() {
    let models: String = (0..2_000).map(|n| format!("model Other{n} {{ id Int }}\n")).collect();
    let fields: String = (0..500).map(|n| format!("f{n} Uzer\n")).collect();
    let (_, diagnostics) = compile_text(&format!("model User {{ {fields} }}\n{models}"));
    assert_eq!(diagnostics.len(), 500);
    let suggested = |d: &&Diagnostic| d.hint.as_deref() == Some("did you mean `User`?");
    assert_eq!(diagnostics.iter().filter(suggested).count(), 24);
}

#[test]
fn a_warning_takes_nothing_from_the_model() {
    let (schema, diagnostics) = compile_text("model A { x Int?? @min(3) @default(5) }");
    assert_eq!(diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), [codes::MEANINGLESS_OPTIONAL]);
    let attributes = &schema.shapes["A"].fields[0].attributes;
    assert_eq!(
        (attributes.min.clone(), attributes.default.clone()),
        (Some(3.into()), Some(DefaultValue::Value(5.into())))
    );
}

#[test]
fn long_cycles_are_printed_short() {
    let chain: String = (0..30).map(|n| format!("model M{n} {{ next M{} }}\n", (n + 1) % 30)).collect();
    let (_, diagnostics) = compile_text(&chain);
    assert_eq!(diagnostics.len(), 1);
    let label = "needs itself: M0 → M1 → M2 → M3 → M4 → M5 → M6 → M7 → M8 → M9 → … → M29 → M0";
    assert_eq!(diagnostics[0].label, label);
}

#[test]
fn every_form_of_writing_means_what_it_should() {
    let (schema, diagnostics) = compile_text(&fixture("valid_forms.ro"));
    assert!(diagnostics.is_empty());
    let fields = |name: &str| -> Vec<String> {
        schema.shapes[name].fields.iter().map(|field| format!("{} {}", field.name, field.ty)).collect()
    };
    assert_eq!(fields("A"), ["id Int", "name String?", "tags String[]"]);
    assert_eq!(
        fields("C")[..6],
        [
            "id Int",
            "name String",
            "list String[]",
            "map Map<Int>?",
            "inner { a: Int, b: { c: Int? } }",
            "text String"
        ]
    );
    assert_eq!(fields("C")[6..10], ["quoted Int", "type Type", "event String", "input String"]);
    assert_eq!(fields("C")[10], "model String?");
    let default = |name: &str| {
        let field = schema.shapes["C"].fields.iter().find(|field| field.name == name).unwrap();
        field.attributes.default.clone().unwrap()
    };
    assert_eq!(
        (default("at"), default("day"), default("key")),
        (DefaultValue::Now, DefaultValue::Now, DefaultValue::Uuid)
    );
    assert_eq!(default("n"), DefaultValue::Value(5.into()));
    assert_eq!(default("f"), DefaultValue::Value((-1500.0).into()));
    assert_eq!(default("s"), DefaultValue::Value("with \"quotes\", a \\ and a \n".into()));
    assert_eq!(default("words"), DefaultValue::Value(vec!["a", "b", "c"].into()));
    assert_eq!(schema.enums["Many"].names().collect::<Vec<_>>(), ["A", "B", "C", "D", "E", "F"]);
    assert_eq!(schema.enums["Many"].values[4].doc.as_deref(), Some("Documented."));
    let last = &schema.shapes["Last"];
    assert_eq!(last.doc.as_deref(), Some("The last item.\n\nWith a paragraph. // and signs { } \""));
    assert_eq!(last.fields[0].doc.as_deref(), Some("of the field"));

    let methods: Vec<&str> = schema.apis.values().map(|api| api.method.as_str()).collect();
    assert_eq!(methods, ["GET", "POST", "HEAD", "OPTIONS", "DELETE", "PATCH", "PUT", "GET"]);
    let statuses: Vec<u16> = schema.apis.values().map(|api| api.status).collect();
    assert_eq!(statuses, [200, 200, 204, 202, 204, 200, 201, 200]);
    let b = &schema.apis["B"];
    assert_eq!((b.path.as_str(), b.params[0].ty.to_string().as_str()), ("/b/{id}/", "Int"));
    assert_eq!((b.errors[&404].as_str(), b.errors[&409].as_str()), ("Gone", "Conflict"));
    assert_eq!(
        (b.triggers.as_slice(), b.timeout),
        (["Seen".to_owned()].as_slice(), Some(Duration::from_secs(5)))
    );
    let d = &schema.apis["D"];
    assert_eq!((d.timeout, d.concurrency, d.mailbox), (Some(Duration::from_millis(250)), 1, 1));
    assert_eq!(d.headers.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["x-one", "x-two"]);
    assert_eq!(schema.apis["F"].response.as_ref().unwrap().to_string(), "Boolean");
    let made = &schema.events["Made"];
    assert_eq!(made.handlers, ["two", "three", "four.five"]);
    assert_eq!((made.bus.as_deref(), made.key.as_deref(), made.durable), (Some("kafka"), Some("id"), false));
    assert_eq!((made.retry, made.group.as_deref()), (Retry::default(), Some("g")));
    assert!(schema.events["Seen"].payload.as_ref().unwrap().is_optional());
    assert_eq!(schema.crons["Y"].timeout, Some(Duration::from_secs(86_400)));
    assert_eq!((schema.crons["Y"].overlap, schema.crons["Y"].catch_up), (Overlap::Parallel, CatchUp::None));
    assert_eq!(schema.crons["W"].schedule, "0 0 12 1 1 * 2099");
    let s = &schema.sockets["S"];
    assert_eq!(
        (s.path.as_str(), s.params[0].ty.to_string().as_str(), s.broadcast),
        ("/s/{room}", "One", true)
    );
    assert_eq!((s.on_connect.len(), s.on_message.len(), s.on_disconnect.len()), (1, 2, 1));
}

#[test]
fn the_nearest_name_is_a_slip_of_the_pen_away() {
    let names = ["User", "UserId", "Users", "Order", "Straße", "id"];
    let table = [
        ("user", Some("User")),
        ("Usr", Some("User")),
        ("Usre", Some("User")),
        ("USERS", Some("Users")),
        ("Oredr", Some("Order")),
        ("Strasse", Some("Straße")),
        ("ids", Some("id")),
        ("Usssssr", None),
        ("Customer", None),
        ("", None),
        ("i", None),
        ("\u{130}", Some("id")),
    ];
    for (name, near) in table {
        assert_eq!(super::nearest(name, names), near, "{name}");
    }
    assert_eq!(super::nearest("Use", ["Usf", "Usd"]), Some("Usd"));
    assert_eq!(super::nearest("x", []), None);
}

#[test]
fn events_that_all_trigger_each_other_are_one_cycle() {
    let names = (0..300).map(|at| format!("E{at}")).collect::<Vec<_>>().join(", ");
    let text: String = (0..300).map(|at| format!("event E{at} {{ triggers: [{names}] }}\n")).collect();
    let (_, diagnostics) = compile_text(&text);
    let [only] = diagnostics.as_slice() else { panic!("{} diagnostics", diagnostics.len()) };
    assert_eq!((only.code, only.label.as_str()), ("S0027", "E0 → E0"));
    let (_, diagnostics) = compile_text(
        "event A { triggers: [B, C] } event B { triggers: [C] } event C { triggers: [A] }
         event D { triggers: [A, E] } event E { triggers: [D] }",
    );
    let labels: Vec<&str> = diagnostics.iter().map(|found| found.label.as_str()).collect();
    assert_eq!(labels, ["A → C → A", "D → E → D"]);
}

#[test]
fn of_long_lines_a_window_is_shown() {
    let fields: String = (0..7000).map(|at| format!("f{at} Int ")).collect();
    let text = format!("model A {{ {fields} z Itn {fields}}}\nmodel B {{ id Int }}");
    let (_, diagnostics) = compile_text(&text);
    let unknown = diagnostics.iter().find(|found| found.code == "S0008").unwrap();
    let shown = unknown.render(false);
    assert!(shown.contains(&format!("test.ro:1:{}", text.find("Itn").unwrap() + 1)), "{shown}");
    assert!(shown.contains("f6999 Int  z Itn f0 Int") && shown.len() < 3_000, "{shown}");
    assert_eq!(shown.matches('…').count(), 2, "{shown}");
    let open = format!("model A {{ id Int {}", "x Int y\n".repeat(5_000));
    assert!(compile_text(&open).1.iter().all(|found| found.render(false).len() < 6_000));
    let all = super::render(&diagnostics, false);
    assert_eq!(all.len(), 101);
    assert!(all[100].contains(&format!("and {} more", diagnostics.len() - 100)), "{}", all[100]);
}

#[test]
fn control_characters_are_shown_escaped() {
    let (_, diagnostics) = compile_text("model A { id \u{1b}[31m Nope\u{202E} }\r\nmodel B { id Nope }");
    for found in &diagnostics {
        let shown = found.render(false);
        assert!(!shown.contains("\\r"), "{shown}");
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202E}'), "{shown:?}");
    }
    assert!(diagnostics[0].render(false).contains("\\u{1b}[31m"));
}

#[test]
fn what_is_missing_is_said() {
    let (_, diagnostics) = compile_text("api A { method: GET path: \"\" }");
    assert_eq!(diagnostics.len(), 1);
    assert_eq!((diagnostics[0].code, diagnostics[0].message.as_str()), ("S0025", "this text is empty"));
    assert_eq!(found("model A { a String @length(1,) b Nope }"), ["S0001", "S0008"]);
    assert_eq!(found("model A { a Map<Int?> b Int?[] }"), [""; 0]);
}

#[test]
fn what_is_given_twice_is_still_read_for_its_errors() {
    let twice = "model A { id Int } model A { id Nope  n Int @default(\"x\") }";
    assert_eq!(found(twice), ["S0004", "S0008", "S0013"]);
    let api = "api G { method: GET path: \"/g\" response: Int response: Nope method: FETCH response: Gone }";
    assert_eq!(found(api), ["S0006", "S0008", "S0006", "S0023", "S0006", "S0008"]);
    let same = "api G { method: GET path: \"/g\" path: \"/g\" } api G { method: GET path: \"/g\" }";
    assert_eq!(found(same), ["S0006", "S0004"]);
}

//! The three formats, from the same problems.

use serde_json::json;

use crate::cli::diagnostics::{Arguments, Denied, document, escaped, github, text};
use crate::lang::Problem;
use crate::schema::{Diagnostic, SourceFile, compile};

fn found(text: &str) -> Vec<Diagnostic> {
    compile(&[SourceFile { path: "./schema/a,b.ro".to_owned(), text: text.to_owned() }]).1
}

const WRONG: &str = "// ä\napi A {\n  method: GET\n  pth: \"/a\"\n}\n";

#[test]
fn json_has_every_part() {
    let diagnostics = found("type Ä { }\nevent E { paylod: String }");
    let problems = [Problem::new("no port").hint("take one")];
    let written = document(&diagnostics, &problems, true);
    assert_eq!(written["ok"], json!(false));
    assert_eq!(written["problems"], json!([{ "message": "no port", "hint": "take one" }]));
    let last = written["diagnostics"].as_array().unwrap().last().unwrap();
    let expected = json!({
        "code": "S0007", "severity": "error", "message": "event has no property `paylod`",
        "file": "schema/a,b.ro", "line": 2, "column": 11, "end_line": 2, "end_column": 17,
        "label": null, "hint": "did you mean `payload`?",
    });
    assert_eq!(*last, expected);
    assert_eq!(document(&[], &[], false), json!({ "ok": true, "diagnostics": [], "problems": [] }));
}

#[test]
fn github_gets_one_line_each() {
    let diagnostics = found(WRONG);
    let problems = [Problem::new("50% of\nit").hint("a: b, c")];
    let lines: Vec<String> = github(&diagnostics, &problems).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), diagnostics.len() + 1);
    let expected = "::error file=schema/a%2Cb.ro,line=4,endLine=4,col=3,endColumn=6,title=S0007::\
                    api has no property `pth`%0Ahelp: did you mean `path`?";
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
    assert_eq!(lines.last().unwrap(), "::error title=rohas::50%25 of%0Ait%0Ahelp: a: b, c");
    assert_eq!(escaped("a:b,c%\r\n", true), "a%3Ab%2Cc%25%0D%0A");
}

#[test]
fn warnings_fail_only_when_they_are_denied() {
    let warning = found("type Unused { a: Int }");
    assert_eq!(warning.len(), 1);
    let error = found(WRONG);
    let denied = Arguments { deny: Some(Denied::Warnings), ..Arguments::default() };
    assert!(!Arguments::default().fail(&warning, &[]));
    assert!(denied.fail(&warning, &[]));
    assert!(!denied.fail(&[], &[]));
    assert!(Arguments::default().fail(&error, &[]));
    assert!(Arguments::default().fail(&[], &[Problem::new("no port")]));
}

#[test]
fn text_ends_with_a_count_and_where_to_read_on() {
    let diagnostics = found(WRONG);
    let written = text(&diagnostics, &[], true);
    let last = written.lines().last().unwrap();
    assert_eq!(last, format!("{} errors; `rohas explain S0022` says more", diagnostics.len()), "{written}");
    assert_eq!(text(&[], &[Problem::new("no port")], true), "  × no port\n\n1 error\n");
    assert_eq!(text(&[], &[], false), "");
}

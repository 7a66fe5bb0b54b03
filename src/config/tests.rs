//! The configuration: strictness, interpolation, overrides, all by table.

use std::time::Duration;

use crate::config::{Config, Error, LogFormat};

fn parse(text: &str, overrides: &[(&str, &str)]) -> Result<Config, Error> {
    let overrides: Vec<(String, String)> =
        overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let environment = |name: &str| (name == "SECRET").then(|| "a\"b\\c".to_owned());
    Config::parse("rohas.toml", text, &overrides, &environment)
}

#[test]
fn everything_has_a_default() {
    let config = parse("", &[]).unwrap();
    assert_eq!((config.server.host.as_str(), config.server.port), ("127.0.0.1", 3000));
    assert_eq!(config.limits.timeout, Duration::from_secs(30));
    assert_eq!(config.limits.body_bytes, 1 << 20);
    assert_eq!(config.telemetry.format, LogFormat::Text);
}

#[test]
fn unknown_keys_and_wrong_values_are_errors_with_line_and_column() {
    for (text, expected) in [
        ("[server]\nprot = 1", "unknown field `prot`, expected `host` or `port`"),
        ("[sever]\nport = 1", "unknown field `sever`"),
        ("[server]\nport = 70000", "invalid value"),
        ("[limits]\ntimeout = \"soon\"", "is not a duration"),
        ("[server\nport = 1", "line 1"),
    ] {
        let Err(Error::Invalid { path, reason }) = parse(text, &[]) else { panic!("{text} is accepted") };
        assert_eq!(path, "rohas.toml");
        assert!(reason.contains(expected), "{text}: {reason}");
        assert!(reason.contains("line "), "{text}: {reason}");
    }
}

#[test]
fn variables_are_interpolated_and_missing_ones_named() {
    let config = parse("[project]\nname = \"${SECRET}\"\nversion = \"$${SECRET}\"", &[]).unwrap();
    assert_eq!(config.project.name, "a\"b\\c");
    assert_eq!(config.project.version, "${SECRET}");
    let error = parse("[project]\nname = \"${MISSING}\"", &[]).unwrap_err();
    assert_eq!(error, Error::Unset { path: "rohas.toml".to_owned(), name: "MISSING".to_owned() });
}

#[test]
fn an_error_does_not_quote_the_line_a_secret_may_stand_in() {
    let error = parse("# ${IN_A_COMMENT}\n[server]\npasword = \"${SECRET}\"", &[]).unwrap_err();
    assert!(error.to_string().contains("line 3, column 1: unknown field `pasword`"), "{error}");
    assert!(!error.to_string().contains("a\\\"b"), "{error}");
}

#[test]
fn limits_must_leave_something_to_serve_and_fit_a_clock() {
    for (limit, said) in [
        ("timeout = \"0s\"", "limits.timeout: it must be"),
        ("timeout = \"200000000000000d\"", "limits.timeout: it must be"),
        ("header_timeout = \"0ms\"", "limits.header_timeout: it must be"),
        ("connections = 0", "limits.connections: it must be from 1 to"),
        ("connections = 9223372036854775807", "limits.connections: it must be from 1 to"),
    ] {
        let error = parse(&format!("[limits]\n{limit}"), &[]).unwrap_err().to_string();
        assert!(error.contains(said), "{limit}: {error}");
    }
    parse("[limits]\ntimeout = \"3650d\"\ndrain = \"0s\"\npublish_wait = \"0s\"", &[]).unwrap();
}

#[test]
fn the_name_must_fit_into_a_path() {
    for name in ["", "acme/shop"] {
        assert!(parse(&format!("[project]\nname = \"{name}\""), &[]).is_err(), "{name}");
    }
}

#[test]
fn the_environment_lies_over_the_file() {
    let overrides =
        [("ROHAS__SERVER__PORT", "8080"), ("ROHAS__PROJECT__NAME", "shop"), ("ROHAS__LIMITS__TIMEOUT", "2s")];
    let config = parse("[server]\nport = 1\nhost = \"::1\"", &overrides).unwrap();
    assert_eq!((config.server.host.as_str(), config.server.port), ("::1", 8080));
    assert_eq!(config.project.name, "shop");
    assert_eq!(config.limits.timeout, Duration::from_secs(2));
    let error = parse("", &[("ROHAS__SERVER__PROT", "1")]).unwrap_err();
    assert!(error.to_string().contains("ROHAS__SERVER__PROT"), "{error}");
}

#[test]
fn the_admin_port_stands_beside_the_servers() {
    for (text, port) in [
        ("", 3001),
        ("[server]\nport = 80", 81),
        ("[server]\nport = 0", 0),
        ("[server]\nport = 65535", 65534),
        ("[server]\nport = 0\n[admin]\nport = 9", 9),
        ("[admin]\nport = 0", 0),
    ] {
        let config = parse(text, &[]).unwrap();
        assert_eq!(config.admin.port(&config.server), port, "{text}");
    }
}

#[test]
fn an_admin_door_that_others_reach_needs_a_token() {
    let lets_in =
        |text: &str| parse(&format!("[admin]\n{text}"), &[]).map(|_| ()).map_err(|error| error.to_string());
    for text in [
        "",
        "host = \"127.0.0.9\"",
        "host = \"::1\"",
        "host = \"::ffff:127.0.0.1\"",
        "host = \"LOCALHOST\"",
        "host = \"0.0.0.0\"\nenabled = false",
        "host = \"0.0.0.0\"\ntoken = \"s3cret\"",
    ] {
        assert_eq!(lets_in(text), Ok(()), "{text}");
    }
    for (text, expected) in [
        ("host = \"0.0.0.0\"", "admin.token: it is required"),
        ("host = \"::\"", "admin.token: it is required"),
        ("host = \"10.1.2.3\"", "\"${ROHAS_ADMIN_TOKEN}\""),
        ("host = \"localhost.example.com\"", "admin.host = \"localhost.example.com\""),
        ("token = \"\"", "admin.token: it is empty"),
        ("token = \"two words\"", "can be sent in a header"),
        ("token = \"sch\u{f6}n\"", "can be sent in a header"),
        ("tokn = \"a\"", "unknown field `tokn`"),
    ] {
        let error = lets_in(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_token_is_in_no_log() {
    let config = parse("[admin]\ntoken = \"hunter2\"", &[]).unwrap();
    assert_eq!(config.admin.token.as_ref().unwrap().expose(), "hunter2");
    let shown = format!("{config:?}");
    assert!(shown.contains("token: Some(***)") && !shown.contains("hunter2"), "{shown}");
}

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

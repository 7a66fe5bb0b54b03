//! `config/rohas.toml`: every key with a default, unknown keys are errors, `${ENV}` and `ROHAS__SECTION__KEY`.
//!
//! Read once by the composition root. The only place of the library that reads the environment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

#[cfg(test)]
mod tests;

mod admin;

pub use crate::config::admin::{Admin, Secret};

/// Why the configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{path}: cannot be read: {reason}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The text is not valid TOML, or a key or value is not known.
    #[error("{path}: {reason}")]
    Invalid {
        /// The file, or the environment variable.
        path: String,
        /// What is wrong, with line and column where there are any.
        reason: String,
    },
    /// `${NAME}` names a variable that is not set.
    #[error("{path}: ${{{name}}} is not set in the environment")]
    Unset {
        /// The file.
        path: String,
        /// The variable.
        name: String,
    },
}

/// The effective configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who this is.
    pub project: Project,
    /// The HTTP door.
    pub server: Server,
    /// The door for operators: the tree and the metrics.
    pub admin: Admin,
    /// Which bus carries events.
    #[serde(alias = "adapter")]
    pub bus: Bus,
    /// TypeScript handlers; see `lang::v8::Config`.
    pub typescript: TypeScript,
    /// Python handlers; see `lang::python::Config`.
    pub python: Python,
    /// Generated code.
    pub codegen: crate::codegen::Config,
    /// Limits of work.
    pub limits: Limits,
    /// Logs.
    pub telemetry: Telemetry,
}

#[cfg(feature = "typescript")]
type TypeScript = crate::lang::v8::Config;
#[cfg(not(feature = "typescript"))]
type TypeScript = toml::Table;
#[cfg(feature = "python")]
type Python = crate::lang::python::Config;
#[cfg(not(feature = "python"))]
type Python = toml::Table;

/// `[project]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Project {
    /// The app's name: the root of the tree and the source of events. Default `app`.
    pub name: String,
    /// The app's version, for people. Default `0.0.0`.
    pub version: String,
}

impl Default for Project {
    fn default() -> Self {
        Project { name: "app".to_owned(), version: "0.0.0".to_owned() }
    }
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// The address to listen on. Default `127.0.0.1`: not reachable from other machines.
    pub host: String,
    /// The port; 0 takes a free one. Default 3000.
    pub port: u16,
}

impl Default for Server {
    fn default() -> Self {
        Server { host: "127.0.0.1".to_owned(), port: 3000 }
    }
}

/// `[bus]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bus {
    /// The kind of bus. Default `memory`, the only one so far.
    #[serde(rename = "type")]
    pub kind: BusKind,
}

/// The kinds of bus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BusKind {
    /// Within this process.
    #[default]
    Memory,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Time limit of a handler whose entity names none, such as `"30s"`. Default 30 s.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// How long a publisher waits for room at a subscriber. Default 5 s.
    #[serde(deserialize_with = "duration")]
    pub publish_wait: Duration,
    /// How long a shutdown waits for work in hand. Default 30 s.
    #[serde(deserialize_with = "duration")]
    pub drain: Duration,
    /// How long a client may take to send its headers. Default 10 s.
    #[serde(deserialize_with = "duration")]
    pub header_timeout: Duration,
    /// Largest request body in bytes. Default 1 MiB.
    pub body_bytes: usize,
    /// Bytes that may wait in the mailbox of an entity, estimated; one message that is larger than that passes
    /// alone. Default 64 MiB.
    pub mailbox_bytes: usize,
    /// Largest WebSocket message in bytes. Default 1 MiB.
    pub message_bytes: usize,
    /// Connections open at once; more wait in the listener's backlog. Default 10,000.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            timeout: Duration::from_secs(30),
            publish_wait: Duration::from_secs(5),
            drain: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            body_bytes: 1 << 20,
            mailbox_bytes: 64 << 20,
            message_bytes: 1 << 20,
            connections: 10_000,
        }
    }
}

impl Limits {
    /// Refuses limits under which nothing could be served, or that no clock can add to the present.
    fn check(&self) -> Result<(), String> {
        let Limits { timeout, publish_wait, drain, header_timeout, .. } = *self;
        let durations = [
            ("timeout", timeout, Duration::from_nanos(1)),
            ("publish_wait", publish_wait, Duration::ZERO),
            ("drain", drain, Duration::ZERO),
            ("header_timeout", header_timeout, Duration::from_nanos(1)),
        ];
        for (name, duration, shortest) in durations {
            if duration > crate::schema::MAX_DURATION {
                return Err(format!("limits.{name}: it must be at most ten years"));
            }
            if duration < shortest {
                return Err(format!("limits.{name}: it must be more than zero"));
            }
        }
        let most = tokio::sync::Semaphore::MAX_PERMITS;
        if self.connections == 0 || self.connections > most {
            return Err(format!("limits.connections: it must be from 1 to {most}"));
        }
        Ok(())
    }
}

/// `[telemetry]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// What is logged, as a `tracing` filter. Default `info`; `RUST_LOG` overrides it.
    pub log: String,
    /// How it is written. Default `text`.
    pub format: LogFormat,
}

impl Default for Telemetry {
    fn default() -> Self {
        Telemetry { log: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::schema::parse_duration(&text).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "\"{text}\" is not a duration; write for example \"200ms\", \"30s\" or \"10m\""
        ))
    })
}

/// Looks a variable of the environment up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// Reads the file, if it exists, and the environment of this process.
    ///
    /// # Errors
    /// [`Error`] with the file and, where known, line and column.
    pub fn load(path: Option<&Path>) -> Result<Config, Error> {
        let mut text = String::new();
        let mut name = "the environment".to_owned();
        if let Some(path) = path {
            name = path.display().to_string();
            let read = std::fs::read_to_string(path);
            text = read.map_err(|error| Error::Read { path: name.clone(), reason: error.to_string() })?;
        }
        let overrides: Vec<(String, String)> =
            std::env::vars().filter(|(key, _)| key.starts_with("ROHAS__")).collect();
        #[allow(unused_mut, reason = "only Python adds to it")]
        let mut config = Config::parse(&name, &text, &overrides, &|key| std::env::var(key).ok())?;
        #[cfg(feature = "python")]
        {
            config.python.virtual_env = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
        }
        Ok(config)
    }

    /// Reads `text`, with `ROHAS__SECTION__KEY` pairs laid over it.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(
        name: &str,
        text: &str,
        overrides: &[(String, String)],
        environment: Environment<'_>,
    ) -> Result<Config, Error> {
        let text = interpolate(name, text, environment)?;
        let invalid = |path: &str, reason: String| Error::Invalid { path: path.to_owned(), reason };
        // Parsed on its own first: its errors carry line and column, which the merged table has lost.
        let config: Config = toml::from_str(&text).map_err(|error| invalid(name, located(&error, &text)))?;
        if overrides.is_empty() {
            return config.checked(name);
        }
        let mut table: toml::Table =
            toml::from_str(&text).map_err(|error| invalid(name, located(&error, &text)))?;
        for (key, value) in overrides {
            lay_over(&mut table, key, value).map_err(|reason| invalid(key, reason))?;
        }
        let keys: Vec<&str> = overrides.iter().map(|(key, _)| key.as_str()).collect();
        let config: Result<Config, toml::de::Error> = table.try_into();
        config.map_err(|error| invalid(&keys.join(", "), error.message().to_owned()))?.checked(name)
    }

    fn checked(self, path: &str) -> Result<Config, Error> {
        match self.check() {
            Ok(()) => Ok(self),
            Err(reason) => Err(Error::Invalid { path: path.to_owned(), reason }),
        }
    }

    /// Refuses what the types allow but the app does not.
    ///
    /// # Errors
    /// What is wrong, in words of the file.
    pub(crate) fn check(&self) -> Result<(), String> {
        let name = &self.project.name;
        if name.is_empty() || name.contains('/') {
            return Err(format!(
                "project.name: {name:?} cannot be the root of the tree: no \"/\", not empty"
            ));
        }
        self.limits.check()?;
        self.admin.check()
    }
}

/// Says what is wrong and where, without the line itself: a secret may have been put into it.
fn located(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let Some(before) = before else { return error.message().to_owned() };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    format!("line {line}, column {column}: {}", error.message())
}

/// Replaces `${NAME}` by the variable's value, but not in comments; `$${` is a literal `${`.
fn interpolate(path: &str, text: &str, environment: Environment<'_>) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('#') {
            out.push_str(line);
        } else {
            interpolate_line(path, line, environment, &mut out)?;
        }
    }
    Ok(out)
}

fn interpolate_line(
    path: &str,
    line: &str,
    environment: Environment<'_>,
    out: &mut String,
) -> Result<(), Error> {
    let mut rest = line;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        if rest[..at].ends_with('$') {
            out.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        let Some(end) = rest[at..].find('}') else { break };
        let name = &rest[at + 2..at + end];
        let value = environment(name);
        let value = value.ok_or_else(|| Error::Unset { path: path.to_owned(), name: name.to_owned() })?;
        // The value lands inside a TOML string: keep it from ending the string or the line.
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        out.push_str(&escaped);
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    Ok(())
}

/// Sets `ROHAS__SECTION__KEY` in the table; the value is TOML if it parses as such, else a string.
fn lay_over(table: &mut toml::Table, key: &str, value: &str) -> Result<(), String> {
    let path: Vec<String> = key.trim_start_matches("ROHAS__").split("__").map(str::to_lowercase).collect();
    let Some((last, sections)) = path.split_last() else {
        return Ok(());
    };
    let mut table = table;
    for section in sections {
        let entry = table.entry(section.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        table = entry.as_table_mut().ok_or_else(|| format!("{section} is not a section"))?;
    }
    let parsed = toml::from_str::<toml::Table>(&format!("v = {value}")).ok().and_then(|mut t| t.remove("v"));
    table.insert(last.clone(), parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())));
    Ok(())
}

/// Finds the configuration of a project: `config/rohas.toml` below `project`, if it is there.
pub fn find(project: &Path) -> Option<PathBuf> {
    Some(project.join("config/rohas.toml")).filter(|path| path.is_file())
}

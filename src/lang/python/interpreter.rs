//! Finds the project's Python and checks that it is new enough. Called by the first boot; starts nothing that lasts.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::lang::Problem;
use crate::lang::python::Config;

/// The oldest Python the runtime and the generated code run on.
const OLDEST: (u32, u32) = (3, 9);

/// How long an interpreter may take to tell its version: generous, a cold start from a slow disk takes seconds.
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// Returns the interpreter to use: the first of config, `.venv`, `VIRTUAL_ENV` and `python3` that is there.
///
/// # Errors
/// None is there, or the first that is cannot be run or is too old; tells what was tried.
pub(super) async fn find(config: &Config, project_root: &Path) -> Result<PathBuf, Problem> {
    let mut tried = Vec::new();
    for (origin, path) in candidates(config, project_root) {
        let shown = format!("{} ({origin})", path.display());
        if path.is_absolute() && !path.exists() && origin != CONFIGURED {
            tried.push(format!("{shown}: not there"));
            continue;
        }
        match version(&path).await {
            Ok(found) if found >= OLDEST => return Ok(path),
            Ok((major, minor)) => tried.push(format!("{shown}: is Python {major}.{minor}")),
            Err(reason) => tried.push(format!("{shown}: {reason}")),
        }
        break;
    }
    let (major, minor) = OLDEST;
    let message =
        format!("no Python {major}.{minor} or newer for the Python handlers; tried {}", tried.join("; "));
    Err(Problem::new(message).hint("install one, or set `interpreter` in the section [python] of the config"))
}

/// Marks the candidate that the user named: there is no way past it.
const CONFIGURED: &str = "python.interpreter";

/// Lists where an interpreter may be, in order.
fn candidates(config: &Config, project_root: &Path) -> Vec<(&'static str, PathBuf)> {
    if let Some(path) = &config.interpreter {
        let is_command = path.components().count() == 1 && path.is_relative();
        let path = if is_command { path.clone() } else { project_root.join(path) };
        return vec![(CONFIGURED, path)];
    }
    let mut found = vec![("of the project", project_root.join(".venv/bin/python"))];
    if let Some(root) = &config.virtual_env {
        found.push(("VIRTUAL_ENV", root.join("bin/python")));
    }
    found.push(("on the PATH", PathBuf::from("python3")));
    found
}

/// Asks an interpreter for its version.
async fn version(interpreter: &Path) -> Result<(u32, u32), String> {
    let output = tokio::process::Command::new(interpreter)
        .args(["-I", "-c", "import sys; print(*sys.version_info[:2])"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(VERSION_LIMIT, output)
        .await
        .map_err(|_| format!("did not tell its version in {} s", VERSION_LIMIT.as_secs()))?
        .map_err(|error| format!("cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_version(&text).ok_or_else(|| format!("is not a Python 3 ({})", output.status))
}

/// Reads `3 11`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

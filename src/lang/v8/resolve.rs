//! From a specifier to a file: project modules with or without extension, packages, `node:` builtins; and the gate
//! that decides which files loading may read without a permission.
//!
//! Called by `loader`. Looks at the file system, never reads a module.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deno_core::ModuleSpecifier;
use deno_core::url::Url;
use deno_error::JsErrorBox;
use deno_resolver::npm::{DenoInNpmPackageChecker, NpmResolver};
use deno_runtime::deno_permissions::{OpenAccessKind, PermissionsContainer};
use node_resolver::{DenoIsBuiltInNodeModuleChecker, NodeResolutionKind, NodeResolverRc, ResolutionMode};
use sys_traits::impls::RealSys;

/// Tried in this order after a path without an extension, and again for `index` in a directory.
const EXTENSIONS: [&str; 7] = ["ts", "mts", "tsx", "js", "mjs", "cjs", "json"];

/// What TypeScript writes for a file in an import, and what the file is called.
const WRITTEN_AS: [(&str, &[&str]); 2] = [("js", &["ts", "tsx"]), ("mjs", &["mts"])];

/// Finds the file behind a specifier.
pub(super) struct Resolver {
    pub(super) node_resolver: NodeResolverRc<
        DenoInNpmPackageChecker,
        DenoIsBuiltInNodeModuleChecker,
        NpmResolver<RealSys>,
        RealSys,
    >,
    /// The project's root directory, the referrer where there is none.
    pub(super) root: Url,
}

impl Resolver {
    /// Resolves `specifier` as written in `referrer`.
    ///
    /// # Errors
    /// There is no such module.
    pub(super) fn resolve(&self, specifier: &str, referrer: &str) -> Result<ModuleSpecifier, JsErrorBox> {
        if let Ok(url) = Url::parse(specifier) {
            return match url.scheme() {
                "file" => existing(&url).ok_or_else(|| missing(specifier, referrer)),
                _ => Ok(url),
            };
        }
        let referrer_url = Url::parse(referrer)
            .ok()
            .filter(|url| url.scheme() == "file")
            .or_else(|| self.root.join("rohas.mjs").ok())
            .unwrap_or_else(|| self.root.clone());
        let is_path = ["./", "../", "/"].iter().any(|start| specifier.starts_with(start))
            || specifier == ".."
            || specifier == ".";
        if is_path && !in_packages(Path::new(referrer_url.path())) {
            let url = referrer_url.join(specifier).map_err(|_| missing(specifier, referrer))?;
            return existing(&url).ok_or_else(|| missing(specifier, referrer));
        }
        self.node_resolver
            .resolve(specifier, &referrer_url, ResolutionMode::Import, NodeResolutionKind::Execution)
            .and_then(|resolution| resolution.into_url())
            .map_err(JsErrorBox::from_err)
    }
}

fn missing(specifier: &str, referrer: &str) -> JsErrorBox {
    JsErrorBox::generic(format!("cannot find module \"{specifier}\" from {referrer}"))
}

/// Tells whether `path` lies in a `node_modules` directory.
pub(super) fn in_packages(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "node_modules")
}

/// Returns the URL of the file that `url` means.
fn existing(url: &Url) -> Option<Url> {
    let path = url.to_file_path().ok()?;
    if path.is_file() {
        return Some(url.clone());
    }
    let found = candidates(&path).into_iter().find(|candidate| candidate.is_file())?;
    let mut found = Url::from_file_path(found).ok()?;
    found.set_query(url.query());
    found.set_fragment(url.fragment());
    Some(found)
}

/// Lists the files a path without a file may mean.
fn candidates(path: &Path) -> Vec<PathBuf> {
    let mut candidates = Vec::new();
    let written = path.extension().and_then(|extension| extension.to_str());
    for (as_written, named) in WRITTEN_AS {
        if written == Some(as_written) {
            candidates.extend(named.iter().map(|extension| path.with_extension(extension)));
        }
    }
    for extension in EXTENSIONS {
        // Not `with_extension`: `./user.model` means `user.model.ts`.
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(extension);
        candidates.push(name.into());
    }
    candidates.extend(EXTENSIONS.iter().map(|extension| path.join("index").with_extension(extension)));
    candidates
}

/// Lets modules of the project and of its packages be loaded, and any other file with a read permission only.
#[derive(Clone)]
pub(super) struct Gate {
    /// The project, and the `node_modules` directories above it.
    open: Arc<[PathBuf]>,
    permissions: PermissionsContainer,
}

impl Gate {
    /// Opens the gate for the project at `root`.
    pub(super) fn new(root: &Path, permissions: PermissionsContainer) -> Self {
        let above = root.ancestors().skip(1).map(|directory| directory.join("node_modules"));
        // Packages resolve to real paths, which a root behind a symlink does not contain.
        let real = std::fs::canonicalize(root).ok();
        Gate { open: std::iter::once(root.to_owned()).chain(real).chain(above).collect(), permissions }
    }

    /// Checks that the module at `path` may be read.
    ///
    /// # Errors
    /// It lies outside of the project and there is no permission to read it.
    pub(super) fn check<'a>(&self, path: Cow<'a, Path>) -> Result<Cow<'a, Path>, JsErrorBox> {
        // `..` survives in a path when the URL had an escaped slash: such a path is below nothing for sure.
        let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
        if !climbs && self.open.iter().any(|directory| path.starts_with(directory)) {
            return Ok(path);
        }
        self.check_read(path)
    }

    /// Checks that `path` may be read as data.
    ///
    /// # Errors
    /// There is no permission to read it.
    pub(super) fn check_read<'a>(&self, path: Cow<'a, Path>) -> Result<Cow<'a, Path>, JsErrorBox> {
        self.permissions
            .check_open(path, OpenAccessKind::Read, Some("import"))
            .map(|checked| checked.into_path())
            .map_err(JsErrorBox::from_err)
    }
}

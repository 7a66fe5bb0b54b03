//! Reads modules for the isolate: TypeScript transpiled with an inline source map, CommonJS translated, JSON wrapped.
//!
//! Called by `deno_core` on the isolate's thread, for `import` and for `require`. Never evaluates a module.

use std::borrow::Cow;
use std::path::Path;

use deno_ast::{
    DecoratorsTranspileOption, EmitOptions, MediaType, ParseParams, SourceMapOption, TranspileModuleOptions,
    TranspileOptions,
};
use deno_core::futures::FutureExt;
use deno_core::url::Url;
use deno_core::{
    FastString, ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleSource,
    ModuleSourceCode, ModuleSpecifier, ModuleType, RequestedModuleType, ResolutionKind,
};
use deno_error::JsErrorBox;
use deno_resolver::cjs::CjsTrackerRc;
use deno_resolver::loader::{DenoNpmModuleLoaderRc, LoadedModuleSource, RequestedModuleType as Requested};
use deno_resolver::npm::DenoInNpmPackageChecker;
use deno_runtime::deno_node::NodeRequireLoader;
use deno_runtime::deno_permissions::PermissionsContainer;
use node_resolver::errors::PackageJsonLoadError;
use sys_traits::impls::RealSys;

use super::resolve::{Gate, Resolver, in_packages};

/// Loads what `import` names.
pub(super) struct Loader {
    pub(super) resolver: Resolver,
    pub(super) npm_loader: DenoNpmModuleLoaderRc<RealSys>,
    pub(super) gate: Gate,
}

impl ModuleLoader for Loader {
    fn resolve(
        &self,
        specifier: &str,
        referrer: &str,
        _kind: ResolutionKind,
    ) -> Result<ModuleSpecifier, JsErrorBox> {
        let resolved = self.resolver.resolve(specifier, referrer);
        resolved.map_err(|error| with_place(error, specifier, referrer))
    }

    fn load(
        &self,
        specifier: &ModuleSpecifier,
        referrer: Option<&ModuleLoadReferrer>,
        options: ModuleLoadOptions,
    ) -> ModuleLoadResponse {
        let path = match self.admit(specifier, &options.requested_module_type) {
            Ok(path) => path,
            Err(error) => return ModuleLoadResponse::Sync(Err(error)),
        };
        let media = MediaType::from_specifier(specifier);
        let plain = options.requested_module_type == RequestedModuleType::None;
        let needs_emit =
            matches!(media, MediaType::TypeScript | MediaType::Mts | MediaType::Tsx | MediaType::Jsx);
        if needs_emit && plain && !in_packages(&path) {
            return ModuleLoadResponse::Sync(transpiled(specifier, &path, media));
        }
        if media == MediaType::Json && plain && !in_packages(&path) {
            return ModuleLoadResponse::Sync(json_module(specifier, &path));
        }
        let npm_loader = self.npm_loader.clone();
        let specifier = specifier.clone();
        let referrer = referrer.map(|referrer| referrer.specifier.clone());
        let requested = options.requested_module_type;
        ModuleLoadResponse::Async(
            async move {
                let loaded = npm_loader
                    .load(Cow::Borrowed(&specifier), referrer.as_ref(), &wanted(&requested), None)
                    .await
                    .map_err(JsErrorBox::from_err)?;
                let module_type = module_type(loaded.media_type, &requested);
                let code = source_code(loaded.source);
                Ok(ModuleSource::new_with_redirect(module_type, code, &specifier, &loaded.specifier, None))
            }
            .boxed_local(),
        )
    }

    /// Source positions are used only where the mapped file exists.
    fn source_map_source_exists(&self, source: &str) -> Option<bool> {
        Some(Url::parse(source).ok()?.to_file_path().ok()?.is_file())
    }
}

impl Loader {
    /// Checks that `specifier` is a file that may be loaded.
    fn admit(
        &self,
        specifier: &Url,
        requested: &RequestedModuleType,
    ) -> Result<std::path::PathBuf, JsErrorBox> {
        let path = match specifier.scheme() {
            "file" => specifier.to_file_path().map_err(|()| unusable(specifier))?,
            _ => return Err(unusable(specifier)),
        };
        // A module of the project needs no permission; its raw text and bytes do, like any file.
        let checked = match requested {
            RequestedModuleType::None | RequestedModuleType::Json => self.gate.check(path.into())?,
            RequestedModuleType::Text | RequestedModuleType::Bytes | RequestedModuleType::Other(_) => {
                self.gate.check_read(path.into())?
            }
        };
        Ok(checked.into_owned())
    }
}

/// An import that does not resolve, and where it stands.
#[derive(Debug, thiserror::Error, deno_error::JsError)]
#[class(inherit)]
#[error("{cause} at {place}")]
struct Unresolved {
    #[inherit]
    cause: JsErrorBox,
    place: String,
}

/// Adds where in `referrer` the import stands.
fn with_place(cause: JsErrorBox, specifier: &str, referrer: &str) -> JsErrorBox {
    let source = Url::parse(referrer)
        .ok()
        .and_then(|url| url.to_file_path().ok())
        .and_then(|path| read(&path).ok())
        .unwrap_or_default();
    let quoted = ['"', '\''].map(|quote| format!("{quote}{specifier}{quote}"));
    let Some(start) = quoted.iter().find_map(|quoted| source.find(quoted)) else {
        return cause;
    };
    let before = &source[..start];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let place = format!("{referrer}:{line}:{column}");
    JsErrorBox::from_err(Unresolved { cause, place })
}

fn unusable(specifier: &Url) -> JsErrorBox {
    JsErrorBox::type_error(format!(
        "cannot import {specifier}: handlers import files, packages in node_modules and node: modules"
    ))
}

fn read(path: &Path) -> Result<String, JsErrorBox> {
    std::fs::read_to_string(path)
        .map_err(|error| JsErrorBox::generic(format!("cannot read {}: {error}", path.display())))
}

/// Turns TypeScript into JavaScript that remembers its source positions.
fn transpiled(specifier: &Url, path: &Path, media_type: MediaType) -> Result<ModuleSource, JsErrorBox> {
    let parsed = deno_ast::parse_module(ParseParams {
        specifier: specifier.clone(),
        text: read(path)?.into(),
        media_type,
        capture_tokens: false,
        scope_analysis: false,
        maybe_syntax: None,
    })
    .map_err(|error| JsErrorBox::new("SyntaxError", error.to_string()))?;
    let emitted = parsed
        .transpile(
            &TranspileOptions { decorators: DecoratorsTranspileOption::Ecma, ..TranspileOptions::default() },
            &TranspileModuleOptions::default(),
            &EmitOptions {
                source_map: SourceMapOption::Inline,
                inline_sources: false,
                ..EmitOptions::default()
            },
        )
        .map_err(|error| JsErrorBox::new("SyntaxError", error.to_string()))?;
    let code = ModuleSourceCode::String(emitted.into_source().text.into());
    Ok(ModuleSource::new(ModuleType::JavaScript, code, specifier, None))
}

/// Serves a `.json` of the project to an import without `with { type: "json" }`.
fn json_module(specifier: &Url, path: &Path) -> Result<ModuleSource, JsErrorBox> {
    let text = read(path)?;
    let value: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| JsErrorBox::new("SyntaxError", format!("{error} at {specifier}")))?;
    let literal = serde_json::Value::String(value.to_string());
    let code = ModuleSourceCode::String(format!("export default JSON.parse({literal});").into());
    Ok(ModuleSource::new(ModuleType::JavaScript, code, specifier, None))
}

fn module_type(media: MediaType, requested: &RequestedModuleType) -> ModuleType {
    match requested {
        RequestedModuleType::Text => ModuleType::Text,
        RequestedModuleType::Bytes => ModuleType::Bytes,
        RequestedModuleType::Other(kind) => ModuleType::Other(kind.clone()),
        RequestedModuleType::None | RequestedModuleType::Json => match media {
            MediaType::Json => ModuleType::Json,
            MediaType::Wasm => ModuleType::Wasm,
            _ => ModuleType::JavaScript,
        },
    }
}

fn wanted(requested: &RequestedModuleType) -> Requested<'_> {
    match requested {
        RequestedModuleType::None => Requested::None,
        RequestedModuleType::Json => Requested::Json,
        RequestedModuleType::Text => Requested::Text,
        RequestedModuleType::Bytes => Requested::Bytes,
        RequestedModuleType::Other(kind) => Requested::Other(kind),
    }
}

fn source_code(source: LoadedModuleSource) -> ModuleSourceCode {
    match source {
        LoadedModuleSource::ArcStr(text) => ModuleSourceCode::String(text.into()),
        LoadedModuleSource::ArcBytes(bytes) => ModuleSourceCode::Bytes(bytes.into()),
        LoadedModuleSource::String(text) => ModuleSourceCode::String(text.into_owned().into()),
        LoadedModuleSource::Bytes(bytes) => {
            ModuleSourceCode::Bytes(bytes.into_owned().into_boxed_slice().into())
        }
    }
}

/// Endings of what `require` loads as code.
const CODE: [&str; 9] = ["js", "cjs", "mjs", "ts", "mts", "cts", "tsx", "jsx", "json"];

/// Loads what `require` names.
pub(super) struct RequireLoader {
    pub(super) cjs_tracker: CjsTrackerRc<DenoInNpmPackageChecker, RealSys>,
    pub(super) gate: Gate,
}

impl NodeRequireLoader for RequireLoader {
    fn ensure_read_permission<'a>(
        &self,
        _permissions: &mut PermissionsContainer,
        path: Cow<'a, Path>,
    ) -> Result<Cow<'a, Path>, JsErrorBox> {
        self.gate.check(path)
    }

    fn load_text_file_lossy(&self, path: &Path) -> Result<FastString, JsErrorBox> {
        // `require` can be made to hand out the text of what it reads: only code needs no permission.
        let code = match path.extension() {
            Some(extension) => CODE.iter().any(|known| extension == *known),
            None => path.components().any(|part| part.as_os_str() == "node_modules"),
        };
        if !code {
            self.gate.check_read(path.into())?;
        }
        let bytes = std::fs::read(path)
            .map_err(|error| JsErrorBox::generic(format!("cannot read {}: {error}", path.display())))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned().into())
    }

    fn is_maybe_cjs(&self, specifier: &Url) -> Result<bool, PackageJsonLoadError> {
        self.cjs_tracker.is_maybe_cjs(specifier, MediaType::from_specifier(specifier))
    }

    fn is_maybe_cjs_from_require(&self, specifier: &Url) -> Result<bool, PackageJsonLoadError> {
        self.cjs_tracker.is_maybe_cjs_from_require(specifier, MediaType::from_specifier(specifier))
    }
}

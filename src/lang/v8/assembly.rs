//! Puts one isolate together from Deno's crates: `deno_runtime` on its snapshot, package resolution over the
//! project's own `node_modules`, our module loader, permissions and extension.
//!
//! Called by `isolate` on the isolate's thread. Holds no state and drives nothing.

use std::rc::Rc;
use std::sync::Arc;

use deno_core::url::Url;
use deno_core::v8;
use deno_resolver::cjs::IsCjsResolutionMode;
use deno_resolver::factory::{
    NpmProcessStateOptions, ResolverFactory, ResolverFactoryOptions, WorkspaceFactory,
    WorkspaceFactoryOptions,
};
use deno_resolver::npm::{DenoInNpmPackageChecker, NpmResolver};
use deno_runtime::colors::ColorLevel;
use deno_runtime::deno_fs::RealFs;
use deno_runtime::deno_io::{Stdio, StdioPipe};
use deno_runtime::deno_node::NodeExtInitServices;
use deno_runtime::deno_permissions::{Permissions, PermissionsContainer, PermissionsOptions};
use deno_runtime::deno_web::{BlobStore, InMemoryBroadcastChannel};
use deno_runtime::permissions::RuntimePermissionDescriptorParser;
use deno_runtime::worker::{MainWorker, WorkerOptions, WorkerServiceOptions};
use deno_runtime::{BootstrapOptions, WorkerExecutionMode};
use sys_traits::impls::RealSys;

use super::loader::{Loader, RequireLoader};
use super::ops::{self, Link};
use super::resolve::{Gate, Resolver};
use super::{Config, Setup};

type NodeServices = NodeExtInitServices<DenoInNpmPackageChecker, NpmResolver<RealSys>, RealSys>;

const MIB: usize = 1024 * 1024;

/// Below this the runtime itself does not fit.
const LEAST_HEAP_MIB: usize = 32;

/// Where reading ends at once.
const NOTHING: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// Builds the isolate; its script is not started yet.
///
/// # Errors
/// What in the configuration or the project cannot be used.
pub(super) fn assemble(setup: &Setup, link: Link) -> Result<MainWorker, String> {
    let root = Url::from_directory_path(&setup.root)
        .map_err(|()| format!("{} is not an absolute path", setup.root.display()))?;
    let main_module = root.join("rohas").map_err(|error| error.to_string())?;
    let permissions = permissions(&setup.config)?;
    let (loader, node_services) = modules(setup, root, &permissions)?;
    let services = WorkerServiceOptions {
        blob_store: Arc::new(BlobStore::default()),
        broadcast_channel: InMemoryBroadcastChannel::default(),
        deno_rt_native_addon_loader: None,
        feature_checker: Arc::default(),
        fs: Arc::new(RealFs),
        module_loader: Rc::new(loader),
        node_services: Some(node_services),
        npm_process_state_provider: None,
        permissions,
        root_cert_store_provider: None,
        fetch_dns_resolver: deno_runtime::deno_fetch::dns::Resolver::default(),
        shared_array_buffer_store: None,
        compiled_wasm_module_store: None,
        v8_code_cache: None,
        bundle_provider: None,
    };
    let heap = setup.config.heap_limit_mb.max(LEAST_HEAP_MIB) * MIB;
    // A handler that waits for the terminal (`prompt`) could not be terminated.
    let stdin = std::fs::File::open(NOTHING).map_err(|error| format!("{NOTHING}: {error}"))?;
    let options = WorkerOptions {
        bootstrap: BootstrapOptions {
            mode: WorkerExecutionMode::Run,
            has_node_modules_dir: true,
            // What handlers print is for the log.
            color_level: ColorLevel::None,
            user_agent: concat!("rohas/", env!("CARGO_PKG_VERSION")).into(),
            ..BootstrapOptions::default()
        },
        extensions: vec![ops::rohas::init(link)],
        startup_snapshot: deno_snapshots::CLI_SNAPSHOT,
        residual_lazy_js_sources: deno_snapshots::RESIDUAL_LAZY_JS,
        residual_lazy_esm_sources: deno_snapshots::RESIDUAL_LAZY_ESM,
        create_params: Some(v8::CreateParams::default().heap_limits(0, heap)),
        stdio: Stdio { stdin: StdioPipe::file(stdin), ..Stdio::default() },
        ..WorkerOptions::default()
    };
    Ok(MainWorker::bootstrap_from_options(&main_module, services, options))
}

/// Makes the loader of modules and what `require` needs, over the project's own `node_modules`.
fn modules(
    setup: &Setup,
    root: Url,
    permissions: &PermissionsContainer,
) -> Result<(Loader, NodeServices), String> {
    let sys = RealSys;
    let workspace = Arc::new(WorkspaceFactory::new(
        sys.clone(),
        setup.root.clone(),
        WorkspaceFactoryOptions {
            // "Bring your own node_modules": packages are where the project's package manager has put them.
            npm_process_state: Some(NpmProcessStateOptions {
                node_modules_dir: None,
                is_byonm: true,
                linker_mode: None,
            }),
            ..WorkspaceFactoryOptions::default()
        },
    ));
    let factory = ResolverFactory::new(
        workspace,
        ResolverFactoryOptions {
            // As Node does: a `.js` file without a `"type"` is CommonJS unless it has ES module syntax.
            is_cjs_resolution_mode: IsCjsResolutionMode::ImplicitTypeCommonJs,
            ..ResolverFactoryOptions::default()
        },
    );
    let told = |error: &dyn std::fmt::Display| format!("packages cannot be resolved: {error}");
    let node_resolver = factory.node_resolver().map_err(|error| told(&error))?.clone();
    let npm_loader = factory.npm_module_loader().map_err(|error| told(&error))?.clone();
    let cjs_tracker = factory.cjs_tracker().map_err(|error| told(&error))?.clone();
    let gate = Gate::new(&setup.root, permissions.clone());
    let loader = Loader {
        resolver: Resolver { node_resolver: node_resolver.clone(), root },
        npm_loader,
        gate: gate.clone(),
    };
    let node_services = NodeExtInitServices {
        node_require_loader: Rc::new(RequireLoader { cjs_tracker, gate }),
        node_resolver,
        pkg_json_resolver: factory.pkg_json_resolver().clone(),
        sys,
    };
    Ok((loader, node_services))
}

/// Turns the configured lists into Deno's permissions; nothing is ever asked at a prompt.
fn permissions(config: &Config) -> Result<PermissionsContainer, String> {
    fn list(items: &[String]) -> Option<Vec<String>> {
        match items {
            [] => None,
            [all] if all == "*" => Some(Vec::new()),
            some => Some(some.to_vec()),
        }
    }
    let wanted = &config.permissions;
    let options = PermissionsOptions {
        allow_net: list(&wanted.net),
        allow_read: list(&wanted.read),
        allow_write: list(&wanted.write),
        allow_env: list(&wanted.env),
        allow_run: list(&wanted.run),
        prompt: false,
        ..PermissionsOptions::default()
    };
    let parser = Arc::new(RuntimePermissionDescriptorParser::new(RealSys));
    let permissions = Permissions::from_options(parser.as_ref(), &options)
        .map_err(|error| format!("the permissions cannot be used: {error}"))?;
    Ok(PermissionsContainer::new(parser, permissions))
}

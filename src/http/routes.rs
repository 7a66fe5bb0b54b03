//! Which api or endpoint a path belongs to.
//!
//! Built once by the composition root, read by the server for each request. Knows paths and methods only.

use std::collections::BTreeMap;

use matchit::{InsertError, Router};

use crate::actors::{Api, Socket};

/// Two entities want the same path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entity}: the path {path} cannot be served: {reason}")]
pub struct RouteError {
    /// Which entity.
    pub entity: String,
    /// Its path.
    pub path: String,
    /// What the router said.
    pub reason: String,
}

/// Path parameters as the client wrote them, still percent-encoded, in the order of the path.
pub type RawParams = Vec<String>;

/// The routing table: a router for each method and one for WebSockets, so that only entities of one kind can be in each
/// other's way.
#[derive(Default)]
pub struct Routes {
    apis: BTreeMap<&'static str, Router<Api>>,
    sockets: Router<Socket>,
}

impl Routes {
    /// Builds the table.
    ///
    /// # Errors
    /// Every path that the router refuses.
    pub fn new(apis: &[Api], sockets: &[Socket]) -> Result<Self, Vec<RouteError>> {
        let mut routes = Routes::default();
        let mut errors = Vec::new();
        for api in apis {
            let spec = api.spec();
            let router = routes.apis.entry(spec.method.as_str()).or_default();
            let inserted = router.insert(&spec.path, api.clone());
            errors.extend(inserted.err().map(|error| refused("api", &spec.name, &spec.path, &error)));
        }
        for socket in sockets {
            let spec = socket.spec();
            let inserted = routes.sockets.insert(&spec.path, socket.clone());
            errors.extend(inserted.err().map(|error| refused("ws", &spec.name, &spec.path, &error)));
        }
        if errors.is_empty() { Ok(routes) } else { Err(errors) }
    }

    /// Finds the api of a request; HEAD falls back to GET.
    pub fn api(&self, method: &str, path: &str) -> Option<(&Api, RawParams)> {
        let of = |method: &str| self.apis.get(method).and_then(|router| find(router, path));
        of(method).or_else(|| if method == "HEAD" { of("GET") } else { None })
    }

    /// Finds the WebSocket endpoint of a path.
    pub fn socket(&self, path: &str) -> Option<(&Socket, RawParams)> {
        find(&self.sockets, path)
    }

    /// Lists the methods of a path for an `Allow` header; none if nothing is served there.
    pub fn allowed(&self, path: &str) -> Option<String> {
        let served = self.apis.iter().filter(|(_, router)| router.at(path).is_ok());
        let mut methods: Vec<&str> = served.map(|(method, _)| *method).collect();
        if self.sockets.at(path).is_ok() && !methods.contains(&"GET") {
            methods.push("GET");
        } else if methods.is_empty() {
            return None;
        } else if methods.contains(&"GET") && !methods.contains(&"HEAD") {
            methods.push("HEAD");
        }
        if !methods.contains(&"OPTIONS") {
            methods.push("OPTIONS");
        }
        Some(methods.join(", "))
    }
}

fn find<'r, T>(router: &'r Router<T>, path: &str) -> Option<(&'r T, RawParams)> {
    let found = router.at(path).ok()?;
    Some((found.value, found.params.iter().map(|(_, value)| value.to_owned()).collect()))
}

fn refused(kind: &str, name: &str, path: &str, error: &InsertError) -> RouteError {
    RouteError { entity: format!("{kind} {name}"), path: path.to_owned(), reason: error.to_string() }
}

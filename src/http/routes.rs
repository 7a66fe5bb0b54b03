//! Which api or endpoint a path belongs to.
//!
//! Built once by the composition root, read by the server for each request. Knows paths and methods only.

use std::collections::{BTreeMap, HashMap};

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

/// What is served at one path.
#[derive(Default)]
pub struct Place {
    /// The apis by method.
    pub apis: BTreeMap<&'static str, Api>,
    /// The WebSocket endpoint.
    pub socket: Option<Socket>,
}

impl Place {
    /// Lists the methods for an `Allow` header.
    pub fn allowed(&self) -> String {
        let mut methods: Vec<&str> = self.apis.keys().copied().collect();
        if methods.contains(&"GET") && !methods.contains(&"HEAD") {
            methods.push("HEAD");
        }
        if self.socket.is_some() && !methods.contains(&"GET") {
            methods.push("GET");
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }

    /// Finds the api for `method`; HEAD falls back to GET.
    pub fn api(&self, method: &str) -> Option<&Api> {
        let get = || {
            if method == "HEAD" { self.apis.get("GET") } else { None }
        };
        self.apis.get(method).or_else(get)
    }
}

/// Path parameters as the client wrote them, still percent-encoded, in the order of the path.
pub type RawParams = Vec<String>;

/// The routing table.
#[derive(Default)]
pub struct Routes {
    router: matchit::Router<usize>,
    places: Vec<Place>,
    /// The place of a path without the names of its parameters, which every entity chooses for itself.
    by_shape: HashMap<String, usize>,
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
            match routes.place(&spec.path, &format!("api {}", spec.name)) {
                Ok(place) => drop(place.apis.insert(spec.method.as_str(), api.clone())),
                Err(error) => errors.push(error),
            }
        }
        for socket in sockets {
            let spec = socket.spec();
            match routes.place(&spec.path, &format!("ws {}", spec.name)) {
                Ok(place) => place.socket = Some(socket.clone()),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(routes) } else { Err(errors) }
    }

    /// Returns the place for a declared path, making it if it is new.
    fn place(&mut self, path: &str, entity: &str) -> Result<&mut Place, RouteError> {
        let shape = shape(path);
        let index = match self.by_shape.get(&shape) {
            Some(index) => *index,
            None => {
                let index = self.places.len();
                self.router.insert(&shape, index).map_err(|error| RouteError {
                    entity: entity.to_owned(),
                    path: path.to_owned(),
                    reason: error.to_string(),
                })?;
                self.places.push(Place::default());
                self.by_shape.insert(shape, index);
                index
            }
        };
        Ok(&mut self.places[index])
    }

    /// Finds the place of a request's path.
    pub fn find(&self, path: &str) -> Option<(&Place, RawParams)> {
        let found = self.router.at(path).ok()?;
        let params = found.params.iter().map(|(_, value)| value.to_owned()).collect();
        Some((&self.places[*found.value], params))
    }
}

/// Numbers the parameters of a path: `/users/{id}` and `/users/{name}` are one place.
fn shape(path: &str) -> String {
    let numbered = path.split('/').enumerate().map(|(at, segment)| match segment.strip_prefix('{') {
        Some(inner) if inner.starts_with('*') => format!("{{*p{at}}}"),
        Some(_) => format!("{{p{at}}}"),
        None => segment.to_owned(),
    });
    numbered.collect::<Vec<_>>().join("/")
}

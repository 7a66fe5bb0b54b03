//! Both ends of the HTTP path: the servers and the load. Used by `http_path` only.

pub mod load;
pub mod server;

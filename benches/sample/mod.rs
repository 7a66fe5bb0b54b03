//! The schema and the value that `http_path` and `handler_call` send: a body of some 100 bytes, echoed.

use serde::{Deserialize, Serialize};

/// The declaration of the type; an api takes and returns it.
pub const PERSON: &str = "
type Person {
  name: String @length(1, 80)
  email: String @format(email)
  age: Int @min(0) @max(150)
  tags: String[]
  active: Bool
}
";

/// A person in JSON.
pub const BODY: &str =
    r#"{"name":"Ada Lovelace","email":"ada@example.org","age":36,"tags":["maths","engines"],"active":true}"#;

/// The type as a Rust handler has it.
#[derive(Debug, Deserialize, Serialize)]
pub struct Person {
    name: String,
    email: String,
    age: u8,
    tags: Vec<String>,
    active: bool,
}

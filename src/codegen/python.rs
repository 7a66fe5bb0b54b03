//! Python's files. Called by [`generate`](super::generate).

use crate::codegen::{File, PythonModels};
use crate::schema::Schema;

pub(super) fn files(_schema: &Schema, _models: PythonModels) -> Vec<File> {
    Vec::new()
}

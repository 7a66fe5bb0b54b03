//! TypeScript's files. Called by [`generate`](super::generate).

use crate::codegen::File;
use crate::schema::Schema;

pub(super) fn files(_schema: &Schema) -> Vec<File> {
    Vec::new()
}

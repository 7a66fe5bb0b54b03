//! Tests of generated code as text and on real folders.

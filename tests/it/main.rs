//! The one integration binary: a module per subject.

#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod readme;
mod tidy;

//! Finds the file of each handler by name.

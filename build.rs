//! Exists so that `deno_core` is a build-dependency: `deno_v8` wants the feature `v8` on the host side too.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}

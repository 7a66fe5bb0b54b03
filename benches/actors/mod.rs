//! The actors that are measured: ours and those of other libraries.

#![allow(dead_code, reason = "two benches share it")]

pub mod peers;

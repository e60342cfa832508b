//! Tests of the library from outside, and of the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::allow_attributes, reason = "a test that cannot go on fails")]

mod architecture;
mod catalogue;
mod decisions;
mod emulator;
mod faults;
mod manners;
mod oracle;
mod scenes;
mod support;

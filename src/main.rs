//! The program `audit`.
fn main() {}

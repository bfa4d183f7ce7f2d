//! The agent against programs that are not ours.
fn main() {}

//! The command `patchd`.

fn main() {}

//! The only door outside: programs, files, clock, processes, journal. It knows
//! nothing of patching; everything above it can be tested without it.

pub mod attendant;
pub mod clock;
pub mod command;
pub mod elf;
pub mod environment;
pub mod files;
pub mod jail;
pub mod journal;
pub mod machine;
pub mod mounts;
pub mod net;
pub mod network;
pub mod process;
pub mod service;
pub mod shutdown;
pub mod signals;
pub mod systemd;
pub mod trusted;
pub mod users;

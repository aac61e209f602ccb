//! Restore points, and the way back with them, for dpkg: what the packages of a
//! plan have on disk is kept as hard links, and as copies where a link would
//! not do; a package file is built of that only when it is needed. Which
//! packages are never taken back, what apt thinks of it, and when a point is
//! taken, it does not know.

// What a point holds, and where.
mod exact;
mod fault;
mod point;
mod store;
mod sum;

// Taking one.
mod database;
mod keeper;
mod look;
mod pack;
mod seal;
mod site;
mod take;
mod trees;

// Going back with one.
mod archive;
mod back;
mod commands;
mod decide;
mod journey;
mod merge;
mod put;
mod ready;
mod rebuild;
mod repair;
mod scripts;
mod settle;
mod transaction;
mod watch;

mod rotation;

pub use back::{Outcome, Trip, go_back};
pub use decide::{Course, decide, unsound};
pub use fault::RestoreError;
pub use journey::begun;
pub use ready::{WayBack, clear, ready, unpacked};
pub use rotation::{make_room, rotate};
pub use seal::seal;
pub use site::Site;
pub use store::{covers, delete, list};
pub use take::{Keeping, take};
pub use watch::Step;

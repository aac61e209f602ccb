//! `patchd daemon`: waits for the windows of its schedules and for people, and
//! drives one run at a time. It has no privileges; whatever touches the machine
//! is an order to the worker. When it is told to stop it stops: what is at work
//! goes on without it, and the next start finds it again.

mod start;

mod keeper;
mod timekeeping;

mod audience;
mod proving;
mod report;
mod requests;
mod standing;
mod telling;
mod windows;

pub use start::main;

#[cfg(test)]
mod tests;

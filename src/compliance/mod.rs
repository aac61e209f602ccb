//! What can be shown to an auditor: the state of each package under a policy, and
//! evidence in which nothing can be changed unnoticed. Pure; it knows neither the
//! files that evidence is kept in, nor where a report goes.

pub mod evidence;

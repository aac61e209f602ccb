//! What can be shown to an auditor: the state of each package under a policy, and
//! evidence in which nothing can be changed unnoticed. Pure.

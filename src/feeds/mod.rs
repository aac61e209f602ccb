//! What others publish about vulnerabilities: fetched, read into records, kept in
//! the index of this release. Knows nothing of what is installed here.

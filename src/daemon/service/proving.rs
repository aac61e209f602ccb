//! What the daemon keeps as evidence: how each run ended and what it changed, and
//! what the operator has decided to live with. That it cannot be kept stops nothing.

use std::path::Path;

use serde_json::{Value, json};

use super::keeper::Keeper;
use crate::daemon::driver::RunReport;
use crate::daemon::events::event;
use crate::daemon::evidence::Evidence;
use crate::daemon::hands::Hands;
use crate::os::clock;
use crate::package_manager::PackageManager;

/// The chain in this folder; without it where it cannot be used.
pub(super) fn open(folder: &Path) -> Option<Evidence> {
    let opened = Evidence::open(folder);
    opened.inspect_err(unwritten).ok()
}

impl<P: PackageManager + 'static, H: Hands + Clone + 'static> Keeper<P, H> {
    /// A run has ended.
    pub fn prove_run(&mut self, report: &RunReport) {
        self.prove(&json!({
            "kind": "run",
            "run": report.run,
            "outcome": report.outcome,
            "summary": report.summary,
            "changes": report.state.course.changed,
        }));
    }

    /// A configuration has come into force.
    pub fn prove_configuration(&mut self) {
        self.prove(&json!({
            "kind": "configuration",
            "patchd": env!("CARGO_PKG_VERSION"),
            "exceptions": self.parts.settings.exceptions,
        }));
    }

    /// Notes the head of the chain in the journal, once a day: there it is out of
    /// reach of whoever may write the chain.
    pub fn anchor(&mut self) {
        let evidence = self.evidence.as_mut();
        if let Some(head) = evidence.and_then(|it| it.anchor_due(clock::now())) {
            event!(
                EVIDENCE_ANCHORED,
                PATCHD_SEQUENCE = head.sequence,
                PATCHD_HASH = head.hash.as_str(),
                "the evidence stands at {head}"
            );
        }
    }

    fn prove(&mut self, body: &Value) {
        if let Some(evidence) = &mut self.evidence
            && let Err(cause) = evidence.record(clock::now(), body)
        {
            unwritten(&cause);
        }
        self.anchor();
    }
}

fn unwritten(cause: &std::io::Error) {
    event!(EVIDENCE_UNWRITTEN, "evidence cannot be kept: {cause}");
}

//! A run in one sentence.

use super::course::{Course, SetAside};
use crate::model::{Extent, Finding, RolledBack, StaleUnit, Verdict};

impl Course {
    /// One sentence that tells the whole run.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut parts = self.deeds();
        let names = |set_aside: &SetAside| {
            format!("{} was set aside ({})", set_aside.package, set_aside.reason)
        };
        parts.extend(self.set_aside.iter().map(names));
        let broken = |broken: &String| format!("{broken}, and needs a person");
        parts.extend(self.broken.iter().map(broken));
        parts.extend(self.postponed.iter().cloned());
        parts.extend(self.left_out.iter().cloned());
        parts.extend(self.gaps.iter().cloned());
        // A broken package was told above, with what to do.
        let told = |it: &&Finding| it.check == "database" && !self.broken.is_empty();
        let findings = self.findings.iter().filter(|it| !told(it));
        parts.extend(findings.map(|it| it.detail.clone()));
        parts.extend(list("the package database was mended: ", &self.mended));
        parts.extend(list("kept the old version of ", &self.kept_conffiles));
        parts.extend(self.liveness());
        parts.extend(self.kept_away.iter().flatten().cloned());
        parts.join("; ")
    }

    /// What was done to packages.
    fn deeds(&self) -> Vec<String> {
        let mut parts = vec![match self.changed.len() {
            0 => "nothing was installed".to_owned(),
            1 => "1 package changed".to_owned(),
            n => format!("{n} packages changed"),
        }];
        if let Some(back) = &self.rolled_back {
            if back.extent == Extent::Whole {
                parts.clear();
            }
            parts.extend(self.taken_back(back));
        }
        parts
    }

    fn taken_back(&self, back: &RolledBack) -> Vec<String> {
        let mut parts = vec![match back.restored.len() {
            0 => "nothing was rolled back".to_owned(),
            1 => "1 package was rolled back".to_owned(),
            n => format!("{n} packages were rolled back"),
        }];
        let why: Vec<String> = self.broke.iter().map(|it| it.detail.clone()).collect();
        parts.extend(list("because ", &why));
        let left: Vec<String> = back.left.iter().map(|it| it.id.to_string()).collect();
        parts.extend(list("not rolled back, as configured: ", &left));
        parts.extend(list("changed since, and left as it is: ", &back.kept_files));
        let older = back.older_files.as_ref();
        parts.extend(older.map(|folder| format!("their older contents are in {folder}")));
        let unseen = back.unseen.as_ref();
        parts.extend(unseen.map(|it| format!("neither kept nor compared: {it}")));
        let unproven = back.not_rehearsed.as_ref();
        parts.extend(unproven.map(|why| format!("it was not rehearsed: {why}")));
        parts.extend(back.failure.clone());
        parts.extend(back.next_steps.iter().cloned());
        parts
    }

    /// What is in use of it.
    fn liveness(&self) -> Vec<String> {
        let units = |units: &[StaleUnit]| -> Vec<String> {
            let tell = |it: &StaleUnit| format!("{} ({})", it.unit, it.why);
            units.iter().map(tell).collect()
        };
        let mut parts = Vec::new();
        parts.extend(list("restarted ", &self.restarted.restarted));
        let failed = units(&self.restarted.failed);
        parts.extend(list("did not come back after a restart: ", &failed));
        parts.extend(list("still runs old code: ", &units(&self.restarted.stale)));
        parts.extend(list("a reboot is owed: ", &self.reboot_reasons));
        parts.extend(self.put_off.clone());
        parts
    }

    /// A rehearsal in one sentence.
    pub(super) fn rehearsal_told(&self) -> String {
        let Some(rehearsal) = &self.rehearsal else {
            return self.without_plan("there is nothing to rehearse");
        };
        let sentence = match rehearsal.verdict {
            Verdict::Passed => rehearsal.summary.clone(),
            Verdict::Confirmed => format!("the plan would fail: {}", rehearsal.summary),
            Verdict::Unproven => format!("nothing is proved: {}", rehearsal.summary),
        };
        self.without_plan(&sentence)
    }

    fn without_plan(&self, sentence: &str) -> String {
        let aside = |it: &SetAside| format!("without {} ({})", it.package, it.reason);
        let aside = self.set_aside.iter().map(aside);
        let others = self
            .postponed
            .iter()
            .chain(&self.left_out)
            .chain(&self.gaps);
        std::iter::once(sentence.to_owned())
            .chain(aside)
            .chain(others.cloned())
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn list(words: &str, items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| format!("{words}{}", items.join(", ")))
}

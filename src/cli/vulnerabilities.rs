//! What is open, for people.

use super::screen::Screen;
use crate::control::document::{Cve, Vulnerabilities, Vulnerable};

/// So many are listed one by one; a kernel alone may have thousands.
const LISTED: usize = 10;

/// How many are open, the most urgent of them, and whom nobody can vouch for.
pub(super) fn print(found: &Vulnerabilities, vulnerable: &[Vulnerable]) {
    Screen::line("");
    Screen::line(&counts(found));
    let urgent = vulnerable
        .iter()
        .flat_map(|of| of.cves.iter().map(move |cve| (of, cve)));
    let mut urgent: Vec<(&Vulnerable, &Cve)> = urgent.filter(|(_, cve)| is_urgent(cve)).collect();
    urgent.sort_by(|(_, one), (_, other)| (&one.tier, &one.due).cmp(&(&other.tier, &other.due)));
    for (of, cve) in urgent.iter().take(LISTED) {
        Screen::line(&format!("  {}", line(of, cve)));
    }
    if urgent.len() > LISTED {
        let more = urgent.len() - LISTED;
        Screen::line(&format!(
            "  and {more} more of P0 and P1; `patchd check --json` has all"
        ));
    }
    for unknown in &found.unknown {
        let count = unknown.packages.len();
        let packages = if count == 1 { "package" } else { "packages" };
        Screen::line(&format!("unknown: {count} {packages}: {}", unknown.reason));
    }
}

/// `P0 CVE-2026-0001 in openssl 3.0.17-1 (known exploited since 2026-01-01), pending, due 2026-01-04`
pub(super) fn line(of: &Vulnerable, cve: &Cve) -> String {
    let due = cve.due.as_deref().map_or(String::new(), |due| {
        format!(", due {}", due.split('T').next().unwrap_or(due))
    });
    format!(
        "{} {} in {} {} ({}), {}{due}",
        cve.tier,
        cve.id,
        of.source,
        of.version,
        cve.reason,
        way(cve)
    )
}

/// How far its fix is, or how it can be had.
fn way(cve: &Cve) -> String {
    let by = cve.by.join(", ");
    match (cve.life.as_deref(), cve.fix.as_deref()) {
        (Some("pending"), _) => "the next run installs the fix".to_owned(),
        (Some("soaking"), _) => "the fix soaks".to_owned(),
        (Some("held"), _) => "the fix is held back".to_owned(),
        (Some("blocked"), _) => format!("the fix is blocked: {by}"),
        (Some("on-disk"), _) => "the fix is on disk, and nobody has looked what runs".to_owned(),
        (Some("needs-restart"), _) => format!("fixed on disk; still runs in {by}"),
        (Some("needs-reboot"), _) => "fixed on disk; a reboot is owed".to_owned(),
        (_, Some("fix-not-enabled")) => match &cve.channel {
            Some(channel) => format!("a fix exists in {channel}, which is not enabled"),
            None => "a fix exists, and no enabled repository offers it".to_owned(),
        },
        (_, Some("wont-fix")) => "there will be no fix".to_owned(),
        _ => "there is no fix yet".to_owned(),
    }
}

fn is_urgent(cve: &Cve) -> bool {
    cve.tier == "P0" || cve.tier == "P1"
}

fn counts(found: &Vulnerabilities) -> String {
    let parts = [
        (found.fix_pending, "with a fix on offer"),
        (
            found.fix_not_enabled,
            "whose fix no enabled repository offers",
        ),
        (found.no_fix, "without a fix yet"),
        (found.wont_fix, "that will not be fixed"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let open = match (found.affected, found.unknown_packages) {
        (0, 0) => "no open vulnerabilities".to_owned(),
        (0, _) => "no vulnerability is known to be open; not everything can be told".to_owned(),
        (count, _) => format!("{count} open vulnerabilities: {}", parts.join(", ")),
    };
    let others = [
        (found.undetermined, "undetermined"),
        (found.unimportant, "unimportant ones not counted"),
    ];
    let others = others.iter().filter(|(count, _)| *count > 0);
    let others = others.map(|(count, what)| format!("{count} {what}"));
    let all: Vec<String> = std::iter::once(open).chain(others).collect();
    all.join("; ")
}

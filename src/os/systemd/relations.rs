//! How units hang together: what else is stopped or restarted with one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::command::{Command, Runner};
use super::show::unreadable;
use super::{ActiveState, OUTPUT_CAP, SYSTEMCTL, SystemdError, TIMEOUT, answer};

/// What we ask for; the parser knows exactly these.
const PROPERTIES: &str =
    "--property=Id,Names,ActiveState,UnitFileState,CanReload,ConsistsOf,RequiredBy,BoundBy";

/// All units that systemd has in memory, by name.
pub type Relations = BTreeMap<String, Relation>;

/// One unit among the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// All names it goes by, its own among them.
    pub names: Vec<String>,
    /// Whether it does its work now.
    pub is_up: bool,
    /// systemd's word for how it is installed: `enabled`, `static`, `masked`.
    pub file_state: String,
    /// Whether it can read its configuration again without being restarted.
    pub reloads: bool,
    /// Who is stopped with it, and restarted with it.
    pub followers: Vec<String>,
}

/// How all units hang together now.
pub async fn relations(runner: &dyn Runner) -> Result<Relations, SystemdError> {
    let question = Command::new(SYSTEMCTL)
        .args(["show", "--all", PROPERTIES, "*"])
        .timeout(TIMEOUT)
        .output_cap(OUTPUT_CAP);
    parse(&answer(runner, &question).await?)
}

fn parse(text: &str) -> Result<Relations, SystemdError> {
    let mut relations = Relations::new();
    let (mut id, mut relation) = (String::new(), Relation::default());
    for line in text.lines().chain([""]) {
        if line.is_empty() {
            let whole = std::mem::take(&mut relation);
            let name = std::mem::take(&mut id);
            if !name.is_empty() {
                relations.insert(name, whole);
            }
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| unreadable(line))?;
        let words = || value.split_ascii_whitespace().map(str::to_owned);
        match key {
            "Id" => id = value.to_owned(),
            "Names" => relation.names = words().collect(),
            "ActiveState" => relation.is_up = ActiveState::parse(value).is_up(),
            "UnitFileState" => relation.file_state = value.to_owned(),
            "CanReload" => relation.reloads = value == "yes",
            "ConsistsOf" | "RequiredBy" | "BoundBy" => relation.followers.extend(words()),
            _ => return Err(unreadable(line)),
        }
    }
    Ok(relations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_all_its_names_and_all_its_followers() {
        let text = "Id=named.service\nNames=named.service bind9.service\nActiveState=active\n\
            UnitFileState=enabled\nCanReload=yes\nConsistsOf=named-resolvconf.service\n\
            RequiredBy=\nBoundBy=a.service\n\nId=x.target\nNames=x.target\nActiveState=inactive\n";
        let relations = parse(text).expect("readable");
        let named = &relations["named.service"];
        assert_eq!(named.names, ["named.service", "bind9.service"]);
        assert_eq!(named.followers, ["named-resolvconf.service", "a.service"]);
        assert!(named.is_up && named.reloads);
        assert!(!relations["x.target"].is_up);
        assert!(parse("no such line\n").is_err());
    }
}

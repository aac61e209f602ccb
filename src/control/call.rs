//! What can be asked for, as values.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::ControlError;
use super::parameters::Parameters;
use super::{INTERFACE, request::Request};
use crate::model::{PackageName, RunId, Version};

/// No answer lists more runs or windows.
const MOST: u32 = 1000;

/// What somebody asks the daemon for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Call {
    /// To be told of a run while it lasts: the one at work, or this one.
    Follow {
        /// Which.
        #[serde(skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
    },
    /// One document is the answer; everybody may ask.
    #[serde(untagged)]
    Ask(Question),
    /// Something is to change; only administrators may ask.
    #[serde(untagged)]
    Act(Action),
}

/// What everybody may know. Each has a document of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Question {
    /// How the last run ended and what is owed.
    Status,
    /// What is pending and what becomes of it.
    Check {
        /// Under which policy.
        #[serde(skip_serializing_if = "Option::is_none")]
        policy: Option<String>,
    },
    /// How each rule answers for a package.
    Explain {
        /// Which package.
        package: PackageName,
        /// Under which policy.
        #[serde(skip_serializing_if = "Option::is_none")]
        policy: Option<String>,
    },
    /// The latest runs.
    History {
        /// How many.
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<u32>,
    },
    /// One run in full.
    Run {
        /// Which.
        run: RunId,
    },
    /// What did harm here and is kept away.
    Quarantine,
    /// What can be rolled back.
    RestorePoints,
    /// What is known of vulnerabilities, and how current that is.
    Feeds,
    /// The windows to come.
    Schedule {
        /// Of this schedule alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// From then on.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<Timestamp>,
        /// How many of each.
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<u32>,
    },
}

/// What changes something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Action {
    /// Start a run.
    Start {
        /// In the window of this schedule, under its policy.
        #[serde(skip_serializing_if = "Option::is_none")]
        schedule: Option<String>,
        /// Under this policy.
        #[serde(skip_serializing_if = "Option::is_none")]
        policy: Option<String>,
        /// Only these packages; all when empty.
        packages: Vec<PackageName>,
        /// Without waiting for a window.
        now: bool,
        /// Who stands behind a caller that is root.
        #[serde(skip_serializing_if = "Option::is_none")]
        sudo_user: Option<String>,
    },
    /// Try in a throw-away view of the machine what a run would install.
    Rehearse {
        /// Under this policy.
        #[serde(skip_serializing_if = "Option::is_none")]
        policy: Option<String>,
        /// Only these packages; all when empty.
        packages: Vec<PackageName>,
        /// Who stands behind a caller that is root.
        #[serde(skip_serializing_if = "Option::is_none")]
        sudo_user: Option<String>,
    },
    /// Put back what a run has replaced.
    RollBack {
        /// Which; the latest that was not rolled back unless told.
        #[serde(skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
        /// Who stands behind a caller that is root.
        #[serde(skip_serializing_if = "Option::is_none")]
        sudo_user: Option<String>,
    },
    /// End the run at work before its next phase.
    Cancel,
    /// Start no run until told to.
    Pause {
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Take a pause back.
    Resume,
    /// Keep a version away.
    KeepAway {
        /// A package, or the source of some.
        package: PackageName,
        /// Absent for what is on offer.
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Who stands behind a caller that is root.
        #[serde(skip_serializing_if = "Option::is_none")]
        sudo_user: Option<String>,
    },
    /// Let a version in again.
    LetIn {
        /// A package, or the source of some.
        package: PackageName,
    },
    /// Bring feeds up to date.
    UpdateFeeds,
    /// Tell somebody that this is a test.
    TestNotification {
        /// Which receiver.
        receiver: String,
    },
    /// Read the configuration anew.
    Reload,
    /// Disable rivals, or let them be as they were.
    Takeover {
        /// Let them.
        undo: bool,
    },
}

impl Call {
    /// Understands a call. A parameter that is missing, unknown or of the wrong
    /// type is refused by its name.
    pub fn parse(method: &str, parameters: Map<String, Value>) -> Result<Self, ControlError> {
        let (interface, name) = method.rsplit_once('.').unwrap_or(("", method));
        if interface != INTERFACE {
            return Err(ControlError::InterfaceNotFound {
                interface: interface.to_owned(),
            });
        }
        let mut given = Parameters::new(parameters);
        let call = match Question::read(name, &mut given)? {
            Some(question) => Self::Ask(question),
            None => match Action::read(name, &mut given)? {
                Some(action) => Self::Act(action),
                None if name == "Follow" => Self::Follow {
                    run: given.run("run")?,
                },
                None => {
                    return Err(ControlError::MethodNotFound {
                        method: method.to_owned(),
                    });
                }
            },
        };
        given.end()?;
        Ok(call)
    }

    /// Whether it is answered more than once.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(
            self,
            Self::Follow { .. }
                | Self::Act(
                    Action::Start { .. } | Action::Rehearse { .. } | Action::RollBack { .. }
                )
        )
    }

    /// The call as it is sent.
    #[must_use]
    pub fn request(&self) -> Request {
        // A variant without parameters is its name, any other one name and parameters.
        let (name, parameters) = match serde_json::to_value(self) {
            Ok(Value::String(name)) => (name, Map::new()),
            Ok(Value::Object(variant)) => match variant.into_iter().next() {
                Some((name, Value::Object(parameters))) => (name, parameters),
                _ => Default::default(),
            },
            _ => Default::default(),
        };
        Request {
            method: format!("{INTERFACE}.{name}"),
            parameters: Some(parameters),
            more: self.is_stream(),
            oneway: false,
            upgrade: false,
        }
    }
}

impl Question {
    fn read(name: &str, given: &mut Parameters) -> Result<Option<Self>, ControlError> {
        Ok(Some(match name {
            "Status" => Self::Status,
            "Check" => Self::Check {
                policy: given.text("policy")?,
            },
            "Explain" => Self::Explain {
                package: given.package("package")?,
                policy: given.text("policy")?,
            },
            "History" => Self::History {
                count: given.count("count", MOST)?,
            },
            "Run" => Self::Run {
                run: given.run("run")?.ok_or_else(|| Parameters::wrong("run"))?,
            },
            "Quarantine" => Self::Quarantine,
            "RestorePoints" => Self::RestorePoints,
            "Feeds" => Self::Feeds,
            "Schedule" => Self::Schedule {
                name: given.text("name")?,
                from: given.time("from")?,
                count: given.count("count", MOST)?,
            },
            _ => return Ok(None),
        }))
    }
}

impl Action {
    /// Its name in the interface.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "Start",
            Self::Rehearse { .. } => "Rehearse",
            Self::RollBack { .. } => "RollBack",
            Self::Cancel => "Cancel",
            Self::Pause { .. } => "Pause",
            Self::Resume => "Resume",
            Self::KeepAway { .. } => "KeepAway",
            Self::LetIn { .. } => "LetIn",
            Self::UpdateFeeds => "UpdateFeeds",
            Self::TestNotification { .. } => "TestNotification",
            Self::Reload => "Reload",
            Self::Takeover { .. } => "Takeover",
        }
    }

    fn read(name: &str, given: &mut Parameters) -> Result<Option<Self>, ControlError> {
        Ok(Some(match name {
            "Start" => Self::Start {
                schedule: given.text("schedule")?,
                policy: given.text("policy")?,
                packages: given.packages("packages")?,
                now: given.flag("now")?,
                sudo_user: given.text("sudo_user")?,
            },
            "Rehearse" => Self::Rehearse {
                policy: given.text("policy")?,
                packages: given.packages("packages")?,
                sudo_user: given.text("sudo_user")?,
            },
            "RollBack" => Self::RollBack {
                run: given.run("run")?,
                sudo_user: given.text("sudo_user")?,
            },
            "Cancel" => Self::Cancel,
            "Pause" => Self::Pause {
                reason: given.text("reason")?,
            },
            "Resume" => Self::Resume,
            "KeepAway" => Self::KeepAway {
                package: given.package("package")?,
                version: given.version("version")?,
                reason: given.text("reason")?,
                sudo_user: given.text("sudo_user")?,
            },
            "LetIn" => Self::LetIn {
                package: given.package("package")?,
            },
            "UpdateFeeds" => Self::UpdateFeeds,
            "TestNotification" => Self::TestNotification {
                receiver: given
                    .text("receiver")?
                    .ok_or_else(|| Parameters::wrong("receiver"))?,
            },
            "Reload" => Self::Reload,
            "Takeover" => Self::Takeover {
                undo: given.flag("undo")?,
            },
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::service;
    use super::*;

    fn parse(method: &str, parameters: Value) -> Result<Call, ControlError> {
        let Value::Object(parameters) = parameters else {
            panic!("an object");
        };
        Call::parse(&format!("{INTERFACE}.{method}"), parameters)
    }

    fn refused(method: &str, parameters: Value) -> String {
        match parse(method, parameters) {
            Err(ControlError::InvalidParameter { parameter }) => parameter,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_parameter_that_is_wrong_is_refused_by_its_name() {
        let cases = [
            ("Status", json!({"verbose": true}), "verbose"),
            ("Check", json!({"policy": 5}), "policy"),
            ("Check", json!({"policy": ""}), "policy"),
            ("Explain", json!({}), "package"),
            ("Explain", json!({"package": "a;reboot"}), "package"),
            ("Explain", json!({"package": ["nginx"]}), "package"),
            ("History", json!({"count": "many"}), "count"),
            ("History", json!({"count": 0}), "count"),
            ("History", json!({"count": 1001}), "count"),
            ("History", json!({"count": -1}), "count"),
            ("Run", json!({}), "run"),
            ("Run", json!({"run": "../../etc"}), "run"),
            ("Schedule", json!({"from": "tomorrow"}), "from"),
            ("Start", json!({"packages": "nginx"}), "packages"),
            ("Start", json!({"packages": [""]}), "packages"),
            ("Start", json!({"now": "yes"}), "now"),
            ("Pause", json!({"reason": "x".repeat(2000)}), "reason"),
            ("Cancel", json!({"run": "x"}), "run"),
            ("KeepAway", json!({}), "package"),
            (
                "KeepAway",
                json!({"package": "nginx", "version": "1\nPin: x"}),
                "version",
            ),
            ("LetIn", json!({"package": "a b"}), "package"),
            ("TestNotification", json!({}), "receiver"),
        ];
        for (method, parameters, name) in cases {
            assert_eq!(
                refused(method, parameters.clone()),
                name,
                "{method} {parameters}"
            );
        }
    }

    #[test]
    fn null_is_the_same_as_nothing() {
        let none = parse("Check", json!({"policy": null})).expect("valid");
        assert_eq!(none, Call::Ask(Question::Check { policy: None }));
    }

    #[test]
    fn what_is_not_ours_is_told_apart() {
        let unknown = parse("Patch", json!({})).expect_err("no such method");
        assert!(
            matches!(unknown, ControlError::MethodNotFound { method } if method == "io.patchd.Control.Patch")
        );
        for method in ["io.patchd.Other.Status", "Status", ""] {
            let foreign = Call::parse(method, Map::new()).expect_err("another interface");
            assert!(
                matches!(foreign, ControlError::InterfaceNotFound { .. }),
                "{method}"
            );
        }
    }

    #[test]
    fn the_interface_file_defines_exactly_the_methods_that_are_understood() {
        let defined = service::CONTROL.lines().filter_map(|line| {
            let (name, _) = line.strip_prefix("method ")?.split_once('(')?;
            Some(name)
        });
        let understood = |name: &&str| {
            !matches!(
                parse(name, json!({})),
                Err(ControlError::MethodNotFound { .. })
            )
        };
        let defined: Vec<&str> = defined.collect();
        assert!(defined.iter().all(understood), "{defined:?}");
        assert_eq!(defined.len(), 22);
    }

    fn some_call() -> impl Strategy<Value = Call> {
        let text = || proptest::option::of("[a-z]{1,9}");
        let name =
            || "[a-z][a-z0-9+.-]{1,9}".prop_map(|it| PackageName::try_from(it).expect("valid"));
        let version = || {
            let some =
                "[0-9][a-z0-9.+~-]{0,9}".prop_map(|it| Version::try_from(it).expect("valid"));
            proptest::option::of(some)
        };
        let run =
            || any::<(u32, u64)>().prop_map(|(at, noise)| RunId::new(at.into(), noise.into()));
        let count = || proptest::option::of(1..=MOST);
        let from = || {
            proptest::option::of(
                (0..9_999_999_999i64).prop_map(|at| Timestamp::from_second(at).expect("in range")),
            )
        };
        prop_oneof![
            Just(Call::Ask(Question::Status)),
            text().prop_map(|policy| Call::Ask(Question::Check { policy })),
            (name(), text())
                .prop_map(|(package, policy)| Call::Ask(Question::Explain { package, policy })),
            count().prop_map(|count| Call::Ask(Question::History { count })),
            run().prop_map(|run| Call::Ask(Question::Run { run })),
            (text(), from(), count()).prop_map(|(name, from, count)| Call::Ask(
                Question::Schedule { name, from, count }
            )),
            proptest::option::of(run()).prop_map(|run| Call::Follow { run }),
            (
                text(),
                text(),
                proptest::collection::vec(name(), 0..4),
                any::<bool>(),
                text()
            )
                .prop_map(|(schedule, policy, packages, now, sudo_user)| Call::Act(
                    Action::Start {
                        schedule,
                        policy,
                        packages,
                        now,
                        sudo_user
                    }
                )),
            (text(), proptest::collection::vec(name(), 0..4), text()).prop_map(
                |(policy, packages, sudo_user)| Call::Act(Action::Rehearse {
                    policy,
                    packages,
                    sudo_user
                })
            ),
            Just(Call::Act(Action::Cancel)),
            text().prop_map(|reason| Call::Act(Action::Pause { reason })),
            Just(Call::Act(Action::Resume)),
            Just(Call::Ask(Question::Quarantine)),
            (name(), version(), text(), text()).prop_map(
                |(package, version, reason, sudo_user)| {
                    Call::Act(Action::KeepAway {
                        package,
                        version,
                        reason,
                        sudo_user,
                    })
                }
            ),
            name().prop_map(|package| Call::Act(Action::LetIn { package })),
            "[a-z]{1,9}".prop_map(|receiver| Call::Act(Action::TestNotification { receiver })),
            Just(Call::Act(Action::Reload)),
            any::<bool>().prop_map(|undo| Call::Act(Action::Takeover { undo })),
        ]
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_is_understood(call in some_call()) {
            let request = call.request();
            let heard = Call::parse(&request.method, request.parameters.expect("given"));
            prop_assert_eq!(heard.expect("understood"), call);
        }
    }
}

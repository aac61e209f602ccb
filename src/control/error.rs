//! The errors of the protocol: those of every Varlink service, and ours.

use serde::{Deserialize, Serialize};

use crate::model::{ExitCode, RunId};

/// Why a call is not answered. Serialised it is the reply itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", content = "parameters")]
pub enum ControlError {
    /// The order needs another socket or another caller.
    #[error("{sentence}")]
    #[serde(rename = "io.patchd.Control.NotPermitted")]
    NotPermitted {
        /// What was asked, and who may.
        sentence: String,
    },
    /// A run is at work.
    #[error(
        "a run is at work already; watch it with `patchd run --attach`, or end it before its next phase with `patchd cancel`"
    )]
    #[serde(rename = "io.patchd.Control.Busy")]
    Busy {
        /// Which, when it has its id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
    },
    /// No run of that id, or none at work.
    #[error("{}", no_such_run(.run.as_ref()))]
    #[serde(rename = "io.patchd.Control.NoSuchRun")]
    NoSuchRun {
        /// Which was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
    },
    /// It could not be done.
    #[error("{sentence}")]
    #[serde(rename = "io.patchd.Control.Failed")]
    Failed {
        /// What happened, to what, and what to do.
        sentence: String,
        /// What the command line exits with.
        exit_code: ExitCode,
    },
    /// We serve no such interface.
    #[error("patchd has no interface {interface:?}")]
    #[serde(rename = "org.varlink.service.InterfaceNotFound")]
    InterfaceNotFound {
        /// Its name.
        interface: String,
    },
    /// The interface has no such method.
    #[error("patchd has no method {method:?}; is the daemon older than this command? restart it")]
    #[serde(rename = "org.varlink.service.MethodNotFound")]
    MethodNotFound {
        /// Its full name.
        method: String,
    },
    /// Not in this way.
    #[error("the method {method:?} cannot be called in this way")]
    #[serde(rename = "org.varlink.service.MethodNotImplemented")]
    MethodNotImplemented {
        /// Its full name.
        method: String,
    },
    /// Missing, unknown, or not of its type.
    #[error("the parameter {parameter:?} is missing, unknown, or not what is expected")]
    #[serde(rename = "org.varlink.service.InvalidParameter")]
    InvalidParameter {
        /// Its name.
        parameter: String,
    },
    /// The method answers more than once.
    #[error("this call is answered more than once; call it with \"more\"")]
    #[serde(rename = "org.varlink.service.ExpectedMore")]
    ExpectedMore {},
}

impl ControlError {
    /// It could not be done.
    pub fn failed(sentence: impl Into<String>, exit_code: ExitCode) -> Self {
        Self::Failed {
            sentence: sentence.into(),
            exit_code,
        }
    }

    /// What the command line exits with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NotPermitted { .. } => ExitCode::NotPermitted,
            Self::Busy { .. } => ExitCode::Deferred,
            Self::NoSuchRun { .. } => ExitCode::Failed,
            Self::Failed { exit_code, .. } => *exit_code,
            Self::InvalidParameter { .. } => ExitCode::Usage,
            Self::InterfaceNotFound { .. }
            | Self::MethodNotFound { .. }
            | Self::MethodNotImplemented { .. }
            | Self::ExpectedMore {} => ExitCode::Failed,
        }
    }
}

fn no_such_run(run: Option<&RunId>) -> String {
    match run {
        Some(run) => format!("there is no run {run}; `patchd history` lists them"),
        None => "no run is at work; `patchd status` tells of the last one".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_on_the_wire_as_varlink_wants_them_and_come_back() {
        let cases = [
            (
                ControlError::failed("the disk is full", ExitCode::NeedsHuman),
                r#"{"error":"io.patchd.Control.Failed","parameters":{"sentence":"the disk is full","exit_code":7}}"#,
            ),
            (
                ControlError::Busy { run: None },
                r#"{"error":"io.patchd.Control.Busy","parameters":{}}"#,
            ),
            (
                ControlError::ExpectedMore {},
                r#"{"error":"org.varlink.service.ExpectedMore","parameters":{}}"#,
            ),
        ];
        for (error, wire) in cases {
            assert_eq!(serde_json::to_string(&error).expect("JSON"), wire);
            assert_eq!(
                serde_json::from_str::<ControlError>(wire).expect("read"),
                error
            );
        }
    }
}

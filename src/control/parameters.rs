//! The parameters of a call, taken out one by one.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::ControlError;
use crate::model::{PackageName, RunId, Version};

/// Names and reasons are not longer, characters.
const TEXT: usize = 1000;

/// What is left of the parameters of a call.
pub(super) struct Parameters(Map<String, Value>);

impl Parameters {
    pub fn new(given: Map<String, Value>) -> Self {
        Self(given)
    }

    /// The refusal of a parameter.
    pub fn wrong(name: &str) -> ControlError {
        ControlError::InvalidParameter {
            parameter: name.to_owned(),
        }
    }

    /// Some text, if given; empty text is a mistake.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ControlError> {
        self.take(name, |value| match value {
            Value::String(text) if !text.is_empty() && text.chars().count() <= TEXT => Some(text),
            _ => None,
        })
    }

    /// True or false; false when not given.
    pub fn flag(&mut self, name: &str) -> Result<bool, ControlError> {
        let flag = self.take(name, |value| value.as_bool())?;
        Ok(flag.unwrap_or(false))
    }

    /// From 1 to this many, if given.
    pub fn count(&mut self, name: &str, most: u32) -> Result<Option<u32>, ControlError> {
        self.take(name, |value| {
            let count = u32::try_from(value.as_u64()?).ok()?;
            (1..=most).contains(&count).then_some(count)
        })
    }

    /// A moment, if given.
    pub fn time(&mut self, name: &str) -> Result<Option<Timestamp>, ControlError> {
        self.take(name, |value| value.as_str()?.parse().ok())
    }

    /// A run's id, if given.
    pub fn run(&mut self, name: &str) -> Result<Option<RunId>, ControlError> {
        self.take(name, |value| match value {
            Value::String(id) => RunId::try_from(id).ok(),
            _ => None,
        })
    }

    /// A package's name, which must be given.
    pub fn package(&mut self, name: &str) -> Result<PackageName, ControlError> {
        self.take(name, package)?.ok_or_else(|| Self::wrong(name))
    }

    /// A package's version, if given.
    pub fn version(&mut self, name: &str) -> Result<Option<Version>, ControlError> {
        self.take(name, |value| match value {
            Value::String(text) => Version::try_from(text).ok(),
            _ => None,
        })
    }

    /// Packages' names; none when not given.
    pub fn packages(&mut self, name: &str) -> Result<Vec<PackageName>, ControlError> {
        let packages = self.take(name, |value| match value {
            Value::Array(names) => names.into_iter().map(package).collect(),
            _ => None,
        })?;
        Ok(packages.unwrap_or_default())
    }

    /// Nothing may be left: what we do not know we do not ignore.
    pub fn end(self) -> Result<(), ControlError> {
        match self.0.keys().next() {
            Some(unknown) => Err(Self::wrong(unknown)),
            None => Ok(()),
        }
    }

    fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, ControlError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| Self::wrong(name)),
        }
    }
}

fn package(value: Value) -> Option<PackageName> {
    match value {
        Value::String(name) => PackageName::try_from(name).ok(),
        _ => None,
    }
}

//! One record, as far as it matters.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::feeds::read::bounded::Bounded;

/// What is read of a record.
#[derive(Debug, Deserialize)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    pub withdrawn: Option<Cow<'a, str>>,
    pub published: Option<Cow<'a, str>>,
    pub summary: Option<Cow<'a, str>>,
    #[serde(default)]
    pub aliases: Bounded<String, 4096>,
    #[serde(default)]
    pub upstream: Bounded<String, 4096>,
    #[serde(default)]
    pub related: Bounded<String, 4096>,
    #[serde(default)]
    pub severity: Bounded<Rating, 64>,
    /// An [`Affected`] each, read one by one.
    #[serde(default, borrow)]
    pub affected: Bounded<&'a RawValue, 8192>,
}

/// By whom, and how it is rated.
#[derive(Debug, Deserialize)]
pub(super) struct Rating {
    #[serde(rename = "type")]
    pub by: Option<String>,
    pub score: Option<String>,
}

/// What it says of one package. The versions it lists, most of its bytes, are not read.
#[derive(Debug, Deserialize)]
pub(super) struct Affected<'a> {
    pub package: Option<Package>,
    #[serde(default)]
    pub ranges: Bounded<Range, 64>,
    #[serde(default, borrow)]
    pub ecosystem_specific: Option<Specific<'a>>,
}

/// Which package.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub ecosystem: String,
    pub name: String,
    pub purl: Option<String>,
}

/// Which versions.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub events: Bounded<Event, 256>,
}

/// Since when, or until when.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub introduced: Option<String>,
    pub fixed: Option<String>,
}

/// What only some distributions say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Specific<'a> {
    pub urgency: Option<String>,
    pub ubuntu_priority: Option<String>,
    /// Of each distribution in its own shape, and read of one alone.
    #[serde(default, borrow)]
    pub binaries: Option<&'a RawValue>,
}

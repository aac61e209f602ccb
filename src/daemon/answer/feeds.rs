//! What is known of vulnerabilities, and how current that is.

use super::{View, time, word};
use crate::control::ControlError;
use crate::control::document::{Feed, FeedIndex, FeedState, Feeds};
use crate::daemon::feeds::{Ways, library};
use crate::feeds::{Library, Standing};
use crate::os::clock;

pub(super) fn feeds<P>(view: &View<'_, P>) -> Result<Feeds, ControlError> {
    library(view.parts, Ways::OfThisMachine).map(|library| document(&library))
}

/// The document of these feeds.
#[must_use]
pub fn document(library: &Library) -> Feeds {
    let (index, index_fault) = match library.open() {
        Ok(index) => {
            let header = index.header();
            let index = FeedIndex {
                built_at: time(header.built_at),
                records: header.feeds.clone(),
            };
            (Some(index), None)
        }
        Err(fault) => (None, Some(fault.to_string())),
    };
    let standings = library.standings(clock::now());
    Feeds {
        schema: "patchd/feeds/1".to_owned(),
        index,
        index_fault,
        feeds: standings.into_iter().map(feed).collect(),
    }
}

/// In short, for whoever asks what is pending.
pub(super) fn states<P>(view: &View<'_, P>) -> Vec<FeedState> {
    let Ok(library) = library(view.parts, Ways::OfThisMachine) else {
        return Vec::new();
    };
    let short = |it: Standing| FeedState {
        name: it.format.name().to_owned(),
        age_seconds: it.age_seconds,
        state: it.freshness.word().to_owned(),
    };
    let standings = library.standings(clock::now());
    standings.into_iter().map(short).collect()
}

fn feed(standing: Standing) -> Feed {
    let Standing {
        format,
        freshness,
        age_seconds,
        state,
    } = standing;
    let content = age_seconds.and(state.content);
    let skipped = content.iter().flat_map(|it| &it.skipped);
    Feed {
        name: format.name().to_owned(),
        state: freshness.word().to_owned(),
        age_seconds,
        skipped: skipped
            .map(|(reason, count)| (word(reason), *count))
            .collect(),
        url: content.as_ref().and_then(|it| it.url.clone()),
        taken_at: content.as_ref().map(|it| time(it.taken_at)),
        records: content.map(|it| it.records),
        tried_at: state.tried_at.map(time),
        failure: state.failure,
    }
}

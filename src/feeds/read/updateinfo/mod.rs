//! `updateinfo.xml`: what an rpm repository says of its updates, event by event.

mod update;

use std::io::{BufRead, Read};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use update::Update;

use super::advisories::{Gathering, Kind};
use super::intake::Intake;
use super::tally::Tally;
use super::unreadable::{Unreadable, too_big};
use crate::feeds::Request;

/// The root element.
const ROOT: &str = "updates";

/// The deepest nesting that is followed; six levels are in use.
const DEEPEST: usize = 32;

/// Reads all of it. That there is no update is no fault: a repository may be new.
pub(super) fn read(
    text: impl Read,
    request: &Request,
    tally: &mut Tally,
) -> Result<Gathering, Unreadable> {
    let (intake, ration) = Intake::new(text);
    let mut xml = Reader::from_reader(intake);
    xml.config_mut().expand_empty_elements = true;
    let mut reading = Reading {
        request,
        gathering: Gathering::default(),
        tally,
        path: Vec::new(),
        update: None,
    };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        ration.renew();
        match xml.read_event_into(&mut buffer)? {
            Event::Start(element) => reading.opened(&element)?,
            Event::Text(text) => reading.text(&text.xml10_content()),
            Event::CData(text) => reading.text(&text.xml10_content()),
            Event::End(_) => {
                reading.closed();
                if reading.path.is_empty() {
                    return rest(xml.into_inner()).map(|()| reading.gathering);
                }
            }
            Event::Eof => {
                let sentence = format!("it ends before </{ROOT}>");
                return Err(Unreadable::CutShort(sentence));
            }
            _ => {}
        }
    }
}

/// What follows the root element is not ours, but the packing must be whole.
fn rest(mut intake: impl BufRead) -> Result<(), Unreadable> {
    std::io::copy(&mut intake, &mut std::io::sink())?;
    Ok(())
}

struct Reading<'a> {
    request: &'a Request,
    gathering: Gathering,
    tally: &'a mut Tally,
    /// The names of the elements that are open.
    path: Vec<String>,
    update: Option<Update>,
}

impl Reading<'_> {
    fn opened(&mut self, element: &BytesStart<'_>) -> Result<(), Unreadable> {
        let name = element.name().as_ref().to_owned();
        if self.path.is_empty() && name != ROOT {
            let sentence = format!("its root element is <{name:.40}>, not <{ROOT}>");
            return Err(Unreadable::Damaged(sentence));
        }
        if self.path.len() == DEEPEST {
            return Err(too_big("its elements are nested too deep").into());
        }
        self.path.push(name);
        let attribute = |name: &str| {
            let found = element.try_get_attribute(name).ok().flatten()?;
            let value = found.normalized_value(XmlVersion::Implicit1_0);
            Some(value.ok()?.into_owned())
        };
        match below(&self.path, 1).as_slice() {
            ["update"] => self.update = Some(Update::of(&attribute)),
            [_, place @ ..] => {
                if let Some(update) = &mut self.update {
                    update.element(place, &attribute, &self.request.architectures);
                }
            }
            [] => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(update) = &mut self.update {
            update.text(&below(&self.path, 2), text);
        }
    }

    fn closed(&mut self) {
        self.path.pop();
        if self.path.len() > 1 {
            return;
        }
        let Some(update) = self.update.take() else {
            return;
        };
        let said = update.said(self.tally);
        let Some(said) = self.tally.kept(said) else {
            return;
        };
        for (package, word) in &said.words {
            for cve in &said.cves {
                self.gathering.add(Kind::Record, package, word, *cve);
            }
        }
    }
}

/// Where we are, without the outermost elements.
fn below(path: &[String], outer: usize) -> Vec<&str> {
    path.iter().skip(outer).map(String::as_str).collect()
}

#[cfg(test)]
mod tests;

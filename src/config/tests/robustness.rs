//! No text and no bytes bring the reader down.

use proptest::prelude::*;

use super::super::layers::uncommented;
use super::super::source::Source;
use super::super::*;
use super::{MAIN, Machine};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_panics_and_every_refusal_can_be_told(text in "(?s).{0,200}") {
        let mut faults = Vec::new();
        let source = Source { path: "x".into(), text };
        File::parse(source, &mut faults);
        let faults = Faults::new(faults, vec!["x".into()]);
        prop_assert!(!faults.render(true).is_empty());
        prop_assert!(!faults.to_json().is_null());
    }

    #[test]
    fn nearly_sound_texts_do_not_panic(cut in 0..600_usize, put in "[\\[\\]{}=\"'a.#\n\r\té]{0,3}") {
        let text = uncommented(default_text());
        let cut = (0..=cut).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (before, after) = text.split_at(cut.min(text.len()));
        let mut faults = Vec::new();
        let source = Source { path: "x".into(), text: format!("{before}{put}{after}") };
        File::parse(source, &mut faults);
        let _ = Faults::new(faults, vec!["x".into()]).to_string();
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let machine = Machine::new(&[]);
        machine.write(MAIN, &bytes);
        let _ = machine.told();
    }
}

//! Lists of a record. What a text of some MiB is made into must not be some hundred.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, de};

/// A list that is a fault when it is longer than `MOST`.
#[derive(Debug)]
pub(super) struct Bounded<T, const MOST: usize>(pub Vec<T>);

impl<T, const MOST: usize> Default for Bounded<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Bounded<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_option(Items(PhantomData))
    }
}

struct Items<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Items<T, MOST> {
    type Value = Bounded<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST}")
    }

    /// `null` is a list too, of records made by programs in Go.
    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Bounded::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MOST {
                return Err(de::Error::invalid_length(MOST + 1, &self));
            }
            items.push(item);
        }
        Ok(Bounded(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_beyond_its_bound_is_a_fault() {
        let list = |text| serde_json::from_str::<Bounded<u8, 2>>(text).map(|it| it.0);
        assert_eq!(list("[1, 2]").expect("short"), [1, 2]);
        assert_eq!(list("null").expect("none"), []);
        assert!(list("[1, 2, 3]").is_err());
        assert!(list("7").is_err());
    }
}

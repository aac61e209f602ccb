//! No parser panics, whatever it is given: any text, any lines, and real
//! captures with bytes changed, cut out, doubled or inserted.

use patchd::os::network::{
    Protocol, parse_ipv6_route, parse_port_range, parse_resolv_conf, parse_route, parse_sockets,
};
use patchd::os::systemd::{parse_show, unit_of_cgroup};
use proptest::prelude::*;
use proptest::sample::Index;

/// Real captures that the mutations start from.
const CAPTURES: [&str; 9] = [
    include_str!("fixtures/systemd/12/show-before.txt"),
    include_str!("fixtures/systemd/13/show-before.txt"),
    include_str!("fixtures/systemd/cgroup-hybrid.txt"),
    include_str!("fixtures/network/tcp"),
    include_str!("fixtures/network/tcp6"),
    include_str!("fixtures/network/udp"),
    include_str!("fixtures/network/udp6"),
    include_str!("fixtures/network/route"),
    include_str!("fixtures/network/ipv6_route"),
];

/// Every parser gets every text: being given the wrong file is a mutation too.
fn parse_everything(text: &str) {
    let _ = parse_show(text);
    let _ = unit_of_cgroup(text);
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        let _ = parse_sockets(protocol, text);
    }
    let _ = parse_port_range(text);
    let _ = parse_route(text);
    let _ = parse_ipv6_route(text);
    let _ = parse_resolv_conf(text);
}

/// One change to a text's bytes.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Double(Index, Index),
    Truncate(Index),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |index: &Index| index.index(bytes.len() + 1);
        let range = |a: &Index, b: &Index| at(a).min(at(b))..at(a).max(at(b));
        match self {
            Self::Replace(index, byte) => {
                let at = at(index);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
            }
            Self::Insert(index, more) => {
                let at = at(index);
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Remove(a, b) => {
                bytes.drain(range(a, b));
            }
            Self::Double(a, b) => {
                let range = range(a, b);
                let again = bytes.get(range.clone()).unwrap_or_default().to_vec();
                bytes.splice(range.end..range.end, again);
            }
            Self::Truncate(index) => bytes.truncate(at(index)),
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (index(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, more)| Mutation::Insert(at, more)),
        (index(), index()).prop_map(|(a, b)| Mutation::Remove(a, b)),
        (index(), index()).prop_map(|(a, b)| Mutation::Double(a, b)),
        index().prop_map(Mutation::Truncate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        parse_everything(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_text(text in "(?s).{0,300}") {
        parse_everything(&text);
    }

    #[test]
    fn lines_of_words_that_occur(text in "([A-Z][a-zA-Z]{1,8}=|[0-9A-F]{8}|:|0A|07| |\t|\n|[a-zé.@/(]{1,4}){0,200}") {
        parse_everything(&text);
        parse_everything(&format!("heading\n{text}"));
    }

    #[test]
    fn real_captures_with_changes(
        capture in prop::sample::select(CAPTURES.to_vec()),
        mutations in prop::collection::vec(mutation(), 1..8),
    ) {
        let mut bytes = capture.as_bytes().to_vec();
        for mutation in &mutations {
            mutation.apply(&mut bytes);
        }
        parse_everything(&String::from_utf8_lossy(&bytes));
    }
}

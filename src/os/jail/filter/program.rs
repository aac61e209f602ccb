//! A tree of decisions, and its translation into the kernel's filter language.

use seccompiler::sock_filter;

/// Instructions: load a word, jump by a comparison, jump, answer.
const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_ANY_BIT: u16 = 0x45;
const JUMP: u16 = 0x05;
const ANSWER: u16 = 0x06;

/// What of a call is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    /// Of which architecture the program is.
    Architecture,
    /// Which call.
    Number,
    /// The lower half of an argument, counted from 0. What we compare are ints,
    /// whose upper half the kernel ignores.
    Argument(u8),
}

/// How it is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Test {
    /// It is this.
    Is(u32),
    /// It has at least one of these bits.
    Has(u32),
}

/// What becomes of a call.
#[derive(Debug, Clone)]
pub(super) enum Then {
    /// This.
    Answer(u32),
    /// What belongs to the first test that holds, else the answer at the end.
    Look(Field, Vec<(Test, Then)>, u32),
}

/// As the kernel wants it. Every path ends with an answer.
pub(super) fn compile(then: &Then) -> Vec<sock_filter> {
    let (field, cases, otherwise) = match then {
        Then::Answer(answer) => return vec![statement(ANSWER, *answer)],
        Then::Look(field, cases, otherwise) => (field, cases, otherwise),
    };
    let mut program = vec![statement(LOAD, field.offset())];
    for (test, then) in cases {
        let (code, value) = match test {
            Test::Is(value) => (IF_EQUAL, *value),
            Test::Has(bits) => (IF_ANY_BIT, *bits),
        };
        let inner = compile(then);
        let jump = |jt, jf| sock_filter {
            code,
            jt,
            jf,
            k: value,
        };
        if let Ok(length) = u8::try_from(inner.len()) {
            program.push(jump(0, length));
        } else {
            // A conditional jump reaches no farther than 255; an unconditional one does.
            program.push(jump(1, 0));
            let length = u32::try_from(inner.len()).unwrap_or(u32::MAX);
            program.push(statement(JUMP, length));
        }
        program.extend(inner);
    }
    program.push(statement(ANSWER, *otherwise));
    program
}

impl Field {
    /// In `struct seccomp_data`, of a machine with little ends first.
    fn offset(self) -> u32 {
        match self {
            Self::Number => 0,
            Self::Architecture => 4,
            Self::Argument(index) => 16 + 8 * u32::from(index),
        }
    }
}

fn statement(code: u16, k: u32) -> sock_filter {
    sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

/// What the kernel would answer.
#[cfg(test)]
pub(super) fn run(
    program: &[sock_filter],
    architecture: u32,
    number: u32,
    arguments: &[u32],
) -> u32 {
    let (mut at, mut loaded) = (0, 0);
    loop {
        let step = &program[at];
        at += 1;
        let taken = match step.code {
            LOAD => {
                loaded = match step.k {
                    0 => number,
                    4 => architecture,
                    offset => arguments[(offset as usize - 16) / 8],
                };
                continue;
            }
            ANSWER => return step.k,
            JUMP => {
                at += step.k as usize;
                continue;
            }
            IF_EQUAL => loaded == step.k,
            IF_ANY_BIT => loaded & step.k != 0,
            other => panic!("instruction {other}"),
        };
        at += usize::from(if taken { step.jt } else { step.jf });
    }
}

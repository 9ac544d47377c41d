//! What a comparison carries along: where it is, what it found, what is known of the two sides.
//!
//! Every format adds to it. Invariant: at most [`MOST`] differences are kept, and nesting ends at [`DEEPEST`], so
//! a hostile archive costs no more than its size.

use crate::cause::{Cause, Facts, cause_of};

/// As many differences as a person reads.
const MOST: usize = 200;

/// How deep archives are opened inside one another.
const DEEPEST: usize = 12;

/// As many bytes as all unpacked contents of one comparison may have.
const UNPACKED: usize = 4 << 30;

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The way to it: a path, then members of archives, sections, fields.
    pub place: Vec<String>,
    /// What differs there.
    pub what: String,
    /// How the first side has it, for people.
    pub first: String,
    /// How the second side has it.
    pub second: String,
    /// What likely made it differ.
    pub cause: Option<Cause>,
}

pub(crate) struct Context<'a> {
    pub(crate) facts: &'a Facts,
    place: Vec<String>,
    found: Vec<Difference>,
    more: usize,
    unpacked: usize,
}

impl<'a> Context<'a> {
    pub(crate) fn new(facts: &'a Facts) -> Self {
        Context {
            facts,
            place: Vec::new(),
            found: Vec::new(),
            more: 0,
            unpacked: 0,
        }
    }

    /// Does `work` one place further in.
    pub(crate) fn inside<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.place.push(name.to_owned());
        let result = work(self);
        self.place.pop();
        result
    }

    /// Whether what is here may be taken apart further.
    pub(crate) fn may_open(&self) -> bool {
        self.place.len() < DEEPEST
    }

    /// How many bytes may still be unpacked.
    pub(crate) fn budget(&self) -> usize {
        UNPACKED - self.unpacked
    }

    pub(crate) fn spend(&mut self, bytes: usize) {
        self.unpacked = (self.unpacked + bytes).min(UNPACKED);
    }

    /// How many differences there are so far.
    pub(crate) fn count(&self) -> usize {
        self.found.len() + self.more
    }

    /// Whether more differences would only be counted.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= MOST
    }

    /// Notes a difference here. Without a cause, the two texts are searched for one.
    pub(crate) fn note(
        &mut self,
        what: impl Into<String>,
        first: impl Into<String>,
        second: impl Into<String>,
        cause: Option<Cause>,
    ) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        let (first, second) = (first.into(), second.into());
        let cause = cause.or_else(|| cause_of(&first, &second, self.facts));
        self.found.push(Difference {
            place: self.place.clone(),
            what: what.into(),
            first,
            second,
            cause,
        });
    }

    pub(crate) fn finish(mut self) -> Vec<Difference> {
        if self.more > 0 {
            let what = format!("{} more differences", self.more);
            self.found.push(Difference {
                place: Vec::new(),
                what,
                first: String::new(),
                second: String::new(),
                cause: None,
            });
        }
        self.found
    }
}

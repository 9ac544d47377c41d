//! Static scopes: which runtime slot a name means. Used by lowering only.
//!
//! One `Frame` stands for one environment that the interpreter will push. Invariant: frames are pushed
//! and popped in the order in which the interpreter enters and leaves them.

use rustc_hash::FxHashMap;

use crate::symbol::Symbol;

enum Frame {
    /// Named slots. Slots without a name (sources of `inherit`) are not listed.
    Slots(FxHashMap<Symbol, u32>),
    /// One slot holding the namespace of a `with`.
    With,
}

/// What a name refers to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    Local {
        up: u32,
        slot: u32,
    },
    /// Not bound by a scope; the `with`s that may provide it, innermost first (possibly none).
    Free {
        withs: Box<[u32]>,
    },
}

#[derive(Default)]
pub(crate) struct Scopes {
    frames: Vec<Frame>,
}

impl Scopes {
    pub(crate) fn push_slots(&mut self, names: impl IntoIterator<Item = (Symbol, u32)>) {
        self.frames.push(Frame::Slots(names.into_iter().collect()));
    }

    pub(crate) fn push_with(&mut self) {
        self.frames.push(Frame::With);
    }

    pub(crate) fn pop(&mut self) {
        self.frames.pop().expect("push and pop are paired");
    }

    /// Resolves a name as if the `skip` innermost frames did not bind anything; used for `inherit x;` in a
    /// recursive set, whose value is evaluated inside the set but means the outer `x`.
    pub(crate) fn resolve(&self, name: Symbol, skip: usize) -> Resolved {
        let mut withs = Vec::new();
        for (up, frame) in (0u32..).zip(self.frames.iter().rev()) {
            if (up as usize) < skip {
                continue;
            }
            match frame {
                Frame::Slots(slots) => {
                    if let Some(&slot) = slots.get(&name) {
                        return Resolved::Local { up, slot };
                    }
                }
                Frame::With => withs.push(up),
            }
        }
        Resolved::Free {
            withs: withs.into(),
        }
    }

    /// All names in scope, for did-you-mean.
    pub(crate) fn names(&self) -> impl Iterator<Item = Symbol> + '_ {
        self.frames
            .iter()
            .filter_map(|frame| match frame {
                Frame::Slots(slots) => Some(slots.keys().copied()),
                Frame::With => None,
            })
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::Symbols;

    #[test]
    fn lexical_scopes_win_over_with_and_skip_hides_the_innermost() {
        let symbols = Symbols::default();
        let (x, y) = (symbols.intern("x"), symbols.intern("y"));
        let mut scopes = Scopes::default();
        scopes.push_slots([(x, 3)]);
        scopes.push_with();
        scopes.push_slots([(x, 0)]);
        assert_eq!(scopes.resolve(x, 0), Resolved::Local { up: 0, slot: 0 });
        assert_eq!(scopes.resolve(x, 1), Resolved::Local { up: 2, slot: 3 });
        assert_eq!(
            scopes.resolve(y, 0),
            Resolved::Free {
                withs: Box::new([1])
            }
        );
        scopes.pop();
        assert_eq!(scopes.resolve(x, 0), Resolved::Local { up: 1, slot: 3 });
    }
}

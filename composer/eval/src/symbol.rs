//! Interned names: variables, attributes and arguments are compared as `Symbol`, never as text.
//!
//! Owned by the `Evaluator`; lowering and builtins intern, the interpreter only compares.
//! Invariant: a symbol is never removed, so the text behind it stays valid as long as the evaluator.

use std::cell::RefCell;
use std::rc::Rc;

use elsa::FrozenIndexSet;
use rustc_hash::FxBuildHasher;

use crate::value::NixString;

/// An interned name. Ordering is by first use, not alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(u32);

/// The table behind [`Symbol`].
#[derive(Default)]
pub(crate) struct Symbols {
    names: FrozenIndexSet<Box<str>, FxBuildHasher>,
    /// The names as language strings, made on demand for `attrNames` and `mapAttrs`.
    strings: RefCell<Vec<Option<Rc<NixString>>>>,
}

impl Symbols {
    pub(crate) fn intern(&self, name: &str) -> Symbol {
        let index = match self.names.get_index_of(name) {
            Some(index) => index,
            None => self.names.insert_full(name.into()).0,
        };
        Symbol(u32::try_from(index).expect("fewer than 2^32 distinct names"))
    }

    /// Finds a name without adding it, so that lookups of unknown text cost no memory.
    pub(crate) fn lookup(&self, name: &str) -> Option<Symbol> {
        let index = self.names.get_index_of(name)?;
        Some(Symbol(
            u32::try_from(index).expect("fewer than 2^32 distinct names"),
        ))
    }

    pub(crate) fn name(&self, symbol: Symbol) -> &str {
        self.names
            .get_index(symbol.0 as usize)
            .expect("symbols come from this table")
    }

    /// The name as a shared language string.
    pub(crate) fn string(&self, symbol: Symbol) -> Rc<NixString> {
        let index = symbol.0 as usize;
        let mut strings = self.strings.borrow_mut();
        if strings.len() <= index {
            strings.resize(index + 1, None);
        }
        strings[index]
            .get_or_insert_with(|| Rc::new(NixString::from(self.name(symbol))))
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interning_is_stable_and_lookup_adds_nothing() {
        let symbols = Symbols::default();
        let a = symbols.intern("a");
        assert_eq!(symbols.lookup("b"), None);
        let b = symbols.intern("b");
        assert_ne!(a, b);
        assert_eq!(symbols.intern("a"), a);
        assert_eq!(symbols.name(b), "b");
        assert_eq!(symbols.string(b).as_str(), Some("b"));
    }
}

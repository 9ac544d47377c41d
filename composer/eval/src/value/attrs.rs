//! Attribute sets: vectors sorted by symbol, each attribute with the position of its definition.
//!
//! Built by the interpreter and the builtins, shared and never changed afterwards. Invariant: sorted by
//! symbol, no symbol twice.

use super::{Value, drop_deep};
use crate::source::Pos;
use crate::symbol::Symbol;

/// One attribute.
#[derive(Clone)]
pub struct Attr {
    /// Its name.
    pub name: Symbol,
    /// Where it was defined.
    pub pos: Pos,
    /// Its value, possibly unevaluated.
    pub value: Value,
}

/// The attributes of a set.
#[derive(Clone, Default)]
pub struct Attrs(Vec<Attr>);

impl Attrs {
    /// Sorts the attributes; of attributes with the same name the first one stays.
    pub fn from_unsorted(mut attrs: Vec<Attr>) -> Attrs {
        attrs.sort_by_key(|attr| attr.name);
        attrs.dedup_by_key(|attr| attr.name);
        Attrs(attrs)
    }

    /// For callers whose attributes are in order already.
    pub(crate) fn from_sorted(attrs: Vec<Attr>) -> Attrs {
        debug_assert!(attrs.is_sorted_by(|a, b| a.name < b.name));
        Attrs(attrs)
    }

    /// The attribute called `name`.
    #[inline]
    pub fn get(&self, name: Symbol) -> Option<&Attr> {
        // Most sets are tiny, and scanning a few words beats the mispredicted branches of a search.
        if self.0.len() <= 8 {
            return self.0.iter().find(|attr| attr.name == name);
        }
        let index = self.0.binary_search_by_key(&name, |attr| attr.name).ok()?;
        Some(&self.0[index])
    }

    /// All attributes, in an order that is stable within an evaluator but not alphabetical.
    pub fn iter(&self) -> std::slice::Iter<'_, Attr> {
        self.0.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `self // other`.
    pub(crate) fn update(&self, other: &Attrs) -> Attrs {
        let mut merged = Vec::with_capacity(self.len() + other.len());
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            match a.name.cmp(&b.name) {
                std::cmp::Ordering::Less => merged.extend(left.next().cloned()),
                std::cmp::Ordering::Greater => merged.extend(right.next().cloned()),
                std::cmp::Ordering::Equal => {
                    left.next();
                    merged.extend(right.next().cloned());
                }
            }
        }
        merged.extend(left.cloned());
        merged.extend(right.cloned());
        Attrs(merged)
    }
}

impl<'a> IntoIterator for &'a Attrs {
    type Item = &'a Attr;
    type IntoIter = std::slice::Iter<'a, Attr>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Drop for Attrs {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            drop_deep(std::mem::take(&mut self.0));
        }
    }
}

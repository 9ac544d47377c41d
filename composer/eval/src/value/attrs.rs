//! Attribute sets: vectors sorted by symbol, each attribute with the position of its definition.
//!
//! Built by the interpreter and the builtins, shared and never changed afterwards. A small update of a
//! large set is a layer over it, so that growing a set step by step does not copy it each time.
//! Invariant: a layer is sorted by symbol, no symbol twice, and layers get much larger from top to bottom.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::rc::Rc;

use super::Value;
use crate::source::Pos;
use crate::stack;
use crate::symbol::Symbol;

/// Sets with fewer attributes are copied when they are updated.
const MIN_LAYERED: usize = 16;

/// A lower layer has so many times the attributes of the one above.
const GROWTH: usize = 3;

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
#[derive(Default)]
pub struct Attrs {
    /// All attributes, or those of the top layer.
    top: Vec<Attr>,
    below: Option<Box<Below>>,
}

/// What a top layer hides in part.
struct Below {
    attrs: Rc<Attrs>,
    /// Distinct names in all layers.
    len: usize,
    /// All attributes in one vector, made when somebody wants to see them all.
    flat: OnceCell<Vec<Attr>>,
}

impl Attrs {
    /// Sorts the attributes; of attributes with the same name the first one stays.
    pub fn from_unsorted(mut attrs: Vec<Attr>) -> Attrs {
        // Builtins often have them in order already, and looking costs less than sorting.
        if !attrs.is_sorted_by(|a, b| a.name < b.name) {
            attrs.sort_by_key(|attr| attr.name);
            attrs.dedup_by_key(|attr| attr.name);
        }
        Attrs::from_sorted(attrs)
    }

    /// For callers whose attributes are in order already.
    pub(crate) fn from_sorted(attrs: Vec<Attr>) -> Attrs {
        debug_assert!(attrs.is_sorted_by(|a, b| a.name < b.name));
        Attrs {
            top: attrs,
            below: None,
        }
    }

    /// The attribute called `name`.
    #[inline]
    pub fn get(&self, name: Symbol) -> Option<&Attr> {
        match &self.below {
            None => find(&self.top, name),
            Some(below) => match below.flat.get() {
                Some(flat) => find(flat, name),
                None => find(&self.top, name).or_else(|| below.attrs.get(name)),
            },
        }
    }

    /// All attributes, in an order that is stable within an evaluator but not alphabetical.
    pub fn iter(&self) -> std::slice::Iter<'_, Attr> {
        self.as_slice().iter()
    }

    fn as_slice(&self) -> &[Attr] {
        match &self.below {
            None => &self.top,
            Some(below) => below
                .flat
                .get_or_init(|| merge(below.attrs.as_slice(), &self.top)),
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        match &self.below {
            None => self.top.len(),
            Some(below) => below.len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `left // right`.
    pub(crate) fn update(left: &Rc<Attrs>, right: &Attrs) -> Attrs {
        let right = right.as_slice();
        if left.len() < MIN_LAYERED || right.len() * GROWTH > left.len() {
            return Attrs::from_sorted(merge(left.as_slice(), right));
        }
        // Small layers become one with the new layer, so that there are few.
        let mut merged = None;
        let mut base = left;
        while let Some(below) = &base.below
            && below.flat.get().is_none()
        {
            let layer = merged.as_deref().unwrap_or(right);
            if base.top.len() > layer.len() * GROWTH {
                break;
            }
            merged = Some(merge(&base.top, layer));
            base = &below.attrs;
        }
        let top = merged.unwrap_or_else(|| right.to_vec());
        if top.len() * GROWTH > base.len() {
            return Attrs::from_sorted(merge(base.as_slice(), &top));
        }
        let new = top.iter().filter(|attr| base.get(attr.name).is_none());
        let below = Below {
            len: base.len() + new.count(),
            attrs: base.clone(),
            flat: OnceCell::new(),
        };
        Attrs {
            top,
            below: Some(Box::new(below)),
        }
    }
}

#[inline]
fn find(attrs: &[Attr], name: Symbol) -> Option<&Attr> {
    // Most sets are tiny, and scanning a few words beats the mispredicted branches of a search.
    if attrs.len() <= 8 {
        return attrs.iter().find(|attr| attr.name == name);
    }
    let index = attrs.binary_search_by_key(&name, |attr| attr.name).ok()?;
    Some(&attrs[index])
}

/// Both in order; of attributes with the same name the right one stays.
fn merge(left: &[Attr], right: &[Attr]) -> Vec<Attr> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while let (Some(a), Some(b)) = (left.get(i), right.get(j)) {
        match a.name.cmp(&b.name) {
            Ordering::Less => {
                merged.push(a.clone());
                i += 1;
                continue;
            }
            Ordering::Greater => {}
            Ordering::Equal => i += 1,
        }
        merged.push(b.clone());
        j += 1;
    }
    merged.extend_from_slice(&left[i..]);
    merged.extend_from_slice(&right[j..]);
    merged
}

impl<'a> IntoIterator for &'a Attrs {
    type Item = &'a Attr;
    type IntoIter = std::slice::Iter<'a, Attr>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Drop for Attrs {
    fn drop(&mut self) {
        if !stack::enough() {
            let contents = (std::mem::take(&mut self.top), self.below.take());
            stack::measured(|| drop(contents));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::Symbols;

    fn contents(attrs: &Attrs) -> Vec<(Symbol, i64)> {
        let int = |value: &Value| match value {
            Value::Int(i) => *i,
            other => panic!("{other:?}"),
        };
        attrs.iter().map(|a| (a.name, int(&a.value))).collect()
    }

    #[test]
    fn layered_updates_agree_with_a_map() {
        let symbols = Symbols::default();
        let names: Vec<Symbol> = (0..500).map(|i| symbols.intern(&i.to_string())).collect();
        let attr = |index: usize, value: i64| Attr {
            name: names[index],
            pos: Pos::NONE,
            value: Value::Int(value),
        };
        let mut expected = std::collections::BTreeMap::new();
        let mut attrs = Rc::new(Attrs::default());
        let mut kept = Vec::new();
        let mut layers = 0;
        for step in 0..3000 {
            // Sizes from 0 to 4 at scattered places, and now and then a large one.
            let count = if step % 500 == 499 { 90 } else { step % 5 };
            let right = (0..count).map(|i| attr((step * 31 + i * 7) % 500, step as i64));
            let right = Attrs::from_unsorted(right.collect());
            expected.extend(contents(&right));
            attrs = Rc::new(Attrs::update(&attrs, &right));
            assert_eq!(attrs.len(), expected.len());
            let probe = names[step * 13 % 500];
            let found = attrs
                .get(probe)
                .map(|attr| contents(&Attrs::from_sorted(vec![attr.clone()]))[0].1);
            assert_eq!(found, expected.get(&probe).copied());
            if step % 200 == 0 {
                kept.push((attrs.clone(), expected.clone()));
            }
            let mut depth = 0;
            let mut layer = &attrs;
            while let Some(below) = &layer.below {
                depth += 1;
                layer = &below.attrs;
            }
            layers = layers.max(depth);
        }
        assert!((2..10).contains(&layers), "{layers} layers");
        for (attrs, expected) in kept {
            assert_eq!(contents(&attrs), expected.into_iter().collect::<Vec<_>>());
        }
    }
}

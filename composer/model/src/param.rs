//! Parameters of builtin builders: the plain values that a recipe passes to them.
//!
//! Invariant: a parameter has one encoding, maps sorted by key, so it can enter an identity.

use std::collections::BTreeMap;

use crate::Encoder;

/// A plain value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Param {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A text.
    Str(String),
    /// An ordered list.
    List(Vec<Param>),
    /// Named values.
    Map(BTreeMap<String, Param>),
}

impl Param {
    pub(crate) fn encode(&self, e: &mut Encoder) {
        match self {
            Param::Bool(value) => {
                e.str("b").u64(u64::from(*value));
            }
            Param::Int(value) => {
                e.str("i").u64(*value as u64);
            }
            Param::Str(value) => {
                e.str("s").str(value);
            }
            Param::List(items) => {
                e.str("l").u64(items.len() as u64);
                for item in items {
                    item.encode(e);
                }
            }
            Param::Map(map) => {
                e.str("m").u64(map.len() as u64);
                for (key, value) in map {
                    e.str(key);
                    value.encode(e);
                }
            }
        }
    }
}

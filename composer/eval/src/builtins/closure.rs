//! `genericClosure`: everything that can be reached from a set of elements, each key once.
//!
//! Invariant: elements come in the order in which they are found. Keys of one type that can be hashed are;
//! others are kept sorted by the language's order, which fails for what has none.

use std::collections::VecDeque;
use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::{Result, Row, expect_function};
use crate::evaluator::Evaluator;
use crate::value::{NixString, Value};

pub(super) const ALL: &[Row] = &[(
    "genericClosure",
    1,
    "The closure of startSet under operator, each key once.",
    generic_closure,
)];

#[derive(Default)]
struct Keys {
    ints: FxHashSet<i64>,
    strings: FxHashSet<Box<[u8]>>,
    /// All keys, once there are two types or one that is not hashed.
    sorted: Vec<Value>,
}

impl Keys {
    /// Whether the key is new.
    fn insert(&mut self, ev: &Evaluator, key: &Value) -> Result<bool> {
        match key {
            Value::Int(key) if self.strings.is_empty() && self.sorted.is_empty() => {
                Ok(self.ints.insert(*key))
            }
            Value::String(key) if self.ints.is_empty() && self.sorted.is_empty() => {
                Ok(self.strings.insert(key.as_bytes().into()))
            }
            key => self.insert_sorted(ev, key),
        }
    }

    fn insert_sorted(&mut self, ev: &Evaluator, key: &Value) -> Result<bool> {
        if self.sorted.is_empty() {
            let mut ints: Vec<i64> = self.ints.drain().collect();
            ints.sort_unstable();
            self.sorted.extend(ints.into_iter().map(Value::Int));
            let mut strings: Vec<Box<[u8]>> = self.strings.drain().collect();
            strings.sort_unstable();
            let string = |text: Box<[u8]>| Rc::new(NixString::from_bytes(text.into_vec()));
            let strings = strings.into_iter().map(string);
            self.sorted.extend(strings.map(Value::String));
        }
        let (mut low, mut high) = (0, self.sorted.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if ev.less("<", &self.sorted[middle], key)? {
                low = middle + 1
            } else {
                high = middle
            }
        }
        if low < self.sorted.len() && !ev.less("<", key, &self.sorted[low])? {
            return Ok(false);
        }
        self.sorted.insert(low, key.clone());
        Ok(true)
    }
}

fn generic_closure(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let attrs = ev.expect_attrs(&args[0], "the argument of `genericClosure`")?;
    let get = |name: &str| {
        let name = ev.symbol(name);
        attrs.get(name).ok_or_else(|| ev.lacking(name, &attrs))
    };
    let start = ev.expect_list(&ev.force_attr(get("startSet")?)?, "`startSet`")?;
    if start.is_empty() {
        return Ok(Value::List(start));
    }
    let operator = ev.force_attr(get("operator")?)?;
    let operator = expect_function(ev, &operator, "`operator`")?;
    let mut operator = ev.calls(&operator);
    let key_name = ev.symbol("key");
    let mut queue: VecDeque<Value> = start.iter().cloned().collect();
    let mut keys = Keys::default();
    let mut closure = Vec::new();
    while let Some(item) = queue.pop_front() {
        let item = ev.force(&item)?;
        let attrs = ev.expect_attrs(&item, "an element of the closure")?;
        let key = attrs
            .get(key_name)
            .ok_or_else(|| ev.lacking(key_name, &attrs))?;
        let key = ev.force_attr(key)?;
        ev.spend(1)?;
        if !keys.insert(ev, &key)? {
            continue;
        }
        let more = operator.call([item.clone()])?;
        let more = ev.expect_list(&more, "the result of `operator`")?;
        ev.spend_elements(more.len())?;
        for item in more.iter() {
            queue.push_back(ev.force(item)?);
        }
        closure.push(item);
    }
    Ok(Value::list(closure))
}

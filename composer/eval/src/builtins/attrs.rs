//! Builtins on attribute sets.
//!
//! Invariant: values are never forced unless the function's result depends on them.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Result, Row, expect_function};
use crate::evaluator::Evaluator;
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::value::{Attr, Attrs, Value};

pub(super) const ALL: &[Row] = &[
    (
        "attrNames",
        1,
        "The names of a set's attributes, sorted.",
        attr_names,
    ),
    (
        "attrValues",
        1,
        "The values of a set's attributes, sorted by name.",
        attr_values,
    ),
    (
        "catAttrs",
        2,
        "The values of the named attribute in those sets of a list that have it.",
        cat_attrs,
    ),
    (
        "getAttr",
        2,
        "The attribute of a set with a computed name.",
        get_attr,
    ),
    (
        "groupBy",
        2,
        "Groups a list's elements by the name a function returns for each.",
        group_by,
    ),
    (
        "hasAttr",
        2,
        "Whether a set has an attribute with a computed name.",
        has_attr,
    ),
    (
        "intersectAttrs",
        2,
        "The attributes of the second set whose names are also in the first.",
        intersect,
    ),
    (
        "listToAttrs",
        1,
        "A set from a list of { name, value }; the first of equal names counts.",
        list_to_attrs,
    ),
    (
        "mapAttrs",
        2,
        "Applies a function to the name and value of each attribute.",
        map_attrs,
    ),
    (
        "removeAttrs",
        2,
        "A set without the attributes named in a list.",
        remove_attrs,
    ),
    (
        "unsafeGetAttrPos",
        2,
        "Where an attribute was defined: { file, line, column }, or null.",
        attr_pos,
    ),
    (
        "zipAttrsWith",
        2,
        "Merges a list of sets; a function gets each name and the list of its values.",
        zip_attrs_with,
    ),
];

fn attr_names(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let attrs = ev.expect_attrs(&args[0], "the argument of `attrNames`")?;
    ev.spend_elements(attrs.len())?;
    let sorted = ev.sorted(&attrs);
    let names = sorted
        .into_iter()
        .map(|(_, attr)| Value::String(ev.symbols.string(attr.name)));
    Ok(Value::list(names.collect::<Vec<_>>()))
}

fn attr_values(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let attrs = ev.expect_attrs(&args[0], "the argument of `attrValues`")?;
    ev.spend_elements(attrs.len())?;
    let values = ev
        .sorted(&attrs)
        .into_iter()
        .map(|(_, attr)| attr.value.clone());
    Ok(Value::list(values.collect::<Vec<_>>()))
}

fn name_of(ev: &Evaluator, value: &Value) -> Result<Symbol> {
    ev.text_symbol(&*ev.expect_plain_string(value, "an attribute name")?)
}

fn cat_attrs(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let name = name_of(ev, &args[0])?;
    let list = ev.expect_list(&args[1], "the second argument of `catAttrs`")?;
    let mut values = Vec::new();
    for item in list.iter() {
        let attrs = ev.expect_attrs(item, "an element of the list given to `catAttrs`")?;
        values.extend(attrs.get(name).map(|attr| attr.value.clone()));
    }
    Ok(Value::list(values))
}

fn get_attr(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let name = name_of(ev, &args[0])?;
    let attrs = ev.expect_attrs(&args[1], "the second argument of `getAttr`")?;
    match attrs.get(name) {
        Some(attr) => ev.force_attr(attr),
        None => Err(ev.missing(name, &attrs)),
    }
}

fn has_attr(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let name = name_of(ev, &args[0])?;
    let attrs = ev.expect_attrs(&args[1], "the second argument of `hasAttr`")?;
    Ok(Value::Bool(attrs.get(name).is_some()))
}

fn attr_pos(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let name = name_of(ev, &args[0])?;
    let attrs = ev.expect_attrs(&args[1], "the second argument of `unsafeGetAttrPos`")?;
    Ok(attrs
        .get(name)
        .map_or(Value::Null, |attr| ev.position(attr.pos)))
}

fn group_by(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    expect_function(ev, &args[0], "the first argument of `groupBy`")?;
    let list = ev.expect_list(&args[1], "the second argument of `groupBy`")?;
    let mut groups: FxHashMap<Symbol, Vec<Value>> = FxHashMap::default();
    let mut function = ev.calls(&args[0]);
    for item in list.iter() {
        let name = function.call([item.clone()])?;
        let name = ev.expect_plain_string(
            &name,
            "the name that the function given to `groupBy` returns",
        )?;
        groups
            .entry(ev.text_symbol(&name)?)
            .or_default()
            .push(item.clone());
    }
    let attrs = groups
        .into_iter()
        .map(|(name, items)| attr(name, Value::list(items)));
    Ok(Value::attrs(Attrs::from_unsorted(attrs.collect())))
}

fn attr(name: Symbol, value: Value) -> Attr {
    Attr {
        name,
        pos: Pos::NONE,
        value,
    }
}

fn intersect(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let names = ev.expect_attrs(&args[0], "the first argument of `intersectAttrs`")?;
    let attrs = ev.expect_attrs(&args[1], "the second argument of `intersectAttrs`")?;
    ev.spend_elements(names.len().min(attrs.len()))?;
    let kept: Vec<Attr> = if names.len() < attrs.len() {
        names
            .iter()
            .filter_map(|name| attrs.get(name.name))
            .cloned()
            .collect()
    } else {
        attrs
            .iter()
            .filter(|attr| names.get(attr.name).is_some())
            .cloned()
            .collect()
    };
    Ok(Value::attrs(Attrs::from_sorted(kept)))
}

fn list_to_attrs(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let list = ev.expect_list(&args[0], "the argument of `listToAttrs`")?;
    let mut attrs = Vec::with_capacity(list.len());
    let mut seen = FxHashSet::default();
    for item in list.iter() {
        let pair = ev.expect_attrs(item, "an element of the list given to `listToAttrs`")?;
        let get = |name| pair.get(name).ok_or_else(|| ev.lacking(name, &pair));
        let name_attr = get(ev.names.name)?;
        let name = ev.expect_plain_string(&ev.force_attr(name_attr)?, "an attribute name")?;
        let name = ev.text_symbol(&name)?;
        if seen.insert(name) {
            let value = get(ev.names.value)?;
            attrs.push(Attr {
                name,
                pos: value.pos,
                value: value.value.clone(),
            });
        }
    }
    Ok(Value::attrs(Attrs::from_unsorted(attrs)))
}

fn map_attrs(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let attrs = ev.expect_attrs(&args[1], "the second argument of `mapAttrs`")?;
    ev.spend_elements(attrs.len())?;
    let mut function = ev.calls(&args[0]);
    let mapped = attrs.iter().map(|attr| {
        let name = Value::String(ev.symbols.string(attr.name));
        let value = function.later([name, attr.value.clone()]);
        Attr {
            name: attr.name,
            pos: attr.pos,
            value,
        }
    });
    Ok(Value::attrs(Attrs::from_sorted(mapped.collect())))
}

fn remove_attrs(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let attrs = ev.expect_attrs(&args[0], "the first argument of `removeAttrs`")?;
    let names = ev.expect_list(&args[1], "the second argument of `removeAttrs`")?;
    let mut removed = FxHashSet::default();
    for name in names.iter() {
        removed.insert(name_of(ev, name)?);
    }
    ev.spend_elements(attrs.len())?;
    let kept = attrs
        .iter()
        .filter(|attr| !removed.contains(&attr.name))
        .cloned();
    Ok(Value::attrs(Attrs::from_sorted(kept.collect())))
}

fn zip_attrs_with(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    expect_function(ev, &args[0], "the first argument of `zipAttrsWith`")?;
    let list = ev.expect_list(&args[1], "the second argument of `zipAttrsWith`")?;
    let mut merged: FxHashMap<Symbol, Vec<Value>> = FxHashMap::default();
    for item in list.iter() {
        let attrs = ev.expect_attrs(item, "an element of the list given to `zipAttrsWith`")?;
        ev.spend_elements(attrs.len())?;
        for attr in attrs.iter() {
            merged
                .entry(attr.name)
                .or_default()
                .push(attr.value.clone());
        }
    }
    let mut function = ev.calls(&args[0]);
    let attrs = merged.into_iter().map(|(name, values)| {
        let text = Value::String(ev.symbols.string(name));
        attr(name, function.later([text, Value::list(values)]))
    });
    Ok(Value::attrs(Attrs::from_unsorted(attrs.collect())))
}

//! Builtins on lists.
//!
//! Invariant: elements are forced only where the result depends on them; `map` and `genList` are lazy.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Result, Row, expect_function, invalid};
use crate::evaluator::Evaluator;
use crate::interp::Calls;
use crate::value::{List, Value};

pub(super) const ALL: &[Row] = &[
    (
        "all",
        2,
        "Whether a predicate holds for all elements of a list.",
        all,
    ),
    (
        "any",
        2,
        "Whether a predicate holds for an element of a list.",
        any,
    ),
    ("concatLists", 1, "Joins a list of lists.", concat_lists),
    (
        "concatMap",
        2,
        "Maps a function that returns lists and joins the results.",
        concat_map,
    ),
    (
        "elem",
        2,
        "Whether a value is equal to an element of a list.",
        elem,
    ),
    ("elemAt", 2, "The element at an index, from 0.", elem_at),
    (
        "filter",
        2,
        "The elements of a list for which a predicate holds.",
        filter,
    ),
    (
        "foldl'",
        3,
        "Folds a list from the left, evaluating every step.",
        foldl,
    ),
    (
        "genList",
        2,
        "A list of the given length; a function makes the element of each index.",
        gen_list,
    ),
    ("head", 1, "The first element of a list.", head),
    ("length", 1, "The length of a list.", length),
    (
        "map",
        2,
        "Applies a function to each element of a list.",
        map,
    ),
    (
        "partition",
        2,
        "Splits a list by a predicate into { right, wrong }.",
        partition,
    ),
    (
        "sort",
        2,
        "Sorts a list, stably, by a function that says whether its first argument is less.",
        sort,
    ),
    ("tail", 1, "A list without its first element.", tail),
];

fn list(ev: &Evaluator, value: &Value, builtin: &str) -> Result<Rc<List>> {
    match ev.force(value)? {
        Value::List(list) => Ok(list),
        other => Err(ev.type_error("a list", &other, &format!("the argument of `{builtin}`"))),
    }
}

fn holds(ev: &Evaluator, predicate: &mut Calls<'_, 1>, item: &Value) -> Result<bool> {
    match predicate.call([item.clone()])? {
        Value::Bool(holds) => Ok(holds),
        other => ev.expect_bool(&other, "the result of the predicate"),
    }
}

fn all(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    expect_function(ev, &args[0], "the first argument of `all`")?;
    let mut predicate = ev.calls(&args[0]);
    for item in list(ev, &args[1], "all")?.iter() {
        if !holds(ev, &mut predicate, item)? {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

fn any(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    expect_function(ev, &args[0], "the first argument of `any`")?;
    let mut predicate = ev.calls(&args[0]);
    for item in list(ev, &args[1], "any")?.iter() {
        if holds(ev, &mut predicate, item)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn concat_lists(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let mut joined = Vec::new();
    for item in list(ev, &args[0], "concatLists")?.iter() {
        let part = list(ev, item, "concatLists")?;
        ev.spend_elements(part.len())?;
        joined.extend_from_slice(&part);
    }
    Ok(Value::list(joined))
}

fn concat_map(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    expect_function(ev, &args[0], "the first argument of `concatMap`")?;
    let mut joined = Vec::new();
    let mut function = ev.calls(&args[0]);
    for item in list(ev, &args[1], "concatMap")?.iter() {
        let result = function.call([item.clone()])?;
        let what = "the result of the function given to `concatMap`";
        let part = ev.expect_list(&result, what)?;
        ev.spend_elements(part.len())?;
        joined.extend_from_slice(&part);
    }
    Ok(Value::list(joined))
}

fn elem(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    for item in list(ev, &args[1], "elem")?.iter() {
        ev.spend(1)?;
        if ev.equal(&args[0], item)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn elem_at(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let list = list(ev, &args[0], "elemAt")?;
    let index = ev.expect_int(&args[1], "the index given to `elemAt`")?;
    let element = usize::try_from(index)
        .ok()
        .and_then(|index| list.get(index));
    match element {
        Some(element) => ev.force(element),
        None => Err(invalid(format!(
            "index {index} is out of bounds for a list of {} elements",
            list.len()
        ))),
    }
}

fn filter(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let list = list(ev, &args[1], "filter")?;
    if list.is_empty() {
        return Ok(Value::List(list));
    }
    expect_function(ev, &args[0], "the first argument of `filter`")?;
    let mut predicate = ev.calls(&args[0]);
    let mut kept = Vec::new();
    for item in list.iter() {
        if holds(ev, &mut predicate, item)? {
            kept.push(item.clone());
        }
    }
    if kept.len() == list.len() {
        Ok(Value::List(list))
    } else {
        Ok(Value::list(kept))
    }
}

fn foldl(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let function = expect_function(ev, &args[0], "the first argument of `foldl'`")?;
    let list = list(ev, &args[2], "foldl'")?;
    let mut function = ev.calls(&function);
    let mut accumulator = args[1].clone();
    for item in list.iter() {
        accumulator = function.call([accumulator, item.clone()])?;
    }
    ev.force(&accumulator)
}

fn gen_list(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let length = ev.expect_int(&args[1], "the length given to `genList`")?;
    let Ok(count) = usize::try_from(length) else {
        return Err(invalid(format!("a list can't have {length} elements")));
    };
    ev.spend_elements(count)?;
    let function = expect_function(ev, &args[0], "the first argument of `genList`")?;
    let mut function = ev.calls(&function);
    let items = (0..length).map(|index| function.later([Value::Int(index)]));
    Ok(Value::list(items.collect::<Vec<_>>()))
}

fn head(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    match list(ev, &args[0], "head")?.first() {
        Some(first) => ev.force(first),
        None => Err(invalid("an empty list has no first element")),
    }
}

fn length(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let length = list(ev, &args[0], "length")?.len();
    Ok(Value::Int(
        i64::try_from(length).expect("lists are shorter than 2^63"),
    ))
}

fn map(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let list = list(ev, &args[1], "map")?;
    ev.spend_elements(list.len())?;
    if list.is_empty() {
        return Ok(Value::List(list));
    }
    let function = expect_function(ev, &args[0], "the first argument of `map`")?;
    let mut function = ev.calls(&function);
    let items = list.iter().map(|item| function.later([item.clone()]));
    Ok(Value::list(items.collect::<Vec<_>>()))
}

fn partition(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    expect_function(ev, &args[0], "the first argument of `partition`")?;
    let mut predicate = ev.calls(&args[0]);
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for item in list(ev, &args[1], "partition")?.iter() {
        ev.force(item)?;
        let side = if holds(ev, &mut predicate, item)? {
            &mut right
        } else {
            &mut wrong
        };
        side.push(item.clone());
    }
    Ok(ev.make_attrs([("right", Value::list(right)), ("wrong", Value::list(wrong))]))
}

fn sort(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let list = list(ev, &args[1], "sort")?;
    if list.is_empty() {
        return Ok(Value::List(list));
    }
    let function = expect_function(ev, &args[0], "the first argument of `sort`")?;
    let items: Result<Vec<_>> = list.iter().map(|item| ev.force(item)).collect();
    let mut items = items?;
    // `lessThan` itself needs no call.
    if matches!(&function, Value::Builtin(call) if &*call.builtin.name == "lessThan") {
        if !sort_simple(ev, &mut items)? {
            merge_sort(&mut items, &mut |a, b| {
                ev.spend(1)?;
                ev.less("<", a, b)
            })?;
        }
        return Ok(Value::list(items));
    }
    let mut function = ev.calls(&function);
    merge_sort(
        &mut items,
        &mut |a, b| match function.call([a.clone(), b.clone()])? {
            Value::Bool(less) => Ok(less),
            other => ev.expect_bool(&other, "the result of the function given to `sort`"),
        },
    )?;
    Ok(Value::list(items))
}

/// Sorts integers and strings, whose order is total and can't fail; anything else stays as it is.
fn sort_simple(ev: &Evaluator, items: &mut [Value]) -> Result<bool> {
    let integers = items.iter().all(|item| matches!(item, Value::Int(_)));
    if !integers && !items.iter().all(|item| matches!(item, Value::String(_))) {
        return Ok(false);
    }
    ev.spend(items.len() as u64)?;
    items.sort_by(|a, b| match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => Ordering::Equal,
    });
    Ok(true)
}

/// Runs that are sorted by insertion before they are merged.
const RUN: usize = 6;

/// A stable merge sort, because the comparison can fail and need not be an order: the standard library's
/// sort may panic on an inconsistent one.
fn merge_sort(
    items: &mut Vec<Value>,
    less: &mut impl FnMut(&Value, &Value) -> Result<bool>,
) -> Result<()> {
    for run in items.chunks_mut(RUN) {
        for end in 1..run.len() {
            let mut at = end;
            while at > 0 && less(&run[at], &run[at - 1])? {
                run.swap(at, at - 1);
                at -= 1;
            }
        }
    }
    let mut width = RUN;
    let mut merged = Vec::with_capacity(items.len());
    while width < items.len() {
        for pair in items.chunks_mut(2 * width) {
            let (left, right) = pair.split_at_mut(width.min(pair.len()));
            let (mut i, mut j) = (0, 0);
            while i < left.len() && j < right.len() {
                let next = if less(&right[j], &left[i])? {
                    j += 1;
                    &mut right[j - 1]
                } else {
                    i += 1;
                    &mut left[i - 1]
                };
                merged.push(std::mem::replace(next, Value::Null));
            }
            let rest = left[i..].iter_mut().chain(&mut right[j..]);
            merged.extend(rest.map(|item| std::mem::replace(item, Value::Null)));
        }
        std::mem::swap(items, &mut merged);
        merged.clear();
        width *= 2;
    }
    Ok(())
}

fn tail(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    match list(ev, &args[0], "tail")?.split_first() {
        Some((_, rest)) => {
            ev.spend_elements(rest.len())?;
            Ok(Value::list(rest))
        }
        None => Err(invalid("an empty list has no tail")),
    }
}

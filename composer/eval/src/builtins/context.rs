//! Contexts of strings: what else has to be there for a string to mean something.
//!
//! Items are written as Nix writes them: `PATH` for a thing in the store, `!OUTPUT!PATH` for an output of a
//! derivation, `=PATH` for a derivation with everything it needs. Invariant: only functions called
//! `unsafe...` make a context smaller.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Result, Row, invalid};
use crate::evaluator::Evaluator;
use crate::interp::Coercion;
use crate::value::{Context, NixString, Value};

pub(super) const ALL: &[Row] = &[
    (
        "addDrvOutputDependencies",
        1,
        "A string whose context is one derivation, which now stands for all it needs.",
        add_drv_output_dependencies,
    ),
    (
        "appendContext",
        2,
        "A string with a context as `getContext` gives it added to its own.",
        append_context,
    ),
    (
        "getContext",
        1,
        "A string's context: a set from paths to { path, allOutputs, outputs }.",
        get_context,
    ),
    (
        "hasContext",
        1,
        "Whether a string has a context.",
        has_context,
    ),
    (
        "unsafeDiscardOutputDependency",
        1,
        "A string whose derivations no longer stand for all they need.",
        discard_output_dependency,
    ),
    (
        "unsafeDiscardStringContext",
        1,
        "A string without its context.",
        discard_context,
    ),
];

enum Item<'a> {
    Opaque(&'a str),
    Deep(&'a str),
    Output { path: &'a str, output: &'a str },
}

impl Item<'_> {
    fn parse(text: &str) -> Item<'_> {
        if let Some(path) = text.strip_prefix('=') {
            return Item::Deep(path);
        }
        let output = text.strip_prefix('!').and_then(|rest| rest.split_once('!'));
        match output {
            Some((output, path)) => Item::Output { path, output },
            None => Item::Opaque(text),
        }
    }
}

impl Evaluator {
    /// The value as a string without context, for what is used as a name: a name refers to nothing.
    pub(crate) fn expect_plain_string(&self, value: &Value, what: &str) -> Result<Rc<NixString>> {
        let text = self.expect_string(value, what)?;
        if text.context().is_none() {
            return Ok(text);
        }
        let item = items(&text).next().map_or("", |item| item);
        let shown = text.to_string_lossy();
        Err(invalid(format!(
            "{what} can't refer to anything, but `{shown}` refers to {item}"
        )))
    }
}

fn items(text: &NixString) -> impl Iterator<Item = &Rc<str>> {
    text.context().into_iter().flat_map(|items| items.iter())
}

fn with_items(text: &NixString, items: impl IntoIterator<Item = Rc<str>>) -> Value {
    Value::string(text.clone().with_context(items.into_iter().collect()))
}

fn has_context(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.expect_string(&args[0], "the argument of `hasContext`")?;
    Ok(Value::Bool(text.context().is_some()))
}

#[derive(Default)]
struct Info<'a> {
    path: bool,
    all_outputs: bool,
    outputs: Vec<&'a str>,
}

fn get_context(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.expect_string(&args[0], "the argument of `getContext`")?;
    let mut infos: BTreeMap<&str, Info<'_>> = BTreeMap::new();
    for item in items(&text) {
        match Item::parse(item) {
            Item::Opaque(path) => infos.entry(path).or_default().path = true,
            Item::Deep(path) => infos.entry(path).or_default().all_outputs = true,
            Item::Output { path, output } => infos.entry(path).or_default().outputs.push(output),
        }
    }
    let value = |info: &Info<'_>| {
        let mut attrs = Vec::new();
        if info.path {
            attrs.push(("path", Value::Bool(true)));
        }
        if info.all_outputs {
            attrs.push(("allOutputs", Value::Bool(true)));
        }
        if !info.outputs.is_empty() {
            let outputs: Vec<Value> = info.outputs.iter().map(|name| Value::from(*name)).collect();
            attrs.push(("outputs", Value::list(outputs)));
        }
        ev.make_attrs(attrs)
    };
    Ok(ev.make_attrs(infos.iter().map(|(path, info)| (*path, value(info)))))
}

fn is_derivation(path: &str) -> bool {
    path.ends_with(".drv")
}

fn append_context(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.expect_string(&args[0], "the first argument of `appendContext`")?;
    let added = ev.expect_attrs(&args[1], "the second argument of `appendContext`")?;
    let mut context: Context = items(&text).cloned().collect();
    for (path, attr) in ev.sorted(&added) {
        if !path.starts_with('/') || path.contains('!') {
            return Err(invalid(format!(
                "a context can't refer to `{path}`, which is no path"
            )));
        }
        let info = ev.expect_attrs(&ev.force_attr(attr)?, "the context of a path")?;
        let get = |name: &str| match info.get(ev.symbol(name)) {
            Some(attr) => ev.force_attr(attr).map(Some),
            None => Ok(None),
        };
        let flag = |name: &str| match get(name)? {
            Some(value) => ev.expect_bool(&value, &format!("`{name}` of a context")),
            None => Ok(false),
        };
        let outputs = match get("outputs")? {
            Some(outputs) => ev.expect_list(&outputs, "`outputs` of a context")?.to_vec(),
            None => Vec::new(),
        };
        if flag("path")? {
            context.insert(path.into());
        }
        let all_outputs = flag("allOutputs")?;
        if (all_outputs || !outputs.is_empty()) && !is_derivation(path) {
            return Err(invalid(format!(
                "`{path}` is no derivation and has no outputs"
            )));
        }
        if all_outputs {
            context.insert(format!("={path}").into());
        }
        for output in &outputs {
            let output = ev.expect_string(output, "an output of a context")?;
            let output = ev.utf8(&output, "an output of a context")?;
            context.insert(format!("!{output}!{path}").into());
        }
    }
    Ok(with_items(&text, context))
}

fn add_drv_output_dependencies(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.coerced(&args[0], Coercion::Interpolation)?;
    let context: Vec<&Rc<str>> = items(&text).collect();
    let [item] = &context[..] else {
        return Err(invalid(format!(
            "`addDrvOutputDependencies` needs a string with one item of context, not {}",
            context.len()
        )));
    };
    let deep = match Item::parse(item) {
        Item::Deep(path) => path,
        Item::Opaque(path) if is_derivation(path) => path,
        Item::Opaque(path) => return Err(invalid(format!("`{path}` is not a derivation"))),
        Item::Output { output, .. } => {
            return Err(invalid(format!(
                "`addDrvOutputDependencies` needs a derivation, not its output `{output}`"
            )));
        }
    };
    Ok(with_items(&text, [format!("={deep}").into()]))
}

fn discard_output_dependency(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.coerced(&args[0], Coercion::Interpolation)?;
    let shallow = items(&text).map(|item| match Item::parse(item) {
        Item::Deep(path) => path.into(),
        _ => item.clone(),
    });
    Ok(with_items(&text, shallow.collect::<Vec<_>>()))
}

fn discard_context(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.coerced(&args[0], Coercion::Interpolation)?;
    if text.context().is_none() {
        return Ok(Value::String(text));
    }
    Ok(with_items(&text, []))
}

//! Values for people: a tree with limits, failures in their place, derivations by name.
//!
//! Behind `Evaluator::print`. Invariant: it evaluates nothing unless the options say so, and then ends
//! where calls have to end.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::{Peek, PrintOptions, REPEATED, RUNNING, list_key, lossy, peek, scalar, text};
use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::stack;
use crate::value::{Attr, Attrs, List, Value};

impl Evaluator {
    /// The value for people. Only the failure of the outermost evaluation, or of one that has no end, is an
    /// error.
    pub fn print(&self, value: &Value, options: &PrintOptions) -> Result<String, EvalError> {
        let mut printer = Printer {
            evaluator: self,
            options,
            out: Vec::new(),
            seen: FxHashSet::default(),
            attrs: 0,
            items: 0,
        };
        printer.value(value, 0)?;
        Ok(lossy(printer.out))
    }

    /// A function as the pretty form and messages call it.
    fn describe_function(&self, value: &Value) -> String {
        match value {
            Value::Lambda(id, _) => {
                let at = self.location(self.arena.function(*id).span);
                match self.lambda(*id).name {
                    Some(name) => format!("«lambda {} @ {at}»", self.name(name)),
                    None => format!("«lambda @ {at}»"),
                }
            }
            Value::Builtin(call) if call.args.is_empty() => {
                format!("«primop {}»", call.builtin.name)
            }
            Value::Builtin(call) => format!("«partially applied primop {}»", call.builtin.name),
            other => format!("«{}»", other.type_name()),
        }
    }
}

struct Printer<'a> {
    evaluator: &'a Evaluator,
    options: &'a PrintOptions,
    out: Vec<u8>,
    /// Sets and lists printed so far: each is printed once.
    seen: FxHashSet<usize>,
    attrs: usize,
    items: usize,
}

impl Printer<'_> {
    fn value(&mut self, held: &Value, depth: usize) -> Result<(), EvalError> {
        let start = self.out.len();
        match stack::deeper(|| self.inner(held, depth)) {
            Err(error) if depth > 0 && !ends_all(&error) => {
                self.out.truncate(start);
                self.push(&format!("«error: {error}»"));
                Ok(())
            }
            result => result,
        }
    }

    fn inner(&mut self, held: &Value, depth: usize) -> Result<(), EvalError> {
        let value = if self.options.force {
            // What is evaluated on the way may have no end.
            let limit = self.evaluator.max_depth;
            if depth > limit as usize {
                return Err(ErrorKind::TooDeep { limit }.into());
            }
            self.evaluator.force(held)?
        } else {
            match peek(held) {
                Peek::Value(value) => value,
                Peek::Waiting => {
                    self.push("«thunk»");
                    return Ok(());
                }
                Peek::Running => {
                    self.out.extend(RUNNING);
                    return Ok(());
                }
            }
        };
        match &value {
            Value::List(items) => self.list(held, items, depth)?,
            Value::Attrs(attrs) => self.set(attrs, depth)?,
            Value::String(string) => {
                let limit = self.options.max_string;
                text::quote_limited(string.as_bytes(), limit, &mut self.out);
            }
            Value::Lambda(..) | Value::Builtin(_) => {
                let text = self.evaluator.describe_function(&value);
                self.push(&text);
            }
            other => scalar(other, &mut self.out),
        }
        Ok(())
    }

    fn set(&mut self, attrs: &Rc<Attrs>, depth: usize) -> Result<(), EvalError> {
        if self.options.force && self.evaluator.is_derivation(attrs)? {
            return self.derivation(attrs);
        }
        if !attrs.is_empty() && !self.seen.insert(Rc::as_ptr(attrs).addr()) {
            self.out.extend(REPEATED);
            return Ok(());
        }
        if depth >= self.options.max_depth && !attrs.is_empty() {
            self.push("{ ... }");
            return Ok(());
        }
        let mut sorted = self.evaluator.sorted(attrs);
        if !self.options.force && self.options.max_attrs != usize::MAX {
            // What says most about a set must not be what is left out.
            sorted.sort_by_key(|(name, _)| !matches!(*name, "type" | "_type"));
        }
        let values: Vec<&Value> = sorted.iter().map(|(_, attr)| &attr.value).collect();
        let broken = self.is_broken(&values);
        self.push("{");
        for (index, (name, attr)) in sorted.iter().enumerate() {
            self.space(broken, depth + 1);
            if self.attrs >= self.options.max_attrs {
                text::elided(sorted.len() - index, "attribute", &mut self.out);
                break;
            }
            text::name(name, &mut self.out);
            self.push(" = ");
            self.value(&attr.value, depth + 1)?;
            self.push(";");
            self.attrs += 1;
        }
        self.space(broken, depth);
        self.push("}");
        Ok(())
    }

    fn list(&mut self, held: &Value, items: &Rc<List>, depth: usize) -> Result<(), EvalError> {
        if !items.is_empty() && !self.seen.insert(list_key(held, items)) {
            self.out.extend(REPEATED);
            return Ok(());
        }
        if depth >= self.options.max_depth && !items.is_empty() {
            self.push("[ ... ]");
            return Ok(());
        }
        let broken = self.is_broken(&items.iter().collect::<Vec<_>>());
        self.push("[");
        for (index, item) in items.iter().enumerate() {
            self.space(broken, depth + 1);
            if self.items >= self.options.max_items {
                text::elided(items.len() - index, "item", &mut self.out);
                break;
            }
            self.value(item, depth + 1)?;
            self.items += 1;
        }
        self.space(broken, depth);
        self.push("]");
        Ok(())
    }

    fn derivation(&mut self, attrs: &Attrs) -> Result<(), EvalError> {
        let names = ["name", "drvPath"].map(|name| self.evaluator.symbol(name));
        let attr: Option<&Attr> = names.iter().find_map(|name| attrs.get(*name));
        let name = match attr {
            Some(attr) => match self.evaluator.force(&attr.value)? {
                Value::String(text) => format!(" {}", text.to_string_lossy()),
                _ => String::new(),
            },
            None => String::new(),
        };
        self.push(&format!("«derivation{name}»"));
        Ok(())
    }

    /// Whether the elements get lines of their own: more than one do, and one that has elements itself.
    fn is_broken(&self, values: &[&Value]) -> bool {
        match values {
            _ if self.options.indent == 0 => false,
            [] => false,
            [one] => {
                if self.options.force {
                    // It is printed next; a failure is shown there.
                    let _ = self.evaluator.force(one);
                }
                match peek(one) {
                    Peek::Value(value) => matches!(value, Value::List(_) | Value::Attrs(_)),
                    _ => true,
                }
            }
            _ => true,
        }
    }

    fn space(&mut self, broken: bool, depth: usize) {
        if broken {
            self.out.push(b'\n');
            let width = depth * self.options.indent;
            self.out.resize(self.out.len() + width, b' ');
        } else {
            self.out.push(b' ');
        }
    }

    fn push(&mut self, text: &str) {
        self.out.extend(text.bytes());
    }
}

/// Whether an error is about the evaluation as a whole: showing it in place would only repeat it.
fn ends_all(error: &EvalError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::TooDeep { .. }
            | ErrorKind::TooNested { .. }
            | ErrorKind::TooManySteps { .. }
            | ErrorKind::Interrupted
    )
}

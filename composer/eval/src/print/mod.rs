//! Values as text, in the two forms that Nix has: one exact line for tools, and a tree for people.
//!
//! `show` is what `nix-instantiate --eval` prints, `print` what `nix repl` and messages do; every value
//! that anything prints goes through here. Invariant: both end on cyclic values, and `show` evaluates nothing.

mod text;

pub use text::is_plain_name;

use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::stack;
use crate::value::{Attr, Attrs, List, Value};

/// How [`Evaluator::print`] prints.
#[derive(Clone, Debug)]
pub struct PrintOptions {
    /// Evaluate what is not evaluated yet; else it is `«thunk»`. A failure inside is `«error: …»`, and
    /// a derivation is only named.
    pub force: bool,
    /// Spaces for each level; 0 puts everything on one line.
    pub indent: usize,
    /// Levels of sets and lists; what is deeper is `{ ... }` or `[ ... ]`.
    pub max_depth: usize,
    /// Attributes of all sets together.
    pub max_attrs: usize,
    /// Elements of all lists together.
    pub max_items: usize,
    /// Bytes of each string.
    pub max_string: usize,
}

impl Default for PrintOptions {
    /// One line of what is evaluated already, without limits: what `builtins.trace` prints.
    fn default() -> PrintOptions {
        PrintOptions {
            force: false,
            indent: 0,
            max_depth: usize::MAX,
            max_attrs: usize::MAX,
            max_items: usize::MAX,
            max_string: usize::MAX,
        }
    }
}

impl PrintOptions {
    /// A short line for error messages.
    pub fn message() -> PrintOptions {
        PrintOptions {
            max_depth: 10,
            max_attrs: 10,
            max_items: 10,
            max_string: 1024,
            ..PrintOptions::default()
        }
    }

    /// Everything, indented, down to `max_depth` levels; no more than a million attributes and elements,
    /// because a value that branches and has no end is larger than any memory soon.
    pub fn tree(max_depth: usize) -> PrintOptions {
        PrintOptions {
            force: true,
            indent: 2,
            max_depth,
            max_attrs: 1 << 20,
            max_items: 1 << 20,
            ..PrintOptions::default()
        }
    }
}

/// A value as it stands, nothing evaluated for it.
enum Peek {
    Value(Value),
    /// Not evaluated, or evaluated without success.
    Waiting,
    /// Being evaluated now.
    Running,
}

fn peek(value: &Value) -> Peek {
    match value {
        Value::Thunk(thunk) => match thunk.value.get() {
            Some(value) => Peek::Value(value.clone()),
            None if thunk.is_running() => Peek::Running,
            None => Peek::Waiting,
        },
        value => Peek::Value(value.clone()),
    }
}

/// What makes a list the same one: as in Nix, the variable or element that holds it.
fn list_key(held: &Value, list: &Rc<List>) -> usize {
    match held {
        Value::Thunk(thunk) => Rc::as_ptr(thunk).addr(),
        _ => Rc::as_ptr(list).addr(),
    }
}

const RUNNING: &[u8] = "«potential infinite recursion»".as_bytes();
const REPEATED: &[u8] = "«repeated»".as_bytes();

impl Evaluator {
    /// The value on one line as `nix-instantiate --eval` prints it. What is not evaluated is `<CODE>`; call
    /// [`Evaluator::force_deep`] first to get what `--strict` prints. Bytes that are not UTF-8 are replaced.
    pub fn show(&self, value: &Value) -> String {
        lossy(self.show_bytes(value))
    }

    /// The same with all strings as they are.
    pub fn show_bytes(&self, value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        self.show_into(value, &mut out, &mut FxHashSet::default());
        out
    }

    fn show_into(&self, held: &Value, out: &mut Vec<u8>, seen: &mut FxHashSet<usize>) {
        let value = match peek(held) {
            Peek::Value(value) => value,
            Peek::Waiting => return out.extend(b"<CODE>"),
            Peek::Running => return out.extend(RUNNING),
        };
        match &value {
            Value::List(items) => {
                if !items.is_empty() && !seen.insert(list_key(held, items)) {
                    return out.extend(REPEATED);
                }
                out.extend(b"[ ");
                for item in items.iter() {
                    stack::deeper(|| self.show_into(item, out, seen));
                    out.push(b' ');
                }
                out.push(b']');
            }
            Value::Attrs(attrs) => {
                if !attrs.is_empty() && !seen.insert(Rc::as_ptr(attrs).addr()) {
                    return out.extend(REPEATED);
                }
                out.extend(b"{ ");
                for (name, attr) in self.sorted(attrs) {
                    text::name(name, out);
                    out.extend(b" = ");
                    stack::deeper(|| self.show_into(&attr.value, out, seen));
                    out.extend(b"; ");
                }
                out.push(b'}');
            }
            Value::String(string) => text::quote(string.as_bytes(), out),
            Value::Lambda(..) => out.extend(b"<LAMBDA>"),
            Value::Builtin(call) if call.args.is_empty() => out.extend(b"<PRIMOP>"),
            Value::Builtin(_) => out.extend(b"<PRIMOP-APP>"),
            other => scalar(other, out),
        }
    }

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

/// Values that contain no others and look the same in both forms.
fn scalar(value: &Value, out: &mut Vec<u8>) {
    let text = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => text::float(*value),
        Value::Path(path) => path.as_str().to_owned(),
        other => format!("«{}»", other.type_name()),
    };
    out.extend(text.bytes());
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
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

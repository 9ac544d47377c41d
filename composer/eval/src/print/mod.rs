//! Values as text, in the two forms that Nix has: one exact line for tools, and a tree for people.
//!
//! `show` is what `nix-instantiate --eval` prints, `print` what `nix repl` and messages do; every value
//! that anything prints goes through here. Invariant: both end on cyclic values, and `show` evaluates nothing.

mod text;
mod tree;

pub use text::is_plain_name;

use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::evaluator::Evaluator;
use crate::stack;
use crate::value::{List, Value};

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

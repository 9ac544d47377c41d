//! `toXML`: a value as an XML document, in the form that Nix gives it.
//!
//! Invariant: the document has no position of any definition, so that it depends on the value alone.

use rustc_hash::FxHashSet;

use super::{Result, Row};
use crate::error::{ErrorKind, FrameKind};
use crate::evaluator::Evaluator;
use crate::expr::{LambdaId, Param};
use crate::value::{Attrs, Context, NixString, StringBuilder, Value};

pub(super) const ALL: &[Row] = &[("toXML", 1, "A value as an XML document.", to_xml)];

/// Elements written on the caller's stack; a value nested deeper is taken for infinite.
const MAX_DEPTH: usize = 2_000;

struct Writer<'a> {
    ev: &'a Evaluator,
    out: StringBuilder,
    context: Context,
    depth: usize,
    /// `drvPath`s of derivations that were written in full.
    derivations: FxHashSet<Vec<u8>>,
}

fn to_xml(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let mut writer = Writer {
        ev,
        out: StringBuilder::default(),
        context: Context::new(),
        depth: 0,
        derivations: FxHashSet::default(),
    };
    writer
        .out
        .push_str("<?xml version='1.0' encoding='utf-8'?>\n");
    writer.element("expr", &[], |writer| writer.value(&args[0]))?;
    let text = writer.out.finish();
    Ok(Value::string(text.with_context(writer.context)))
}

impl Writer<'_> {
    fn open(&mut self, name: &str, attributes: &[(&str, &[u8])]) {
        self.out.push_str(&"  ".repeat(self.depth));
        self.out.push_str("<");
        self.out.push_str(name);
        for (name, value) in attributes {
            self.out.push_str(&format!(" {name}=\""));
            self.escaped(value);
            self.out.push_str("\"");
        }
    }

    fn escaped(&mut self, text: &[u8]) {
        let mut rest = text;
        while let Some(at) = rest.iter().position(|c| b"\"<>&\n".contains(c)) {
            self.out.push_bytes(&rest[..at]);
            self.out.push_str(match rest[at] {
                b'"' => "&quot;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'&' => "&amp;",
                _ => "&#xA;",
            });
            rest = &rest[at + 1..];
        }
        self.out.push_bytes(rest);
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &[u8])]) {
        self.open(name, attributes);
        self.out.push_str(" />\n");
    }

    fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &[u8])],
        inside: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if self.depth == MAX_DEPTH {
            let limit = u32::try_from(MAX_DEPTH).expect("the limit is small");
            return Err(ErrorKind::TooNested { limit }.into());
        }
        self.open(name, attributes);
        self.out.push_str(">\n");
        self.depth += 1;
        inside(self)?;
        self.depth -= 1;
        self.out.push_str(&"  ".repeat(self.depth));
        self.out.push_str(&format!("</{name}>\n"));
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<()> {
        let ev = self.ev;
        ev.deeper(|| self.forced(&ev.force(value)?))
    }

    fn forced(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Null => self.empty("null", &[]),
            Value::Bool(value) => {
                let text: &[u8] = if *value { b"true" } else { b"false" };
                self.empty("bool", &[("value", text)]);
            }
            Value::Int(value) => self.empty("int", &[("value", value.to_string().as_bytes())]),
            Value::Float(_) => {
                let text = self.ev.show(value);
                self.empty("float", &[("value", text.as_bytes())]);
            }
            Value::String(text) => {
                let context = text.context().into_iter().flat_map(|items| items.iter());
                self.context.extend(context.cloned());
                self.empty("string", &[("value", text.as_bytes())]);
            }
            Value::Path(path) => self.empty("path", &[("value", path.as_str().as_bytes())]),
            Value::List(items) => {
                return self.element("list", &[], |writer| {
                    for (index, item) in items.iter().enumerate() {
                        let frame = FrameKind::Element(index);
                        writer
                            .value(item)
                            .map_err(|error| error.during(frame, None))?;
                    }
                    Ok(())
                });
            }
            Value::Attrs(attrs) if self.ev.is_derivation(attrs)? => {
                return self.derivation(attrs);
            }
            Value::Attrs(attrs) => {
                return self.element("attrs", &[], |writer| writer.attributes(attrs));
            }
            Value::Lambda(id, _) => {
                return self.element("function", &[], |writer| {
                    writer.parameter(*id);
                    Ok(())
                });
            }
            Value::Builtin(_) | Value::External(_) | Value::Thunk(_) => {
                self.empty("unevaluated", &[]);
            }
        }
        Ok(())
    }

    fn attributes(&mut self, attrs: &Attrs) -> Result<()> {
        let ev = self.ev;
        for (name, attr) in ev.sorted(attrs) {
            self.element("attr", &[("name", name.as_bytes())], |writer| {
                let result = writer.value(&attr.value);
                result.map_err(|error| ev.during_attr(error, attr))
            })?;
        }
        Ok(())
    }

    /// Each derivation is written once, with its paths as XML attributes.
    fn derivation(&mut self, attrs: &Attrs) -> Result<()> {
        let ev = self.ev;
        let path = |name: &str| -> Result<Option<std::rc::Rc<NixString>>> {
            let Some(attr) = attrs.get(ev.symbol(name)) else {
                return Ok(None);
            };
            match ev.force_attr(attr)? {
                Value::String(text) => Ok(Some(text)),
                _ => Ok(None),
            }
        };
        let (drv, out) = (path("drvPath")?, path("outPath")?);
        let attributes: Vec<(&str, &[u8])> = [("drvPath", &drv), ("outPath", &out)]
            .into_iter()
            .filter_map(|(name, text)| Some((name, text.as_ref()?.as_bytes())))
            .collect();
        let drv = drv.as_ref().map_or(&[] as &[u8], |text| text.as_bytes());
        let is_new = !drv.is_empty() && self.derivations.insert(drv.to_vec());
        self.element("derivation", &attributes, |writer| {
            if is_new {
                return writer.attributes(attrs);
            }
            writer.empty("repeated", &[]);
            Ok(())
        })
    }

    fn parameter(&mut self, function: LambdaId) {
        let ev = self.ev;
        let Param::Pattern(pattern) = &ev.lambda(function).param else {
            let name = ev.parameter_name(function);
            return self.empty("varpat", &[("name", name.as_bytes())]);
        };
        let mut attributes: Vec<(&str, &[u8])> = Vec::new();
        if pattern.ellipsis {
            attributes.push(("ellipsis", b"1"));
        }
        if let Some(name) = pattern.bind {
            attributes.push(("name", ev.name(name).as_bytes()));
        }
        let mut names: Vec<&str> = pattern.formals.iter().map(|f| ev.name(f.name)).collect();
        names.sort_unstable();
        self.open("attrspat", &attributes);
        self.out.push_str(">\n");
        self.depth += 1;
        for name in names {
            self.empty("attr", &[("name", name.as_bytes())]);
        }
        self.depth -= 1;
        self.out.push_str(&"  ".repeat(self.depth));
        self.out.push_str("</attrspat>\n");
    }
}

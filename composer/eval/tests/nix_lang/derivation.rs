//! `derivationStrict` as Nix defines it, on the store that only computes.
//!
//! Registered by `host.rs`. Invariant: what a derivation depends on comes from the contexts of its strings
//! alone, so the goldens that have output paths check those contexts, too.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use xsc_eval::{EvalError, Evaluator, NixString, SourceRequest, Value};

use crate::store::{self, Computed, failed, fixed_path, path_of, sha256, text_path};

/// `derivation` in terms of `derivationStrict`: one set for each output, the first one is the result.
pub(crate) const DERIVATION: &str = r#"
  arguments@{ outputs ? [ "out" ], ... }:
  let
    made = derivationStrict arguments;
    named = map (name: { inherit name; value = one name; }) outputs;
    shared = arguments // builtins.listToAttrs named // {
      all = map (output: output.value) named;
      drvAttrs = arguments;
    };
    one = name: shared // {
      type = "derivation";
      outputName = name;
      inherit (made) drvPath;
      outPath = made.${name};
    };
  in (builtins.head named).value
"#;

#[derive(Default)]
struct Drv {
    outputs: BTreeMap<String, String>,
    /// Algorithm with `r:` in front if recursive, and hash, of what is fixed.
    fixed: Option<(String, String)>,
    inputs: BTreeMap<String, BTreeSet<String>>,
    sources: BTreeSet<String>,
    system: String,
    builder: String,
    args: Vec<String>,
    env: BTreeMap<String, String>,
}

/// Makes derivations and remembers the hash that stands for each where it is an input.
pub(crate) struct Maker {
    pub(crate) store: Rc<Computed>,
    pub(crate) hashes: RefCell<BTreeMap<String, String>>,
}

impl Drv {
    /// The derivation as Nix writes it; `inputs` are its input derivations under the names to be used.
    fn text(&self, inputs: &BTreeMap<String, BTreeSet<String>>) -> String {
        let list = |items: Vec<String>| format!("[{}]", items.join(","));
        let strings = |items: &mut dyn Iterator<Item = &String>| list(items.map(quote).collect());
        let (algorithm, hash) = self.fixed.clone().unwrap_or_default();
        let outputs = self.outputs.iter().map(|(name, path)| {
            let words = [name, path, &algorithm, &hash].map(quote);
            format!("({})", words.join(","))
        });
        let inputs = inputs.iter().map(|(path, outputs)| {
            let outputs = strings(&mut outputs.iter());
            format!("({},{outputs})", quote(path))
        });
        let env = self.env.iter();
        let env = env.map(|(name, value)| format!("({},{})", quote(name), quote(value)));
        format!(
            "Derive({},{},{},{},{},{},{})",
            list(outputs.collect()),
            list(inputs.collect()),
            strings(&mut self.sources.iter()),
            quote(&self.system),
            quote(&self.builder),
            strings(&mut self.args.iter()),
            list(env.collect()),
        )
    }

    fn add_context(&mut self, text: &NixString) {
        for item in text.context().into_iter().flat_map(|items| items.iter()) {
            match item.strip_prefix('!').and_then(|rest| rest.split_once('!')) {
                Some((output, path)) => {
                    let outputs = self.inputs.entry(path.to_owned()).or_default();
                    outputs.insert(output.to_owned());
                }
                None => {
                    self.sources.insert(item.trim_start_matches('=').to_owned());
                }
            }
        }
    }
}

fn quote(text: impl AsRef<str>) -> String {
    let text = text.as_ref().replace('\\', "\\\\").replace('"', "\\\"");
    let text = text.replace('\n', "\\n").replace('\r', "\\r");
    format!("\"{}\"", text.replace('\t', "\\t"))
}

impl Maker {
    pub(crate) fn derivation_strict(
        &self,
        eval: &Evaluator,
        argument: &Value,
    ) -> Result<Value, EvalError> {
        let attrs = eval.expect_attrs(argument, "the argument of `derivationStrict`")?;
        let get = |name: &str| attrs.get(eval.symbol(name));
        let flag = |name: &str| match get(name) {
            Some(attr) => eval.expect_bool(&attr.value, name),
            None => Ok(false),
        };
        let name = get("name").ok_or_else(|| failed("`name` is missing"))?;
        let name = plain(eval, &name.value, "`name`")?;
        if let Some(c) = name
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && !"+-._?=".contains(*c))
        {
            return Err(failed(format!("the name `{name}` contains {c:?}")));
        }
        if name.is_empty() || name.ends_with(".drv") {
            return Err(failed(format!("`{name}` can't be a name")));
        }
        let (structured, ignore_nulls) = (flag("__structuredAttrs")?, flag("__ignoreNulls")?);
        let mut drv = Drv::default();
        let mut outputs = vec!["out".to_owned()];
        let mut fixed: BTreeMap<&str, String> = BTreeMap::new();
        let mut json = serde_json::Map::new();
        for (key, attr) in eval.sorted(&attrs) {
            let value = eval.force(&attr.value)?;
            if key == "__ignoreNulls" || (ignore_nulls && matches!(value, Value::Null)) {
                continue;
            }
            if ["__contentAddressed", "__impure"].contains(&key) {
                if eval.expect_bool(&value, key)? {
                    return Err(failed(format!("`{key}` is not switched on")));
                }
                continue;
            }
            if key == "args" {
                for item in eval.expect_list(&value, "`args`")?.as_slice() {
                    let text = self.text(eval, item)?;
                    drv.add_context(&text);
                    drv.args.push(text.to_string_lossy().into_owned());
                }
                continue;
            }
            let text = if structured {
                if key == "__structuredAttrs" {
                    continue;
                }
                let (value, context) = eval.value_to_json(&value)?;
                drv.add_context(&NixString::from("").with_context(context));
                json.insert(key.to_owned(), value.clone());
                match (value, key) {
                    (serde_json::Value::String(text), _) => text,
                    (serde_json::Value::Array(items), "outputs") => {
                        let items = items.iter().filter_map(|item| item.as_str());
                        items.collect::<Vec<_>>().join(" ")
                    }
                    (_, "builder" | "system" | "outputs") => {
                        return Err(failed(format!("`{key}` has another type")));
                    }
                    _ => continue,
                }
            } else {
                let text = self.text(eval, &value)?;
                drv.add_context(&text);
                let text = text.to_string_lossy().into_owned();
                drv.env.insert(key.to_owned(), text.clone());
                text
            };
            match key {
                "builder" => drv.builder = text,
                "system" => drv.system = text,
                "outputs" => outputs = text.split_whitespace().map(str::to_owned).collect(),
                "outputHash" | "outputHashAlgo" | "outputHashMode" => {
                    fixed.insert(key, text);
                }
                _ => {}
            }
        }
        if structured {
            let json = serde_json::Value::Object(json).to_string();
            drv.env.insert("__json".to_owned(), json);
        }
        for (required, value) in [("builder", &drv.builder), ("system", &drv.system)] {
            if value.is_empty() {
                return Err(failed(format!("`{required}` is missing")));
            }
        }
        let distinct: BTreeSet<&String> = outputs.iter().collect();
        if distinct.len() != outputs.len() || outputs.is_empty() {
            return Err(failed("outputs are distinct, and there is one at least"));
        }
        if outputs.iter().any(|output| output == "drvPath") {
            return Err(failed("no output can be called `drvPath`"));
        }
        match fixed.get("outputHashMode").map(String::as_str) {
            None | Some("flat" | "recursive" | "nar") => {}
            Some(mode) => return Err(failed(format!("unknown mode `{mode}`"))),
        }
        if fixed.contains_key("outputHash") {
            if outputs != ["out"] {
                return Err(failed("a derivation with a fixed hash has one output"));
            }
            fix(eval, &mut drv, &fixed, &name)?;
        } else {
            self.address(&mut drv, &outputs, &name);
        }
        Ok(self.described(eval, &drv, &name))
    }

    /// The text of an attribute: as `toString`, but paths go to the store.
    fn text(&self, eval: &Evaluator, value: &Value) -> Result<Rc<NixString>, EvalError> {
        let value = eval.force(value)?;
        match &value {
            Value::Path(path) => {
                let path = self.source(path.as_str())?;
                eval.expect_string(&store::reference(&path), "a source")
            }
            Value::List(items) => {
                let join = eval.eval_str("join", "/", "builtins.concatStringsSep \" \"")?;
                let texts = items.as_slice().iter().map(|item| self.text(eval, item));
                let texts: Vec<Value> = texts
                    .map(|text| text.map(Value::String))
                    .collect::<Result<_, _>>()?;
                eval.expect_string(&eval.call(&join, Value::list(texts))?, "a list")
            }
            Value::Attrs(_) => {
                let interpolate = eval.eval_str("text", "/", "value: \"${value}\"")?;
                eval.expect_string(&eval.call(&interpolate, value)?, "a set")
            }
            _ => eval.to_text(&value),
        }
    }

    pub(crate) fn source(&self, path: &str) -> Result<String, EvalError> {
        self.store.source_path(&SourceRequest {
            name: path.rsplit('/').next().unwrap_or(path).to_owned(),
            path: path.to_owned(),
            kept: None,
            recursive: true,
            sha256: None,
        })
    }

    /// Gives the outputs paths that depend on all that the derivation is made from.
    fn address(&self, drv: &mut Drv, outputs: &[String], name: &str) {
        for output in outputs {
            drv.outputs.insert(output.clone(), String::new());
            drv.env.insert(output.clone(), String::new());
        }
        let hash = sha256(drv.text(&self.hashed_inputs(drv)).as_bytes());
        for output in outputs {
            let suffix = match output.as_str() {
                "out" => String::new(),
                output => format!("-{output}"),
            };
            let path = path_of(
                &format!("output:{output}"),
                &hash,
                &format!("{name}{suffix}"),
            );
            drv.outputs.insert(output.clone(), path.clone());
            drv.env.insert(output.clone(), path);
        }
    }

    fn hashed_inputs(&self, drv: &Drv) -> BTreeMap<String, BTreeSet<String>> {
        let hashes = self.hashes.borrow();
        let inputs = drv.inputs.iter().map(|(path, outputs)| {
            let hash = hashes.get(path).cloned().unwrap_or_default();
            (hash, outputs.clone())
        });
        inputs.collect()
    }

    fn described(&self, eval: &Evaluator, drv: &Drv, name: &str) -> Value {
        let text = drv.text(&drv.inputs);
        let references: BTreeSet<&str> = drv
            .sources
            .iter()
            .chain(drv.inputs.keys())
            .map(String::as_str)
            .collect();
        let references: Vec<&str> = references.into_iter().collect();
        let path = text_path(text.as_bytes(), &references, &format!("{name}.drv"));
        let hash = match &drv.fixed {
            Some((algorithm, hash)) => {
                let out = &drv.outputs["out"];
                sha256(format!("fixed:out:{algorithm}:{hash}:{out}").as_bytes())
            }
            None => sha256(drv.text(&self.hashed_inputs(drv)).as_bytes()),
        };
        self.hashes.borrow_mut().insert(path.clone(), hash);
        let string = |text: &str, item: String| {
            Value::string(NixString::from(text).with_context([item.into()].into()))
        };
        let outputs = drv
            .outputs
            .iter()
            .map(|(output, out)| (output.as_str(), string(out, format!("!{output}!{path}"))));
        let drv_path = string(&path, format!("={path}"));
        let all: Vec<(&str, Value)> = outputs.chain([("drvPath", drv_path)]).collect();
        eval.make_attrs(all)
    }
}

fn plain(eval: &Evaluator, value: &Value, what: &str) -> Result<String, EvalError> {
    let text = eval.expect_string(value, what)?;
    if text.context().is_some() {
        return Err(failed(format!("{what} can't refer to a store path")));
    }
    Ok(text.to_string_lossy().into_owned())
}

fn fix(
    eval: &Evaluator,
    drv: &mut Drv,
    fixed: &BTreeMap<&str, String>,
    name: &str,
) -> Result<(), EvalError> {
    let recursive = matches!(
        fixed.get("outputHashMode").map(String::as_str),
        Some("recursive" | "nar")
    );
    let hash = fixed["outputHash"].as_str();
    let algorithm = fixed.get("outputHashAlgo").map(String::as_str);
    let named = algorithm.filter(|algorithm| !algorithm.is_empty());
    let prefix = hash.split([':', '-']).next().unwrap_or_default();
    let algorithm = named.unwrap_or(prefix);
    let convert = eval.eval_str("hash", "/", "builtins.convertHash")?;
    let hash = eval.make_attrs([
        ("hash", Value::from(hash)),
        ("hashAlgo", Value::from(algorithm)),
        ("toHashFormat", Value::from("base16")),
    ]);
    let hash = plain(eval, &eval.call(&convert, hash)?, "the hash")?;
    let path = fixed_path(recursive, algorithm, &hash, name);
    let mode = if recursive { "r:" } else { "" };
    drv.env.insert("out".to_owned(), path.clone());
    drv.outputs.insert("out".to_owned(), path);
    drv.fixed = Some((format!("{mode}{algorithm}"), hash));
    Ok(())
}

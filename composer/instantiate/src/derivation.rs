//! The builtin `derivation`: turns a recipe's attribute set into a derivation of the graph.
//!
//! Registered by `recipes.rs`. What it returns is the set it was given, with `type`, `drvPath`,
//! `outputName` and one attribute an output. Invariant: a derivation has no path, so it appears
//! in `inputs` and never inside a string (docs/adr/0003).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use xsc_eval::{Attrs, EvalError, Evaluator, Value};
use xsc_model::{
    Builder, BuiltinName, Cores, Derivation, DrvId, DrvName, Exec, Fetch, Graph, Input, InputMode,
    InputSource, MountPoint, OutputName, Resources, System, TreeId,
};

use crate::language::HashSources;
use crate::read::{Args, NO_PATH, invalid, text};

/// What `derivation` is documented to do, for `:doc` and the manual.
pub(crate) const DOC: &str = "Describes one build step: `name`, `system`, `builder` (a program of \
the sandbox with `args`, or `builtin:NAME` with `params`), `inputs` (a list of { at, from, \
writable }), `env`, `outputs`, `parallel`, `keepsBuildDir`, `requires` ({ memory = MIB; exclusive }).";

const KNOWN: [&str; 11] = [
    "name",
    "system",
    "builder",
    "args",
    "inputs",
    "env",
    "outputs",
    "params",
    "parallel",
    "keepsBuildDir",
    "requires",
];

/// The builtin that a derivation calls where it meets a string: it only explains.
pub(crate) const TEXT: &str = "derivationText";

/// What that builtin is documented to do.
pub(crate) const TEXT_DOC: &str = "Fails, and says why a derivation cannot be part of a string.";

/// The variable that tells a command how many processors it may use.
const CORES: &str = "XSC_CORES";

/// What the builtin shares with its [`crate::Recipes`].
pub(crate) struct Instantiator {
    pub(crate) graph: Rc<RefCell<Graph>>,
    pub(crate) root: PathBuf,
    pub(crate) hash_sources: HashSources,
    /// Sources hashed so far: the same files are often an input of many derivations.
    pub(crate) hashed: RefCell<BTreeMap<Vec<String>, TreeId>>,
    /// The attribute `__toString` of every derivation; one value, so that equal ones stay equal.
    pub(crate) text: Value,
}

/// The value of [`Instantiator::text`].
pub(crate) fn text_attr() -> Value {
    Value::lazy(|eval| eval.eval_str("derivation", "/", &format!("builtins.{TEXT}")))
}

/// What runs when a derivation meets a string.
pub(crate) fn explain_text(eval: &Evaluator, drv: &Value) -> EvalError {
    let name = |attrs: Rc<Attrs>| {
        let attr = attrs.get(eval.symbol("name"))?;
        text(eval, &attr.value, "name").ok()
    };
    let name = eval.expect_attrs(drv, "a derivation").ok().and_then(name);
    let name = name.unwrap_or_else(|| "it".to_owned());
    invalid(format!("`{name}` is a derivation, and {NO_PATH}"))
}

impl Instantiator {
    /// The builtin itself.
    pub(crate) fn derivation(&self, eval: &Evaluator, given: &Value) -> Result<Value, EvalError> {
        let args = Args::open(eval, given, "`derivation`", &KNOWN)?;
        let name = args.required("name", args.string("name")?)?;
        let name = DrvName::new(name).map_err(|e| args.error("name", e.to_string()))?;
        let system = args.required("system", args.string("system")?)?;
        let system: System = system
            .parse()
            .map_err(|e: xsc_model::ParseSystemError| args.error("system", e.to_string()))?;
        let outputs = outputs(&args)?;
        let builder = self.builder(eval, &args, &outputs)?;
        let inputs = self.inputs(eval, &args)?;
        if matches!(builder, Builder::Exec(_)) {
            distinct_places(&args, &inputs)?;
        }
        let drv = Derivation {
            name,
            system,
            builder,
            inputs,
            outputs: outputs.clone(),
        };
        let id = self.graph.borrow_mut().insert(drv);
        let given = eval.expect_attrs(given, "`derivation`")?;
        Ok(self.described(eval, &given, &id.to_string(), &outputs))
    }

    fn builder(
        &self,
        eval: &Evaluator,
        args: &Args<'_>,
        outputs: &BTreeSet<OutputName>,
    ) -> Result<Builder, EvalError> {
        let builder = args.required("builder", args.string("builder")?)?;
        let Some(name) = builder.strip_prefix("builtin:") else {
            if args.has("params") {
                return Err(args.error("params", "only a `builtin:` builder takes parameters"));
            }
            let mut command = vec![builder];
            command.extend(args.strings("args")?);
            let cores = if args.bool("parallel")? {
                Cores::Granted
            } else {
                Cores::One
            };
            let env = args.string_map("env")?;
            if let Some(taken) = env.keys().find(|name| {
                *name == CORES
                    || outputs
                        .iter()
                        .any(|output| output.as_str() == name.as_str())
            }) {
                let problem = format!("`{taken}` is set by the composer itself");
                return Err(args.error("env", problem));
            }
            return Ok(Builder::Exec(Exec {
                command,
                env,
                cores,
                keeps_build_dir: args.bool("keepsBuildDir")?,
                resources: resources(eval, args)?,
            }));
        };
        for only_exec in ["args", "env", "parallel", "keepsBuildDir", "requires"] {
            if args.has(only_exec) {
                return Err(args.error(only_exec, "a `builtin:` builder takes `params` instead"));
            }
        }
        // What is built in makes one tree: another output would never come to be.
        if outputs.len() != 1 || !outputs.contains(&OutputName::out()) {
            let problem = "a `builtin:` builder has the one output `out`";
            return Err(args.error("outputs", problem));
        }
        if name == "fetch" {
            if !args.list("inputs")?.is_empty() {
                return Err(args.error("inputs", "`builtin:fetch` takes none"));
            }
            return self.fetch(eval, args);
        }
        let Some(builtin) = BuiltinName::from_name(name) else {
            let known = BuiltinName::ALL.map(|(_, name)| name);
            let close = xsc_profile::closest(name, known.iter().copied())
                .map(|close| format!("; did you mean `builtin:{close}`?"))
                .unwrap_or_default();
            let problem = format!("there is no `builtin:{name}`{close}");
            return Err(args.error("builder", problem));
        };
        Ok(Builder::Builtin {
            name: builtin,
            params: args.params("params")?,
        })
    }

    fn fetch(&self, eval: &Evaluator, args: &Args<'_>) -> Result<Builder, EvalError> {
        let Some(attr) = args.attr("params") else {
            return Err(args.error("builder", "`builtin:fetch` needs `params`"));
        };
        let known = ["name", "sha256", "size", "urls"];
        let params = Args::open(eval, &attr.value, "`builtin:fetch`", &known)?;
        let sha256 = params.required("sha256", params.string("sha256")?)?;
        let is_hex = sha256.len() == 64
            && sha256
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !is_hex {
            return Err(params.error("sha256", "expected 64 lower-case hexadecimal digits"));
        }
        let file = params.required("name", params.string("name")?)?;
        xsc_model::EntryName::new(&file).map_err(|e| params.error("name", e.to_string()))?;
        let size = params.required("size", params.int("size")?)?;
        let size = u64::try_from(size).map_err(|_| params.error("size", "it is negative"))?;
        let urls = params.strings("urls")?;
        if urls.is_empty() {
            return Err(params.error("urls", "at least one place to look is needed"));
        }
        Ok(Builder::Fetch(Fetch {
            file,
            sha256,
            size,
            urls,
        }))
    }

    fn inputs(&self, eval: &Evaluator, args: &Args<'_>) -> Result<Vec<Input>, EvalError> {
        let mut inputs = Vec::new();
        for value in args.list("inputs")? {
            let known = ["at", "from", "writable"];
            let input = Args::open(eval, &value, "an input", &known)?;
            let at = input.required("at", input.string("at")?)?;
            let at = MountPoint::new(at).map_err(|e| input.error("at", e.to_string()))?;
            let mode = if input.bool("writable")? {
                InputMode::Writable
            } else {
                InputMode::ReadOnly
            };
            let Some(from) = input.attr("from") else {
                return Err(input.required::<()>("from", None).unwrap_err());
            };
            let source = self
                .source(eval, &from.value, at.as_str())
                .map_err(|e| e.or_at(eval.attr_span(from)))?;
            inputs.push(Input { at, mode, source });
        }
        Ok(inputs)
    }

    /// What an input's `from` stands for: a derivation's output, a path, or a list of paths.
    fn source(&self, eval: &Evaluator, value: &Value, at: &str) -> Result<InputSource, EvalError> {
        let value = eval.force(value)?;
        match &value {
            Value::Attrs(attrs) if eval.is_derivation(attrs)? => self.output_of(eval, attrs),
            Value::Path(path) => self.repository_files(std::slice::from_ref(&path.as_str())),
            Value::List(list) => {
                let mut paths = Vec::new();
                for item in list.as_slice() {
                    match eval.force(item)? {
                        Value::Path(path) => paths.push(path.as_str().to_owned()),
                        other => {
                            let what = format!("an element of the input at `{at}`");
                            return Err(eval.type_error("a path", &other, &what));
                        }
                    }
                }
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                self.repository_files(&paths)
            }
            other => {
                let expected = "a derivation, a path or a list of paths";
                Err(eval.type_error(expected, other, &format!("the input at `{at}`")))
            }
        }
    }

    fn repository_files(&self, paths: &[&str]) -> Result<InputSource, EvalError> {
        let relative: Vec<String> = paths
            .iter()
            .map(|path| path.trim_start_matches('/').to_owned())
            .collect();
        if let Some(tree) = self.hashed.borrow().get(&relative) {
            return Ok(InputSource::Source {
                tree: *tree,
                paths: relative,
            });
        }
        for path in &relative {
            self.refuse_links(path, relative.len() == 1)?;
        }
        let absolute: Vec<PathBuf> = relative
            .iter()
            .map(|path| self.root.join(Path::new(path)))
            .collect();
        let tree = (self.hash_sources)(&absolute)
            .map_err(|e| invalid(format!("cannot use `{}`: {e}", relative.join(", "))))?;
        self.hashed.borrow_mut().insert(relative.clone(), tree);
        Ok(InputSource::Source {
            tree,
            paths: relative,
        })
    }

    /// Hashing follows links on the way to a source, and the one source that is itself a link;
    /// what they lead to may lie outside the repository.
    fn refuse_links(&self, relative: &str, only: bool) -> Result<(), EvalError> {
        let mut path = self.root.clone();
        let mut parts = relative
            .split('/')
            .filter(|part| !part.is_empty())
            .peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            let kept_as_link = parts.peek().is_none() && !only;
            if path.is_symlink() && !kept_as_link {
                let link = path.strip_prefix(&self.root).unwrap_or(&path).display();
                let problem = format!(
                    "cannot use `{relative}`: `{link}` is a symbolic link; name what it leads to"
                );
                return Err(invalid(problem));
            }
        }
        Ok(())
    }

    /// The output that a derivation's value stands for; a recipe may have changed the value.
    fn output_of(&self, eval: &Evaluator, attrs: &Attrs) -> Result<InputSource, EvalError> {
        let field = |name: &str| -> Result<String, EvalError> {
            let attr = attrs
                .get(eval.symbol(name))
                .ok_or_else(|| invalid(format!("this derivation has no `{name}`")))?;
            text(eval, &attr.value, name)
        };
        let id = field("drvPath")?;
        let graph = self.graph.borrow();
        let Some((drv, known)) = known(&graph, &id) else {
            return Err(invalid(format!(
                "`drvPath` is `{id}`, which no `derivation` returned"
            )));
        };
        let output = field("outputName")?;
        match output_named(known, &output) {
            Some(output) => Ok(InputSource::Output { drv, output }),
            None => Err(invalid(format!(
                "`{}` has no output `{output}`",
                known.name
            ))),
        }
    }

    /// The value of a derivation: what was given, its id, and its outputs.
    fn described(
        &self,
        eval: &Evaluator,
        given: &Attrs,
        drv: &str,
        outputs: &BTreeSet<OutputName>,
    ) -> Value {
        let first = outputs
            .iter()
            .find(|o| **o == OutputName::out())
            .or(outputs.first());
        let default = first.map_or("out", OutputName::as_str);
        let with_output = |output: &str| -> Vec<(String, Value)> {
            let mut attrs: Vec<(String, Value)> = vec![
                ("type".to_owned(), Value::string("derivation")),
                ("drvPath".to_owned(), Value::string(drv)),
                ("outputName".to_owned(), Value::string(output)),
                ("__toString".to_owned(), self.text.clone()),
            ];
            let given = eval.sorted(given);
            attrs.extend(
                given
                    .into_iter()
                    .map(|(name, attr)| (name.to_owned(), attr.value.clone())),
            );
            attrs
        };
        let make = |attrs: &[(String, Value)]| {
            eval.make_attrs(
                attrs
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.clone())),
            )
        };
        let mut attrs = with_output(default);
        for output in outputs {
            attrs.push((
                output.as_str().to_owned(),
                make(&with_output(output.as_str())),
            ));
        }
        make(&attrs)
    }
}

fn outputs(args: &Args<'_>) -> Result<BTreeSet<OutputName>, EvalError> {
    if !args.has("outputs") {
        return Ok(BTreeSet::from([OutputName::out()]));
    }
    let mut outputs = BTreeSet::new();
    for name in args.strings("outputs")? {
        let name = OutputName::new(name).map_err(|e| args.error("outputs", e.to_string()))?;
        if KNOWN.contains(&name.as_str()) || name.as_str() == "type" {
            let problem = format!("`{name}` is another attribute of the derivation");
            return Err(args.error("outputs", problem));
        }
        outputs.insert(name);
    }
    if outputs.is_empty() {
        return Err(args.error("outputs", "at least one output is needed"));
    }
    Ok(outputs)
}

/// What `requires` says of the machine.
fn resources(eval: &Evaluator, args: &Args<'_>) -> Result<Resources, EvalError> {
    let Some(attr) = args.attr("requires") else {
        return Ok(Resources::default());
    };
    let requires = Args::open(eval, &attr.value, "`requires`", &["memory", "exclusive"])?;
    let memory = requires.int("memory")?.unwrap_or(0);
    let memory = u64::try_from(memory)
        .map_err(|_| requires.error("memory", "it is negative; expected a number of MiB"))?;
    Ok(Resources {
        memory,
        exclusive: requires.bool("exclusive")?,
    })
}

/// For a command every input has a place of its own: what meets at one place is merged first.
fn distinct_places(args: &Args<'_>, inputs: &[Input]) -> Result<(), EvalError> {
    let mut seen = BTreeSet::new();
    for input in inputs {
        if !seen.insert(&input.at) {
            let problem = format!(
                "two inputs are placed at `{}`; merge them with a `builtin:merge` step first",
                input.at
            );
            return Err(args.error("inputs", problem));
        }
    }
    if !seen.iter().any(|at| at.is_root()) {
        let problem = "none is placed at `/`, so there would be no program to run";
        return Err(args.error("inputs", problem));
    }
    Ok(())
}

/// What `derivation` returned with this text as its `drvPath`.
pub(crate) fn known<'g>(graph: &'g Graph, id: &str) -> Option<(DrvId, &'g Derivation)> {
    let id = id.parse().ok()?;
    Some((id, graph.get(&id)?))
}

pub(crate) fn output_named(drv: &Derivation, name: &str) -> Option<OutputName> {
    drv.outputs.iter().find(|o| o.as_str() == name).cloned()
}

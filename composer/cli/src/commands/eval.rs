//! `eval`: the value of a profile's recipes, of an expression or of a file, or of an attribute of it.
//!
//! Printed as a tree, as one exact line (--strict), as JSON or as a plain string. Invariant: nothing is
//! built, fetched or written, and standard output gets a whole value or nothing.

use std::io::{Read, Write};
use std::path::Path;

use xsc_eval::{PrintOptions, Value};
use xsc_instantiate::Language;

use super::Cancel;
use super::expression::{How, Place, TYPED, World, arguments, find_file};
use crate::args::Eval;
use crate::context::Context;
use crate::error::{CommandError, eval_error, instantiate_error};

/// Levels of a tree; what is deeper is hardly read, and may have no end.
const MAX_DEPTH: usize = 100;

/// What the command line asks for.
enum Subject<'a> {
    Profile(&'a Path),
    Text {
        text: &'a str,
        profile: Option<&'a Path>,
    },
    File(&'a Path),
}

pub(crate) fn run(context: &Context, args: &Eval, cancel: &Cancel) -> Result<(), CommandError> {
    let (subject, attr) = subject(args)?;
    let how = How {
        context,
        cancel,
        features: &args.language.extra_experimental_features,
    };
    let (world, whole) = match subject {
        Subject::Profile(profile) => (World::profile(profile, &how)?, None),
        Subject::Text { text, profile } => {
            let text = match text {
                "-" => standard_input()?,
                text => text.to_owned(),
            };
            let world = match profile {
                Some(profile) => World::profile(profile, &how)?,
                None => World::plain(Place::around(Path::new("."))?, &how)?,
            };
            let (eval, directory) = (world.eval(), world.place().directory());
            let scope = world.scope()?;
            let variables = scope.map(|attrs| eval.variables(&attrs));
            let value = eval
                .eval_with(TYPED, &directory, &text, &variables.unwrap_or_default())
                .map_err(|e| eval_error(world.language(), &e))?;
            (world, Some(value))
        }
        Subject::File(file) => {
            let (place, path) = find_file(file)?;
            let world = World::plain(place, &how)?;
            let eval = world.eval();
            let value = eval
                .eval_file(&path)
                .map_err(|e| eval_error(world.language(), &e))?;
            (world, Some(value))
        }
    };
    let language = world.language();
    let value = match (&world, whole) {
        (World::Profile(opened), None) => {
            let top = opened.recipes.top();
            attr.map_or(Ok(top.clone()), |attr| language.select(top, attr, None))
                .map_err(|e| instantiate_error(&e))?
        }
        (_, whole) => {
            let whole = whole.unwrap_or(Value::Null);
            let arguments = arguments(&world.place(), &args.call)?;
            match attr {
                Some(attr) => language
                    .select(&whole, attr, Some(&arguments))
                    .map_err(|e| instantiate_error(&e))?,
                None => world
                    .eval()
                    .auto_call(&whole, &arguments)
                    .map_err(|e| eval_error(language, &e))?,
            }
        }
    };
    show(context, args, &world, &value)
}

/// Which value, and which attribute of it.
fn subject(args: &Eval) -> Result<(Subject<'_>, Option<&str>), CommandError> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    if let Some(file) = &args.file {
        let subject = match file.to_str() {
            Some("-") => Subject::Text {
                text: "-",
                profile: None,
            },
            _ => Subject::File(file),
        };
        return match words[..] {
            [] => Ok((subject, None)),
            [attr] => Ok((subject, Some(attr))),
            _ => Err(CommandError::usage(
                "with -f there is one word at most, an attribute path",
            )),
        };
    }
    if let Some(text) = &args.expression {
        let (profile, attr) = match words[..] {
            [] => (None, None),
            [profile] if profile.ends_with(".toml") => (Some(profile), None),
            [attr] => (None, Some(attr)),
            [profile, attr, ..] => (Some(profile), Some(attr)),
        };
        let profile = profile.map(Path::new);
        return Ok((Subject::Text { text, profile }, attr));
    }
    if !(args.call.expressions.is_empty() && args.call.strings.is_empty()) {
        return Err(CommandError::usage(
            "--arg and --argstr are for functions of -E and -f",
        ));
    }
    match words[..] {
        ["-"] => Ok((
            Subject::Text {
                text: "-",
                profile: None,
            },
            None,
        )),
        [profile] => Ok((Subject::Profile(Path::new(profile)), None)),
        [profile, attr, ..] => Ok((Subject::Profile(Path::new(profile)), Some(attr))),
        [] => Err(CommandError::usage("there is nothing to evaluate")
            .hint("name a profile, or give an expression with -E or a file with -f")),
    }
}

fn standard_input() -> Result<String, CommandError> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|e| CommandError::usage(format!("cannot read standard input: {e}")))?;
    Ok(text)
}

fn show(context: &Context, args: &Eval, world: &World, value: &Value) -> Result<(), CommandError> {
    let eval = world.eval();
    let failed = |e| eval_error(world.language(), &e);
    let bytes = if args.raw {
        return raw(world.language(), &eval.force(value).map_err(failed)?);
    } else if context.json {
        let json = match args.strict {
            true => eval.value_to_json(value).map_err(failed)?.0,
            false => world
                .language()
                .json(value)
                .map_err(|e| instantiate_error(&e))?,
        };
        json.to_string().into_bytes()
    } else if args.strict {
        eval.show_bytes(&eval.force_deep(value).map_err(failed)?)
    } else {
        let options = PrintOptions::tree(MAX_DEPTH);
        eval.print(value, &options).map_err(failed)?.into_bytes()
    };
    write(&bytes, b"\n");
    Ok(())
}

/// A string, a path, or what a set with `__toString` gives.
fn raw(language: &Language, value: &Value) -> Result<(), CommandError> {
    let eval = language.evaluator();
    match value {
        Value::String(text) => write(text.as_bytes(), b""),
        Value::Path(path) => write(path.as_str().as_bytes(), b""),
        Value::Attrs(attrs) if attrs.get(eval.symbol("__toString")).is_some() => {
            let text = eval.to_text(value).map_err(|e| eval_error(language, &e))?;
            write(text.as_bytes(), b"");
        }
        other => {
            return Err(CommandError::other(format!(
                "--raw prints a string, and the value is {}",
                other.described()
            )));
        }
    }
    Ok(())
}

/// Writes to standard output; a closed pipe is no error.
fn write(bytes: &[u8], end: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out
        .write_all(bytes)
        .and_then(|()| out.write_all(end))
        .and_then(|()| out.flush());
}

//! The commands of the prompt, `:NAME ARGUMENT`, and what each of them does.
//!
//! Called by `process`; completion reads the table. Invariant: only `:b` writes anything, to the store.

use std::path::Path;

use xsc_eval::{Documentation, Value};

use super::session::Session;
use super::{Next, build};
use crate::commands::{Cancel, print};
use crate::context::Context;
use crate::error::{CommandError, eval_error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Add,
    Build,
    Doc,
    Help,
    Load,
    Print,
    Quit,
    Reload,
    Source,
    Type,
}

/// Names (the short one first), argument, meaning.
pub(super) const TABLE: &[(Command, &[&str], &str, &str)] = &[
    (
        Command::Add,
        &["a", "add"],
        "SET",
        "put the attributes of SET in scope",
    ),
    (
        Command::Build,
        &["b", "build"],
        "DRV",
        "build a derivation and print its outputs",
    ),
    (
        Command::Doc,
        &["doc"],
        "EXPR",
        "show the documentation of a builtin, function or attribute",
    ),
    (
        Command::Load,
        &["l", "load"],
        "FILE",
        "evaluate FILE and put its attributes in scope",
    ),
    (
        Command::Print,
        &["p", "print"],
        "EXPR",
        "print the whole value; a string as it is",
    ),
    (
        Command::Reload,
        &["r", "reload"],
        "",
        "read all files anew; bindings are forgotten",
    ),
    (
        Command::Source,
        &["s", "source"],
        "EXPR",
        "show where a function or attribute is defined",
    ),
    (
        Command::Type,
        &["t", "type"],
        "EXPR",
        "print the type of the value",
    ),
    (Command::Quit, &["q", "quit"], "", "end the session"),
    (Command::Help, &["?", "help"], "", "print this list"),
];

impl Command {
    /// The name and the argument, if the text is a command.
    pub(super) fn split(text: &str) -> Option<(&str, &str)> {
        let rest = text.trim_start().strip_prefix(':')?;
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (name, argument) = rest.split_at(end);
        Some((name, argument.trim()))
    }

    pub(super) fn named(name: &str) -> Result<Command, CommandError> {
        let found = TABLE.iter().find(|(_, names, ..)| names.contains(&name));
        match found {
            Some((command, ..)) => Ok(*command),
            None => Err(
                CommandError::usage(format!("there is no command `:{name}`"))
                    .hint("`:?` lists the commands"),
            ),
        }
    }

    pub(super) fn run(
        self,
        context: &Context,
        session: &mut Session,
        argument: &str,
        cancel: &Cancel,
    ) -> Result<Next, CommandError> {
        let takes = TABLE
            .iter()
            .find(|(command, ..)| *command == self)
            .map_or("", |(_, _, takes, _)| takes);
        if takes.is_empty() != argument.is_empty() {
            return Err(CommandError::usage(match takes {
                "" => format!("this command takes nothing, and there is `{argument}`"),
                takes => format!("this command needs {takes}"),
            }));
        }
        match self {
            Command::Add => {
                let value = session.evaluate(argument)?;
                let count = session.add(&value, "the argument of `:a`")?;
                added(context, count);
            }
            Command::Build => {
                let value = session.evaluate(argument)?;
                build::run(context, &session.world, &value, cancel)?;
            }
            Command::Doc => print(&describe(session, argument)?),
            Command::Help => print(&help()),
            Command::Load => {
                let count = session.load(Path::new(argument))?;
                added(context, count);
            }
            Command::Print => {
                let value = session.evaluate(argument)?;
                match &value {
                    Value::String(text) => print(&text.to_string_lossy()),
                    value => print(&session.show(value, None)?),
                }
            }
            Command::Quit => return Ok(Next::Quit),
            Command::Reload => {
                let count = session.reload(context)?;
                added(context, count);
            }
            Command::Source => print(&source(session, argument)?),
            Command::Type => print(&type_of(session, &session.evaluate(argument)?)?),
        }
        Ok(Next::Input)
    }
}

/// Tells people what came into scope; not a value, so not on standard output.
fn added(context: &Context, count: usize) {
    if !context.quiet {
        crate::ui::say(&format!("{} in scope", crate::ui::count(count, "variable")));
    }
}

fn help() -> String {
    let mut lines = vec![
        format!("{:<22}{}", "EXPR", "print the value, one level deep"),
        format!(
            "{:<22}{}",
            "NAME = EXPR", "put a variable in scope; also `inherit (SET) NAME`"
        ),
    ];
    lines.extend(TABLE.iter().map(|(_, names, takes, meaning)| {
        let names: Vec<String> = names.iter().map(|name| format!(":{name}")).collect();
        let call = format!("{} {takes}", names.join(", "));
        format!("{call:<22}{meaning}")
    }));
    lines.join("\n")
}

fn type_of(session: &Session, value: &Value) -> Result<String, CommandError> {
    let eval = session.world.eval();
    Ok(match value {
        Value::Attrs(attrs) => match eval
            .is_derivation(attrs)
            .map_err(|e| eval_error(session.world.language(), &e))?
        {
            true => "a derivation".to_owned(),
            false => format!("a set of {}", crate::ui::count(attrs.len(), "attribute")),
        },
        Value::List(items) => format!("a list of {}", crate::ui::count(items.len(), "element")),
        Value::String(text) if text.context().is_some() => "a string with context".to_owned(),
        value => value.described().to_owned(),
    })
}

/// What is known of the attribute that the text names, and of the value it has.
fn known(
    session: &Session,
    text: &str,
) -> Result<(Option<Documentation>, Option<Documentation>), CommandError> {
    let eval = session.world.eval();
    let attr = session
        .attribute(text)
        .and_then(|attr| eval.attr_documentation(&attr));
    let value = session.evaluate(text).and_then(|value| {
        eval.documentation(&value)
            .map_err(|e| eval_error(session.world.language(), &e))
    });
    match (attr, value) {
        // What is documented need not have a value.
        (Some(attr), Err(_)) => Ok((Some(attr), None)),
        (attr, value) => Ok((attr, value?)),
    }
}

fn describe(session: &Session, text: &str) -> Result<String, CommandError> {
    let (attr, value) = known(session, text)?;
    let is_documented = |doc: &&Documentation| doc.text.is_some();
    let docs = [value, attr];
    let docs: Vec<&Documentation> = docs.iter().flatten().collect();
    let best = docs.iter().copied().find(is_documented);
    let Some(doc) = best.or(docs.first().copied()) else {
        return Err(CommandError::other("nothing is known about this value")
            .hint("builtins, functions and attributes of files have documentation"));
    };
    let head = match &doc.at {
        Some(at) => format!("{} at {at}", doc.title),
        None => doc.title.clone(),
    };
    let text = doc.text.as_deref().unwrap_or("no documentation");
    Ok(format!("{head}\n\n{text}"))
}

fn source(session: &Session, text: &str) -> Result<String, CommandError> {
    let (attr, value) = known(session, text)?;
    let places = [value, attr].into_iter().flatten();
    let lines: Vec<String> = places
        .filter_map(|doc| Some(format!("{} at {}", doc.title, doc.at?)))
        .collect();
    if lines.is_empty() {
        return Err(CommandError::other(
            "this value has no place in a file: only functions and attributes have one",
        ));
    }
    Ok(lines.join("\n"))
}

//! `repl`: reads expressions, bindings and commands, evaluates them and prints their values.
//!
//! On a terminal with line editing; else standard input is a script. Invariant: a failed input ends
//! neither the session nor its variables.

mod build;
mod command;
mod complete;
mod editor;
mod session;

use std::cell::RefCell;
use std::io::{BufRead, IsTerminal};
use std::rc::Rc;

use xsc_eval::Input;

use self::command::Command;
use self::session::Session;
use super::Cancel;
use crate::args::Repl;
use crate::context::Context;
use crate::error::CommandError;

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Input,
    Quit,
}

pub(crate) fn run(context: &Context, args: &Repl, cancel: &Cancel) -> Result<(), CommandError> {
    let session = Session::open(context, args, cancel)?;
    if std::io::stdin().is_terminal() {
        return editor::run(context, session, cancel);
    }
    script(context, session, cancel)
}

/// Standard input, input by input; a failure is told at once, and in the exit code.
fn script(context: &Context, mut session: Session, cancel: &Cancel) -> Result<(), CommandError> {
    let mut text = String::new();
    let mut failures = 0;
    let mut lines = std::io::stdin().lock().lines();
    loop {
        let line = lines
            .next()
            .transpose()
            .map_err(|e| CommandError::other(format!("cannot read standard input: {e}")))?;
        let is_end = line.is_none();
        text.push_str(line.as_deref().unwrap_or(""));
        if !is_end && is_incomplete(&text) {
            text.push('\n');
            continue;
        }
        let input = std::mem::take(&mut text);
        match process(context, &mut session, &input, cancel) {
            Ok(Next::Input) => {}
            Ok(Next::Quit) => break,
            Err(error) => {
                failures += 1;
                eprint!("{}", error.render(context.json));
            }
        }
        if is_end {
            break;
        }
    }
    match failures {
        0 => Ok(()),
        1 => Err(CommandError::other("one input failed")),
        count => Err(CommandError::other(format!("{count} inputs failed"))),
    }
}

/// Whether more lines belong to the same input.
fn is_incomplete(text: &str) -> bool {
    match Command::split(text) {
        Some((_, argument)) => Input::of(argument) == Input::Incomplete,
        None => Input::of(text) == Input::Incomplete,
    }
}

/// One input: a command, bindings or an expression.
fn process(
    context: &Context,
    session: &mut Session,
    text: &str,
    cancel: &Cancel,
) -> Result<Next, CommandError> {
    // An interruption ends one input only.
    cancel.store(false, std::sync::atomic::Ordering::SeqCst);
    if let Some((name, argument)) = Command::split(text) {
        return Command::named(name)?.run(context, session, argument, cancel);
    }
    match Input::of(text) {
        Input::Empty => {}
        Input::Bindings => session.bind(text)?,
        Input::Expression | Input::Incomplete => {
            let value = session.evaluate(text)?;
            super::print(&session.show(&value, Some(1))?);
        }
    }
    Ok(Next::Input)
}

/// What the line editor shares with the session: completion looks at it while a line is typed.
type Shared = Rc<RefCell<Session>>;

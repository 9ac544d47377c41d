//! The prompt on a terminal: line editing, history, continuation lines, completion.
//!
//! The only user of rustyline. Invariant: the history holds what was typed, one input an entry, and a
//! history that cannot be read or written is no failure.

use std::path::Path;

use rustyline::completion::{Completer, Pair};
use rustyline::config::Config;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::{FileHistory, History};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Editor, Helper};

use super::session::Session;
use super::{Next, Shared, complete, is_incomplete, process};
use crate::commands::Cancel;
use crate::context::Context;
use crate::error::CommandError;

const PROMPT: &str = "xsc> ";

/// Inputs that are kept.
const HISTORY: usize = 2_000;

struct Prompt {
    session: Shared,
}

pub(super) fn run(
    context: &Context,
    session: Session,
    cancel: &Cancel,
) -> Result<(), CommandError> {
    let failed = |e: ReadlineError| CommandError::other(format!("cannot use the terminal: {e}"));
    let config = Config::builder()
        .max_history_size(HISTORY)
        .map_err(failed)?
        .completion_type(CompletionType::List)
        .history_ignore_space(true)
        .build();
    let session = Shared::new(session.into());
    let mut editor: Editor<Prompt, FileHistory> = Editor::with_config(config).map_err(failed)?;
    editor.set_helper(Some(Prompt {
        session: session.clone(),
    }));
    if let Some(file) = &context.history {
        let _ = editor.load_history(file);
    }
    if !context.quiet {
        let root = session.borrow().world.place().root;
        crate::ui::say(&format!(
            "{} is `/`; `:?` lists the commands",
            root.display()
        ));
    }
    loop {
        let line = match editor.readline(PROMPT) {
            Ok(line) => line,
            // Ctrl-C drops the line, Ctrl-D on an empty one ends the session.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(failed(error)),
        };
        if line.trim().is_empty() {
            continue;
        }
        let _ = editor.add_history_entry(line.as_str());
        match process(context, &mut session.borrow_mut(), &line, cancel) {
            Ok(Next::Input) => {}
            Ok(Next::Quit) => break,
            Err(error) => eprint!("{}", error.render(context.json)),
        }
    }
    if let Some(file) = &context.history {
        save(&mut editor, file);
    }
    Ok(())
}

/// Appends what was typed; there is nothing to do about a disk that refuses it.
fn save(editor: &mut Editor<Prompt, FileHistory>, file: &Path) {
    if let Some(dir) = file.parent() {
        let _ = std::fs::create_dir_all(dir);
    }
    let _ = editor.history_mut().append(file);
}

impl Completer for Prompt {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let session = self.session.borrow();
        let place = session.world.place();
        let scope = complete::Scope {
            eval: session.world.eval(),
            variables: &session.variables,
            root: &place.root,
            directory: &place.directory(),
        };
        let (start, texts) = scope.complete(&line[..pos]);
        let pair = |text: String| Pair {
            display: text.clone(),
            replacement: text,
        };
        Ok((start, texts.into_iter().map(pair).collect()))
    }
}

impl Validator for Prompt {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        Ok(match is_incomplete(context.input()) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Hinter for Prompt {
    type Hint = String;
}

impl Highlighter for Prompt {}

impl Helper for Prompt {}

//! `cat`: a file's content out of an image.
//!
//! Invariant: standard output has the file's bytes and nothing else.

use std::io::{self, Write};

use super::{file, open, shown};
use crate::args::Cat;
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(_context: &Context, args: &Cat) -> Result<(), CommandError> {
    let word = &args.image.image;
    let image = open(word)?;
    let (path, content) = file(word, &*image, &args.path)?;
    let mut out = io::stdout().lock();
    let copied = io::copy(&mut content.reader(), &mut out).and_then(|_| out.flush());
    match copied {
        // Who reads the output may stop.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(CommandError::other(format!(
            "{word}: cannot copy `{}`: {error}",
            shown(&path)
        ))),
        Ok(()) => Ok(()),
    }
}

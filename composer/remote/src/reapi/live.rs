//! A command's output while it runs elsewhere, where the engine offers it as a stream.
//!
//! `execute` passes on through it what comes, and then what the finished action's result has. Invariant: the log ends
//! with the whole output as the result has it; what was passed on before is its beginning, or a line says where the
//! other begins.

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};

use bazel_remote_apis::google::bytestream::ReadRequest;
use tokio::task::JoinHandle;

use super::client::Client;
use crate::CacheError;

/// How much is passed on while it comes; it is kept to be compared with the result.
const MOST: usize = 32 << 20;

/// The line before output that is not what goes on from the lines before it.
const ANEW: &[u8] = b"\n[the engine's log from here on]\n";

/// A log that may be written to while the command runs.
pub(crate) struct Live<'l> {
    log: Option<&'l mut dyn Write>,
    /// What was passed on.
    heard: Vec<u8>,
    /// How much of that the result has confirmed.
    confirmed: usize,
    stream: Option<Stream>,
}

/// A stream that is being read.
struct Stream {
    name: String,
    parts: Receiver<Vec<u8>>,
    task: JoinHandle<()>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<'l> Live<'l> {
    pub(crate) fn to(log: &'l mut dyn Write) -> Self {
        Live {
            log: Some(log),
            ..Live::nowhere()
        }
    }

    /// For a command whose output nobody wants while it runs.
    pub(crate) fn nowhere() -> Self {
        Live {
            log: None,
            heard: Vec::new(),
            confirmed: 0,
            stream: None,
        }
    }

    /// The command starts once more.
    pub(crate) fn again(&mut self) -> Result<(), CacheError> {
        self.stream = None;
        if self.heard.is_empty() {
            return Ok(());
        }
        self.heard.clear();
        self.pass_on(ANEW)
    }

    /// Reads the stream of this name from now on, if that is not done yet.
    pub(crate) fn follow(&mut self, client: &Client, name: &str) -> Result<(), CacheError> {
        let known = self.stream.as_ref().is_some_and(|s| s.name == name);
        if known || self.log.is_none() || name.is_empty() {
            return Ok(());
        }
        self.again()?;
        let connection = client.connection()?;
        let request = ReadRequest {
            resource_name: name.to_owned(),
            read_offset: 0,
            read_limit: 0,
        };
        let (sender, parts) = channel();
        // A stream that cannot be read is none: the result has everything.
        let task = client.runtime().spawn(async move {
            let Ok(answer) = connection.streams().read(request).await else {
                return;
            };
            let mut stream = answer.into_inner();
            while let Ok(Some(part)) = stream.message().await {
                if sender.send(part.data).is_err() {
                    return;
                }
            }
        });
        self.stream = Some(Stream {
            name: name.to_owned(),
            parts,
            task,
        });
        Ok(())
    }

    /// Passes on what has come.
    pub(crate) fn drain(&mut self) -> Result<(), CacheError> {
        let Some(stream) = &self.stream else {
            return Ok(());
        };
        let more: Vec<u8> = stream.parts.try_iter().flatten().collect();
        if self.heard.len() + more.len() > MOST {
            // The name stays, so that it is not read anew.
            stream.task.abort();
            return Ok(());
        }
        self.pass_on(&more)?;
        self.heard.extend(more);
        Ok(())
    }

    /// The command has ended: what is written now is its whole output.
    pub(crate) fn result(&mut self) -> &mut dyn Write {
        self.stream = None;
        self.confirmed = 0;
        self
    }

    fn pass_on(&mut self, bytes: &[u8]) -> Result<(), CacheError> {
        self.put(bytes).map_err(|source| CacheError::Local {
            action: "write the log".to_owned(),
            source,
        })
    }

    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match &mut self.log {
            Some(log) if !bytes.is_empty() => log.write_all(bytes),
            _ => Ok(()),
        }
    }
}

impl Write for Live<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let left = &self.heard[self.confirmed..];
        let compared = left.len().min(bytes.len());
        if left[..compared] == bytes[..compared] {
            self.confirmed += compared;
            self.put(&bytes[compared..])?;
            return Ok(bytes.len());
        }
        // What was passed on is not how it begins: all of it again.
        let begun = std::mem::take(&mut self.heard);
        self.put(ANEW)?;
        self.put(&begun[..self.confirmed])?;
        self.confirmed = 0;
        self.put(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.log {
            Some(log) => log.flush(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The log after `heard` was passed on and the result came in these parts.
    fn log(heard: &str, result: &[&str]) -> String {
        let mut log = Vec::new();
        let mut live = Live::to(&mut log);
        live.pass_on(heard.as_bytes()).unwrap();
        live.heard = heard.into();
        let out = live.result();
        for part in result {
            out.write_all(part.as_bytes()).unwrap();
        }
        String::from_utf8(log).unwrap()
    }

    #[test]
    fn the_result_goes_on_where_the_stream_ended() {
        assert_eq!(log("", &["a\nb\n"]), "a\nb\n");
        assert_eq!(log("a\n", &["a\nb\n", "c\n"]), "a\nb\nc\n");
        assert_eq!(log("a\nb\n", &["a", "\nb", "\nc\n"]), "a\nb\nc\n");
        // A result that was cut short has nothing to add.
        assert_eq!(log("a\nb\n", &["a\n"]), "a\nb\n");
    }

    #[test]
    fn a_stream_of_something_else_is_told_apart() {
        let anew = std::str::from_utf8(ANEW).unwrap();
        assert_eq!(
            log("a\nX\n", &["a", "\nb\n", "c\n"]),
            format!("a\nX\n{anew}a\nb\nc\n")
        );
    }
}

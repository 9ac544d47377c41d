//! The Nix language: lowering from rnix, scopes, lazy values, builtins, errors with spans.
//!
//! `Evaluator` is the entry point; hosts add builtins and globals through its builder and read results
//! with `AttrsReader`. Invariant: evaluation reads files through `EvalIo` only, and nothing else of the
//! machine: not the environment, not the clock, not the network.

mod attr_path;
mod budget;
mod builtins;
mod convert;
mod error;
mod evaluator;
mod expr;
mod hash;
mod interactive;
mod interp;
mod io;
mod json;
mod lower;
mod path;
mod print;
mod reader;
mod scope;
mod settings;
mod source;
mod stack;
mod store;
mod symbol;
mod value;

pub use attr_path::split_attr_path;
pub use error::{Detail, ERROR_CODES, ErrorKind, EvalError, Frame, FrameKind, SyntaxError};
pub use evaluator::{Builder, Evaluator};
pub use expr::LambdaId;
pub use interactive::{Documentation, Variables};
pub use io::{EvalIo, FileType, IoError, MemoryIo, StdIo};
pub use json::json_text;
pub use lower::Input;
pub use print::{PrintOptions, is_plain_name};
pub use reader::AttrsReader;
pub use settings::Feature;
pub use source::{FileId, Location, Pos, Span};
pub use store::{FetchRequest, SourceRequest, Store};
pub use symbol::Symbol;
pub use value::{
    Attr, Attrs, Context, Env, External, LazyValue, List, NixPath, NixString, PartialCall, Value,
};

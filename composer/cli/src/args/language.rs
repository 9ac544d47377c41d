//! The arguments of `eval` and `repl`.
//!
//! Invariant: what a word stands for, profile or attribute path, is settled in the verb's own file.

use std::path::PathBuf;

use clap::Args;
use xsc_eval::Feature;

/// How the language is understood; shared by `eval` and `repl`.
#[derive(Debug, Args)]
pub(crate) struct LanguageFlags {
    /// Switch on a part of the language that is off, such as `pipe-operators`; may be repeated.
    #[arg(long, value_name = "NAME", value_delimiter = ' ', value_parser = feature)]
    pub(crate) extra_experimental_features: Vec<Feature>,
}

fn feature(name: &str) -> Result<Feature, String> {
    Feature::from_name(name).ok_or_else(|| {
        let known = Feature::ALL.map(Feature::name);
        format!("known are {}", known.join(", "))
    })
}

/// Named arguments for the functions that `eval` calls by itself.
#[derive(Debug, Args)]
pub(crate) struct CallFlags {
    /// Give the argument NAME the value of EXPR, where a function takes it.
    #[arg(long = "arg", num_args = 2, value_names = ["NAME", "EXPR"], allow_hyphen_values = true)]
    pub(crate) expressions: Vec<String>,

    /// Give the argument NAME the string VALUE, where a function takes it.
    #[arg(long = "argstr", num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true)]
    pub(crate) strings: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = EVAL_HELP)]
pub(crate) struct Eval {
    /// The profile, and then an attribute path such as `config.boot` or `pkgs.linux.kernel.name`. With
    /// -f only the attribute path; with -E likewise, unless the first word ends in `.toml`.
    #[arg(value_names = ["PROFILE", "ATTR"], num_args = 0..=2)]
    pub(crate) words: Vec<String>,

    /// Evaluate EXPR, or standard input where it is `-`. What a PROFILE has is in scope.
    #[arg(
        short = 'E',
        long = "expr",
        value_name = "EXPR",
        allow_hyphen_values = true
    )]
    pub(crate) expression: Option<String>,

    /// Evaluate FILE, the default.nix of a folder, or standard input where it is `-`.
    #[arg(short, long, value_name = "FILE", conflicts_with = "expression")]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) call: CallFlags,

    #[command(flatten)]
    pub(crate) language: LanguageFlags,

    /// Fail if anything inside fails, and print one line in the language: what Nix prints for
    /// `nix-instantiate --eval --strict`. With --json: what `builtins.toJSON` gives.
    #[arg(long)]
    pub(crate) strict: bool,

    /// Print a string or path as it is, without quotes or newline.
    #[arg(long, conflicts_with_all = ["json", "strict"])]
    pub(crate) raw: bool,
}

const EVAL_HELP: &str = "Without --strict the value is shown as a tree: derivations by their name, and \
what fails inside in its place. Functions of named arguments are called with --arg, --argstr and their \
defaults, also on the way of ATTR.\n\nFiles are read below one folder, which is `/` in paths: the repository \
around FILE or the current directory, else the folder of FILE or the current directory itself.";

#[derive(Debug, Args)]
#[command(after_help = REPL_HELP)]
pub(crate) struct Repl {
    /// A profile (a name ending in `.toml`), whose recipes are in scope, or a file to load.
    #[arg(value_name = "PROFILE|FILE")]
    pub(crate) what: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) language: LanguageFlags,
}

const REPL_HELP: &str = "Type an expression, bindings such as `x = 1`, or `:?` for the commands. Files are \
read below one folder: the repository, else the folder of FILE or the current directory. Where standard \
input is no terminal, it is a script: values go to standard output, and the exit code is 1 if an input \
failed.";

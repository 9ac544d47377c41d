//! `options`: what modules declare, for people, for editors, and as the page docs/options.md.
//!
//! Invariant: no lock is read and no recipe evaluated, and options for modules among themselves are in
//! the JSON only, or shown where they are named.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use xsc_eval::split_attr_path;
use xsc_instantiate::{Evaluated, Language, OptionInfo, OptionPlace};

use super::{hooks, print, read_profile};
use crate::args::Options;
use crate::context::{Context, Repository};
use crate::error::{CommandError, instantiate_error};

/// What docs/options.md begins with.
const HEAD: &str = "# Options

What a profile's `[options]` table and modules can set. Values are written in the Nix language here; in TOML a
list is `[\"a\", \"b\"]`, and `boot.cmdline` is a key of that name. `<name>` and `<entry>` stand for any attribute
of a set and any entry of a list. `just options` makes this page of modules/.
";

pub(crate) fn run(context: &Context, args: &Options) -> Result<(), CommandError> {
    let (repository, profile) = match &args.profile {
        Some(path) => {
            read_profile(path).map(|(repository, profile)| (repository, Some(profile)))?
        }
        None => (Repository::find(Path::new("."))?, None),
    };
    let language = Language::open(
        &repository.root,
        xsc_build::source_tree_id,
        hooks(context, None, &[]),
    );
    let all = language
        .and_then(|language| xsc_instantiate::options(&language, profile.as_ref()))
        .map_err(|e| instantiate_error(&e))?;
    let wanted = select(&all, args.path.as_deref(), context.json)?;
    let text = if context.json {
        let options: Vec<Value> = wanted.iter().map(|option| object(option)).collect();
        let value = json!({ "version": 1, "options": options });
        serde_json::to_string_pretty(&value).expect("a JSON value can be written")
    } else if args.markdown {
        page(&wanted)
    } else {
        let entries: Vec<String> = wanted.iter().map(|option| entry(option)).collect();
        entries.join("\n")
    };
    print(text.trim_end());
    Ok(())
}

/// The options at or under a path.
fn select<'a>(
    all: &'a [OptionInfo],
    path: Option<&str>,
    internal: bool,
) -> Result<Vec<&'a OptionInfo>, CommandError> {
    let shown = |option: &&OptionInfo| internal || !option.internal;
    let Some(path) = path else {
        return Ok(all.iter().filter(shown).collect());
    };
    let parts = split_attr_path(path).ok_or_else(|| {
        CommandError::usage(format!("`{path}` is not a path such as `boot.cmdline`"))
    })?;
    let found: Vec<&OptionInfo> = all
        .iter()
        .filter(|option| option.loc.starts_with(&parts))
        .filter(|option| option.loc == parts || shown(option))
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let error = CommandError::usage(format!("no module declares an option `{path}`"));
    // Groups of options can be misspelt, too.
    let names = all.iter().flat_map(|option| {
        let ends = option.name.match_indices('.').map(|(at, _)| at);
        ends.chain([option.name.len()])
            .map(|end| &option.name[..end])
    });
    Err(match xsc_profile::closest(path, names) {
        Some(close) => error.hint(format!("did you mean {close}?")),
        None => error.hint("`xsc-compose options` lists them all"),
    })
}

fn place(place: &OptionPlace) -> String {
    match place.line {
        Some(line) => format!("{}:{line}", place.file),
        None => place.file.clone(),
    }
}

fn places(places: &[OptionPlace]) -> String {
    places.iter().map(place).collect::<Vec<_>>().join(", ")
}

fn evaluated(text: &Evaluated<String>) -> String {
    match text {
        Ok(text) => text.clone(),
        Err(problem) => format!("unknown: {problem}"),
    }
}

fn entry(option: &OptionInfo) -> String {
    let mut text = format!("{}\n", option.name);
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<9} {value}");
    };
    if let Some(description) = &option.description {
        line(
            "about",
            &description.trim_end().replace('\n', "\n            "),
        );
    }
    line("type", &option.kind);
    match &option.default {
        Some(default) => line("default", &evaluated(default)),
        None => line("default", "none, it has to be set where it is used"),
    }
    if let Some(example) = &option.example {
        line("example", &evaluated(example));
    }
    if option.read_only {
        line("set", "by the module that declares it only");
    }
    line("declared", &places(&option.declared));
    match &option.value {
        Some(Ok((value, _))) => {
            line("value", value);
            if option.defined.is_empty() {
                line("from", "the default");
            } else {
                line("from", &places(&option.defined));
            }
        }
        Some(Err(problem)) => line("value", &format!("none: {problem}")),
        None => {}
    }
    text
}

fn object(option: &OptionInfo) -> Value {
    let place = |place: &OptionPlace| json!({ "file": place.file, "line": place.line });
    let places = |places: &[OptionPlace]| places.iter().map(place).collect::<Vec<_>>();
    let text = |text: &Option<Evaluated<String>>| text.as_ref().and_then(|text| text.clone().ok());
    let mut object = json!({
        "name": option.name,
        "loc": option.loc,
        "type": option.kind,
        "description": option.description,
        "default": text(&option.default),
        "example": text(&option.example),
        "read_only": option.read_only,
        "internal": option.internal,
        "declared": places(&option.declared),
    });
    match &option.value {
        Some(Ok((_, value))) => {
            object["value"] = value.clone();
            object["defined"] = json!(places(&option.defined));
        }
        Some(Err(problem)) => object["problem"] = json!(problem),
        None => {}
    }
    object
}

fn page(options: &[&OptionInfo]) -> String {
    let mut text = HEAD.to_owned();
    for option in options {
        let _ = writeln!(text, "\n## `{}`\n", option.name);
        if let Some(description) = &option.description {
            let _ = writeln!(text, "{}\n", description.trim_end());
        }
        let mut line = |label: &str, value: &str| {
            let _ = writeln!(text, "- {label}: {value}");
        };
        line("Type", &plain(&option.kind));
        match &option.default {
            Some(default) => line("Default", &code(&evaluated(default))),
            None => line("Default", "none, it has to be set where it is used"),
        }
        if let Some(example) = &option.example {
            line("Example", &code(&evaluated(example)));
        }
        // Without lines, which every edit above would change.
        let files: Vec<String> = option
            .declared
            .iter()
            .map(|place| format!("[{0}](../{0})", place.file))
            .collect();
        line("Declared in", &files.join(", "));
    }
    text
}

/// Text in which nothing is mark-up.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        if matches!(c, '*' | '_' | '<' | '`' | '\\') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// A code span, however many backticks the text has.
fn code(text: &str) -> String {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

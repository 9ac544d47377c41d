//! Attestations of `verify`: what was found is signed into a file, and a file of others is weighed.
//!
//! Invariant: an attestation counts only if a key of [trust] signed it and it is about this action and the outputs that
//! are here; whatever does not count is named with its line.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::DateTime;
use serde_json::{Value, json};
use xsc_build::{Aspect, Verdict, Verified, Work, work_of};
use xsc_model::{ActionId, DrvId, Graph, Realisation};
use xsc_remote::{Attestation, Found, SignedAttestation, Trust};
use xsc_store::Store;

use super::{Opened, print};
use crate::args::Verify;
use crate::caches;
use crate::context::Context;
use crate::error::{CommandError, exit};
use crate::ui::{count, say};

/// Signs what was found of everything that was built again, into `file`.
pub(crate) fn write(
    context: &Context,
    args: &Verify,
    file: &Path,
    known: &BTreeMap<DrvId, Realisation>,
    checked: &[Verified],
) -> Result<(), CommandError> {
    let Some(signer) = caches::signer(context, args.key.as_deref())? else {
        return Err(no_key());
    };
    let mut bytes = Vec::new();
    for one in checked {
        let found = match &one.verdict {
            // Its hash says what it is; nobody built it again.
            Verdict::Fixed => continue,
            Verdict::Identical => Found::Identical,
            Verdict::Different(d) => Found::Different(d.output.clone(), d.found),
            Verdict::Failed { round, .. } => Found::Failed(*round),
        };
        let varied = match one.varied {
            true => Aspect::ALL
                .iter()
                .map(|aspect| aspect.to_string())
                .collect(),
            false => Vec::new(),
        };
        let attestation = Attestation {
            action: one.action,
            outputs: known[&one.drv].outputs.clone(),
            rounds: args.rounds,
            varied,
            found,
            verifier: signer.builder.clone(),
            time: (signer.now)(),
        };
        bytes.extend(SignedAttestation::sign(attestation, &signer.key).to_bytes());
    }
    std::fs::write(file, bytes)
        .map_err(|error| CommandError::other(format!("cannot write {}: {error}", file.display())))
}

/// Fails early where there is nothing to sign with: building again takes long.
pub(crate) fn check_key(context: &Context, args: &Verify) -> Result<(), CommandError> {
    match caches::signer(context, args.key.as_deref())? {
        Some(_) => Ok(()),
        None => Err(no_key()),
    }
}

fn no_key() -> CommandError {
    CommandError::usage("there is no key to sign with").hint(
        "`xsc-compose keygen NAME` makes one; give it with --key FILE, or as `signing-key` in config.toml",
    )
}

/// What trusted keys say, by action; and what in the file does not count.
struct Read {
    trusted: BTreeMap<ActionId, Vec<SignedAttestation>>,
    refused: Vec<String>,
}

fn read(file: &Path, trust: &Trust) -> Result<Read, CommandError> {
    let shown = file.display();
    let bytes = std::fs::read(file)
        .map_err(|error| CommandError::usage(format!("cannot read {shown}: {error}")))?;
    let mut found = Read {
        trusted: BTreeMap::new(),
        refused: Vec::new(),
    };
    for (line, signed) in SignedAttestation::read_all(&bytes) {
        let problem = match signed {
            Err(error) => format!("no attestation: {error}"),
            Ok(signed) => {
                let name = signed.key();
                match trust.keys().iter().find(|key| key.name() == name) {
                    None => format!("signed with `{name}`, which [trust] does not name"),
                    Some(key) if !signed.verify(key) => {
                        format!("forged: it names the key `{name}`, which did not sign it")
                    }
                    Some(_) => {
                        let action = signed.attestation().action;
                        found.trusted.entry(action).or_default().push(signed);
                        continue;
                    }
                }
            }
        };
        found
            .refused
            .push(format!("{shown}:{line}: {problem}; not used"));
    }
    Ok(found)
}

/// What is known of one derivation.
enum Standing<'a> {
    Fixed,
    NotBuilt,
    NotAttested,
    Identical(&'a Attestation, Vec<&'a SignedAttestation>),
    Bad(&'a SignedAttestation, String),
}

fn standing<'a>(realisation: Option<&Realisation>, read: &'a Read) -> Standing<'a> {
    let Some(realisation) = realisation else {
        return Standing::NotBuilt;
    };
    let said = read.trusted.get(&realisation.action);
    let said = said.map_or(&[][..], Vec::as_slice);
    let mut good = Vec::new();
    for signed in said {
        let attestation = signed.attestation();
        if attestation.outputs != realisation.outputs {
            let text = "is about another result than the one here".to_owned();
            return Standing::Bad(signed, text);
        }
        match &attestation.found {
            Found::Identical => good.push(signed),
            Found::Different(output, tree) => {
                let text = format!("saw another output {output}: {}", tree.short());
                return Standing::Bad(signed, text);
            }
            Found::Failed(round) => {
                return Standing::Bad(signed, format!("could not build it in round {round}"));
            }
        }
    }
    let most = good.iter().max_by_key(|signed| signed.attestation().rounds);
    match most {
        Some(most) => Standing::Identical(most.attestation(), good),
        None => Standing::NotAttested,
    }
}

fn who(signed: &SignedAttestation) -> String {
    let Attestation { verifier, time, .. } = signed.attestation();
    let time = i64::try_from(*time).ok();
    let day = time.and_then(|time| DateTime::from_timestamp(time, 0));
    let day = day.map_or("?".to_owned(), |day| day.format("%Y-%m-%d").to_string());
    format!("{} ({verifier}, {day})", signed.key())
}

/// Says what the attestations in `file` prove about the results of this store; builds nothing.
pub(crate) fn weigh(
    context: &Context,
    file: &Path,
    opened: &Opened,
    store: &Store,
    graph: &Graph,
    targets: &[DrvId],
) -> Result<(), CommandError> {
    let trust = caches::trust(&opened.flake)?;
    if trust.keys().is_empty() {
        return Err(CommandError::usage(format!(
            "{} trusts nobody, so no attestation counts",
            opened.flake.file
        ))
        .hint("name the keys of those who verify: [trust] keys = [\"NAME:BASE64\"]"));
    }
    let read = read(file, &trust)?;
    for refused in &read.refused {
        say(&format!("warning: {refused}"));
    }
    let plan = caches::plan_here(context, &opened.flake, store, graph, targets)?;
    let (mut identical, mut fixed) = (0, 0);
    let (mut open, mut bad): (Vec<&str>, Vec<&str>) = Default::default();
    let mut results = Vec::new();
    for id in targets {
        let Some(drv) = graph.get(id) else { continue };
        let name = drv.name.as_str();
        let standing = match work_of(drv) {
            Work::Fetch => Standing::Fixed,
            _ => standing(plan.known.get(id), &read),
        };
        let (word, text) = match &standing {
            Standing::Fixed => {
                fixed += 1;
                ("fixed", None)
            }
            Standing::NotBuilt => {
                open.push(name);
                ("not built", Some("is not built here".to_owned()))
            }
            Standing::NotAttested => {
                open.push(name);
                ("not attested", Some("is not attested".to_owned()))
            }
            Standing::Identical(most, by) => {
                identical += 1;
                let by: Vec<String> = by.iter().map(|signed| who(signed)).collect();
                let rebuilds = count(most.rounds as usize, "rebuild");
                let text = format!("identical after {rebuilds}, says {}", by.join(", "));
                ("identical", Some(text))
            }
            Standing::Bad(by, what) => {
                bad.push(name);
                ("not reproducible", Some(format!("{} {what}", who(by))))
            }
        };
        if context.json {
            results.push(as_json(name, id, word, &standing));
        } else if let Some(text) = text {
            print(&format!("{name}: {text}"));
        }
    }
    if context.json {
        let value = json!({
            "version": 1,
            "identical": identical,
            "fixed": fixed,
            "not_attested": open,
            "bad": bad,
            "refused": read.refused,
            "results": results,
        });
        print(&value.to_string());
    } else {
        print(&format!(
            "{identical} attested as identical, {fixed} fixed by hash, {} not attested, {} not reproducible",
            open.len(),
            bad.len()
        ));
    }
    match (bad.first(), open.first(), read.refused.first()) {
        (Some(name), _, _) => Err(CommandError::new(
            exit::NOT_REPRODUCIBLE,
            format!("{name} is not reproducible, as somebody who is trusted attests"),
        )),
        (None, Some(name), _) => Err(CommandError::other(format!(
            "nobody who is trusted attests that {name} is reproducible"
        ))
        .hint("`xsc-compose verify --attest FILE` builds it again and says so")),
        (None, None, Some(_)) => Err(CommandError::other(format!(
            "{} holds what does not count",
            file.display()
        ))),
        (None, None, None) => Ok(()),
    }
}

fn as_json(name: &str, id: &DrvId, word: &str, standing: &Standing<'_>) -> Value {
    let mut value = json!({ "name": name, "derivation": id.to_string(), "verdict": word });
    let by = match standing {
        Standing::Identical(_, by) => by.clone(),
        Standing::Bad(by, _) => vec![*by],
        _ => Vec::new(),
    };
    value["by"] = by
        .iter()
        .map(|signed| {
            let Attestation {
                rounds,
                varied,
                found,
                verifier,
                time,
                ..
            } = signed.attestation();
            json!({
                "key": signed.key().as_str(),
                "rounds": rounds,
                "varied": varied,
                "found": found.to_string(),
                "verifier": verifier,
                "time": time,
            })
        })
        .collect();
    value
}

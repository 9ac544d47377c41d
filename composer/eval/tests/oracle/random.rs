//! Random expressions, evaluated by Nix and by us: equal values, or errors on both sides.
//!
//! XSC_ORACLE_CASES sets their number, XSC_ORACLE_SEED the seed (both have defaults, so that a run in CI is
//! always the same). Invariant: what is reported has been shrunk as far as the two still disagree.

use proptest::collection::vec;
use proptest::num::u16::ANY;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::generate::expression;
use crate::nix::{Oracle, Outcome, Workspace};

/// Cases of a run that asks for no number, and how many are evaluated together.
const CASES: usize = 1000;
const ROUND: usize = 500;

/// Disagreements that one run reports; and attempts to make one smaller.
const REPORTED: usize = 5;
const SHRINKS: usize = 400;

fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| {
        text.parse().expect("the setting is a number")
    })
}

fn disagree(pair: &(Outcome, Outcome)) -> bool {
    !pair.0.agrees(&pair.1)
}

#[test]
fn random_expressions_agree_with_nix() {
    let oracle = match Oracle::find() {
        Ok(oracle) => oracle,
        Err(reason) => {
            println!("skipped: {reason}");
            return;
        }
    };
    let cases = setting("XSC_ORACLE_CASES", CASES as u64);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&setting("XSC_ORACLE_SEED", 1).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let tapes = vec(ANY, 1..120);
    let workspace = Workspace::new(oracle.is_modern());
    let (mut done, mut values, mut reports) = (0, 0, Vec::new());
    let start = std::time::Instant::now();
    while done < cases && reports.len() < REPORTED {
        let mut trees: Vec<_> = (0..ROUND)
            .map(|_| {
                tapes
                    .new_tree(&mut runner)
                    .expect("the strategy has no filters")
            })
            .collect();
        let text = |tape: &[u16]| expression(tape, oracle.is_modern());
        let texts: Vec<String> = trees.iter().map(|tree| text(&tree.current())).collect();
        let outcomes = workspace.compare(&oracle, &texts);
        for (index, pair) in outcomes.into_iter().enumerate() {
            values += usize::from(matches!(pair.0, Outcome::Value(_)));
            if !disagree(&pair) || reports.len() == REPORTED {
                continue;
            }
            let tree = &mut trees[index];
            let mut smallest = (texts[index].clone(), pair);
            let mut going = tree.simplify();
            for _ in 0..SHRINKS {
                if !going {
                    break;
                }
                let text = text(&tree.current());
                let pair = workspace
                    .compare(&oracle, std::slice::from_ref(&text))
                    .remove(0);
                if disagree(&pair) {
                    if text.len() <= smallest.0.len() {
                        smallest = (text, pair);
                    }
                    going = tree.simplify();
                } else {
                    going = tree.complicate();
                }
            }
            let (text, (theirs, ours)) = smallest;
            reports.push(format!("{text}\n  Nix:  {theirs:?}\n  ours: {ours:?}"));
        }
        done += ROUND as u64;
    }
    println!(
        "{done} expressions, {values} of them values, compared with Nix {}.{} in {} s",
        oracle.version.0,
        oracle.version.1,
        start.elapsed().as_secs()
    );
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
}

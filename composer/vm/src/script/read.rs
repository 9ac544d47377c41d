//! Reads a script: one word and its argument a line, `#` begins a line that is for people.
//!
//! Called by the command line with the text of a file. Invariant: an error names the line and what it may say instead.

use std::time::Duration;

use super::{Action, Script, Step};

/// How long a step may take unless the script says.
const LIMIT: Duration = Duration::from_secs(120);

/// Why a text is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

const WORDS: &str = "expect, send, login, shell, run, fails, says, lacks, limit";

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn parse(text: &str) -> Result<Script, ScriptError> {
        let mut steps: Vec<Step> = Vec::new();
        let mut limit = LIMIT;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let problem = |problem: String| ScriptError {
                line: index + 1,
                problem,
            };
            if let Some(found) = line.chars().find(|c| c.is_control()) {
                return Err(problem(format!(
                    "it has a control character, `{}`",
                    found.escape_debug()
                )));
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let rest = rest.trim();
            let needed = |what: &str| match rest {
                "" => Err(problem(format!("`{word}` needs {what}"))),
                text => Ok(text.to_owned()),
            };
            let run = |succeeds| {
                Ok(Action::Run {
                    command: needed("a command")?,
                    succeeds,
                    says: Vec::new(),
                    lacks: Vec::new(),
                })
            };
            let action = match word {
                "expect" => Action::Expect(needed("the text to wait for")?),
                "send" => Action::Send(rest.to_owned()),
                "login" => {
                    let mut words = needed("a user and perhaps a password")?;
                    let password = words
                        .split_once(' ')
                        .map(|(user, rest)| (user.to_owned(), rest.trim().to_owned()));
                    let password = password.map(|(user, password)| {
                        words = user;
                        password
                    });
                    Action::Login {
                        user: words,
                        password,
                    }
                }
                "shell" if rest.is_empty() => Action::Shell,
                "shell" => return Err(problem("`shell` takes nothing".to_owned())),
                "run" => run(true)?,
                "fails" => run(false)?,
                "says" | "lacks" => {
                    let text = needed("a text")?;
                    let Some(Action::Run { says, lacks, .. }) =
                        steps.last_mut().map(|step| &mut step.action)
                    else {
                        return Err(problem(format!(
                            "`{word}` is about the command before it, and there is none"
                        )));
                    };
                    if word == "says" { says } else { lacks }.push(text);
                    continue;
                }
                "limit" => {
                    let seconds = needed("a number of seconds")?;
                    let seconds = seconds.parse().ok().filter(|n| (1..=86_400).contains(n));
                    limit = Duration::from_secs(seconds.ok_or_else(|| {
                        problem("`limit` takes seconds, from 1 to 86400".to_owned())
                    })?);
                    continue;
                }
                _ => {
                    return Err(problem(format!("`{word}` is none of: {WORDS}")));
                }
            };
            steps.push(Step {
                text: line.to_owned(),
                action,
                limit,
            });
        }
        if steps.is_empty() {
            return Err(ScriptError {
                line: text.lines().count().max(1),
                problem: "the script does nothing".to_owned(),
            });
        }
        Ok(Script { steps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_step() {
        let script = Script::parse(
            "# a test\nlimit 300\n  login root a b \n\nlimit 9\nrun ls | wc\nsays 3\nlacks x y\nfails false\nsend\nshell\n",
        )
        .unwrap();
        let steps: Vec<(&str, u64)> = script
            .steps
            .iter()
            .map(|step| (step.text.as_str(), step.limit.as_secs()))
            .collect();
        assert_eq!(
            steps,
            [
                ("login root a b", 300),
                ("run ls | wc", 9),
                ("fails false", 9),
                ("send", 9),
                ("shell", 9)
            ]
        );
        assert_eq!(
            script.steps[0].action,
            Action::Login {
                user: "root".to_owned(),
                password: Some("a b".to_owned())
            }
        );
        assert_eq!(
            script.steps[1].action,
            Action::Run {
                command: "ls | wc".to_owned(),
                succeeds: true,
                says: vec!["3".to_owned()],
                lacks: vec!["x y".to_owned()]
            }
        );
    }

    #[test]
    fn what_is_no_script_is_told_by_line() {
        for (text, error) in [
            ("", "line 1: the script does nothing"),
            ("# only\n\n", "line 2: the script does nothing"),
            (
                "exspect a",
                "line 1: `exspect` is none of: expect, send, login, shell, run, fails, says, lacks, limit",
            ),
            (
                "shell\nexpect",
                "line 2: `expect` needs the text to wait for",
            ),
            ("run", "line 1: `run` needs a command"),
            (
                "login",
                "line 1: `login` needs a user and perhaps a password",
            ),
            ("shell bash", "line 1: `shell` takes nothing"),
            (
                "shell\nsays x",
                "line 2: `says` is about the command before it, and there is none",
            ),
            ("limit 0", "line 1: `limit` takes seconds, from 1 to 86400"),
            ("limit -1", "line 1: `limit` takes seconds, from 1 to 86400"),
            ("limit", "line 1: `limit` needs a number of seconds"),
            (
                "run a\u{7}b",
                "line 1: it has a control character, `\\u{7}`",
            ),
        ] {
            assert_eq!(
                Script::parse(text).unwrap_err().to_string(),
                error,
                "{text:?}"
            );
        }
    }
}

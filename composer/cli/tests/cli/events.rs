//! `--log-format`: the lines of JSON that programs read, and what people see beside them.

use std::fs::{self, File};

use serde_json::Value;

use crate::env::{Ran, TestRepo, can_build};

const RECIPES: &str = r#"
lib = run "lib" "echo === compile; echo one; mkdir $out; printf unfinished";
bad = run "bad" "seq 100; exit 3";
result = lib;
"#;

/// The events of a run, each of which must be as the schema says.
fn events(text: &str) -> Vec<Value> {
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let schema = fs::read_to_string(format!("{repository}/docs/formats/events.schema.json"));
    let schema: Value = serde_json::from_str(&schema.unwrap()).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for event in &events {
        let kinds = schema["oneOf"].as_array().unwrap();
        let kind = kinds
            .iter()
            .find(|kind| kind["properties"]["event"]["const"] == event["event"])
            .unwrap_or_else(|| panic!("no such event in the schema: {event}"));
        let members = event.as_object().unwrap();
        let names: Vec<&str> = members.keys().map(String::as_str).collect();
        let mut required: Vec<&str> = kind["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        required.sort_unstable();
        assert_eq!(names, required, "{event}");
        for (name, value) in members {
            let property = &kind["properties"][name];
            let is = match value {
                Value::Null => "null",
                Value::Number(_) => "integer",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                _ => "other",
            };
            let ok = match (&property["const"], &property["type"]) {
                (Value::Null, Value::String(one)) => one == is,
                (Value::Null, Value::Array(several)) => several.iter().any(|one| one == is),
                (constant, _) => constant == value,
            };
            assert!(ok, "`{name}` of {event}");
            if let Some(allowed) = property["enum"].as_array() {
                assert!(allowed.contains(value), "`{name}` of {event}");
            }
        }
    }
    events
}

fn of<'a>(events: &'a [Value], event: &str) -> Vec<&'a Value> {
    events.iter().filter(|e| e["event"] == event).collect()
}

#[test]
fn events_are_as_the_schema_says() {
    if !can_build("events_are_as_the_schema_says") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let ran = repo.build_with(&["--log-format", "json"]).ok();
    let found = events(&ran.err);
    assert_eq!(of(&found, "planned")[0]["builds"], 1);
    assert_eq!(of(&found, "started")[0]["work"], "build");
    assert_eq!(of(&found, "phase")[0]["phase"], "compile");
    let lines: Vec<&Value> = of(&found, "log").iter().map(|e| &e["line"]).collect();
    assert_eq!(lines, ["=== compile", "one", "unfinished"]);
    assert_eq!(of(&found, "finished")[0]["ended"], "done");
    assert_eq!(found.last().unwrap()["event"], "ended");
    assert_eq!(found.last().unwrap()["built"], 1);

    let ran = repo.build_with(&["--log-format", "json", "-A", "bad"]);
    assert_eq!(ran.code, Some(100));
    let (lines, failure) = ran.err.split_once("error: ").unwrap();
    let found = events(lines);
    assert_eq!(of(&found, "finished")[0]["ended"], "failed");
    assert_eq!(found.last().unwrap()["failed"], serde_json::json!(["bad"]));
    assert!(failure.starts_with("bad: the builder exited with status 3"));
}

#[test]
fn another_descriptor_leaves_standard_error_to_people() {
    if !can_build("another_descriptor_leaves_standard_error_to_people") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let file = repo.temp().join("events");
    let program = env!("CARGO_BIN_EXE_xsc-compose");
    let script = r#"file=$1; shift; exec "$@" 7>"$file""#;
    let words = ["-c", script, "sh", file.to_str().unwrap(), program];
    let build = [
        "build",
        "profiles/t.toml",
        "--log-format",
        "json",
        "--log-fd",
    ];
    let run = |descriptor: &str| {
        let words = [&words[..], &build, &[descriptor]].concat();
        Ran::new(repo.command_of("/bin/sh".as_ref(), words).output().unwrap())
    };
    let ran = run("7").ok();
    assert!(ran.err.contains("building lib\n"), "{}", ran.err);
    assert!(!ran.err.contains('{'), "{}", ran.err);
    let found = events(&fs::read_to_string(&file).unwrap());
    assert_eq!(of(&found, "finished").len(), 1);
    // One that is not open is an error before anything is built.
    let _ = fs::remove_dir_all(repo.store());
    run("9").fails(
        2,
        &[
            "cannot write events to descriptor 9",
            "hint: open it before",
        ],
    );
    File::open(repo.store().join("realisations")).unwrap();
}

#[test]
fn the_whole_log_of_a_failure_is_printed_without_a_terminal() {
    if !can_build("the_whole_log_of_a_failure_is_printed_without_a_terminal") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let lines = |ran: &Ran| {
        let numbers = ran.err.lines().filter_map(|line| line.strip_prefix("  "));
        numbers.map(str::to_owned).collect::<Vec<_>>()
    };
    let all: Vec<String> = (1..=100).map(|n| n.to_string()).collect();
    let ran = repo.build_with(&["-A", "bad"]);
    assert_eq!(lines(&ran), all);
    let few = repo.build_with(&["-A", "bad", "--log-lines", "3"]);
    assert_eq!(lines(&few), all[97..]);
    assert!(few.err.contains("hint: the whole log: "), "{}", few.err);
}

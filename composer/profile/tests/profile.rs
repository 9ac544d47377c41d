//! Profiles: the repository's own parse, and bad ones say where, what and how to mend it.

use xsc_profile::{Data, Entry, ImageKind, Profile, System, Variant};

const GOOD: &str = r#"
[profile]
name = "vm"
description = "A machine"
system = "aarch64-linux"
variant = "cfi"
modules = ["minimal", "net"]
images = ["oci", "boot"]

[options]
kernel.debug = true
users = [{ name = "root", uid = 0 }]
ratio = 0.5

[test]
timeout_seconds = 60
script = "x.script"
tests = ["boot"]
"#;

fn fails(text: &str) -> String {
    Profile::parse("profiles/x.toml", text)
        .unwrap_err()
        .to_string()
}

#[test]
fn the_minimal_profile_of_the_repository() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../profiles/minimal.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let profile = Profile::parse("profiles/minimal.toml", &text).unwrap();
    assert_eq!(profile.name, "minimal");
    assert_eq!(profile.system, System::X86_64Linux);
    assert_eq!(profile.variant, Variant::Base);
    assert_eq!(profile.images, [ImageKind::Iso, ImageKind::Oci]);
    assert_eq!(profile.modules[0].value, "minimal");
}

#[test]
fn the_file_becomes_data_with_places() {
    let profile = Profile::parse("x.toml", GOOD).unwrap();
    let names: Vec<&str> = profile.tables.iter().map(|t| t.key.as_str()).collect();
    assert_eq!(names, ["profile", "options", "test"]);
    let Data::Table(options) = &profile.tables[1].value else {
        panic!("`options` is a table");
    };
    let entry = |key: &str, value: Data, line: &str| {
        let at = GOOD.find(line).unwrap() + line.find(key).unwrap();
        Entry {
            key: key.to_owned(),
            span: at..at + key.len(),
            value,
        }
    };
    let users = "users = [{ name = \"root\", uid = 0 }]";
    assert_eq!(
        options,
        &[
            entry(
                "kernel",
                Data::Table(vec![entry("debug", Data::Bool(true), "kernel.debug")]),
                "kernel.debug"
            ),
            entry(
                "users",
                Data::List(vec![Data::Table(vec![
                    entry("name", Data::String("root".to_owned()), users),
                    entry("uid", Data::Int(0), users),
                ])]),
                users
            ),
            entry("ratio", Data::Float(0.5), "ratio"),
        ]
    );
    assert_eq!(profile.text, GOOD);
    assert_eq!(profile.test.timeout_seconds, Some(60));
    assert_eq!(profile.test.script.unwrap().value, "x.script");
    assert_eq!(profile.test.memory_mib, None);
    assert_eq!(profile.modules[1].line, 7);
    assert_eq!(profile.variant.as_str(), "cfi");
    assert_eq!(profile.images, [ImageKind::Oci, ImageKind::Boot]);
    assert_eq!(ImageKind::Boot.as_str(), "boot");
}

#[test]
fn a_misspelt_key_is_one_problem_with_a_suggestion() {
    assert_eq!(
        fails(&GOOD.replace("variant =", "varient =")),
        "\
profiles/x.toml:6:1: unknown key `varient` in [profile]
   6 | varient = \"cfi\"
     | ^^^^^^^ did you mean `variant`?
     = valid keys: name, description, system, variant, modules, images"
    );
}

#[test]
fn a_wrong_value_lists_the_right_ones() {
    assert_eq!(
        fails(&GOOD.replace("\"aarch64-linux\"", "\"aarch-linux\"")),
        "\
profiles/x.toml:5:10: `system` can't be \"aarch-linux\"
   5 | system = \"aarch-linux\"
     |          ^^^^^^^^^^^^^ did you mean `aarch64-linux`?
     = valid: x86_64-linux, aarch64-linux"
    );
    assert_eq!(
        fails(&GOOD.replace("\"boot\"", "\"isu\"")),
        "\
profiles/x.toml:8:18: `images` can't hold \"isu\"
   8 | images = [\"oci\", \"isu\"]
     |                  ^^^^^ did you mean `iso`?
     = valid: iso, oci, boot, disk, tar, pxe, uki"
    );
}

#[test]
fn missing_and_mistyped_keys_are_all_reported_in_order() {
    let text = GOOD
        .replace("name = \"vm\"\n", "")
        .replace("description = \"A machine\"", "description = 3")
        .replace("timeout_seconds = 60", "timeout_seconds = 0");
    assert_eq!(
        fails(&text),
        "\
profiles/x.toml:2:2: [profile] lacks the key `name`
   2 | [profile]
     |  ^^^^^^^
profiles/x.toml:3:15: `description` must be a string, not an integer
   3 | description = 3
     |               ^
profiles/x.toml:15:19: `timeout_seconds` must be a whole number of at least 1, not an integer
  15 | timeout_seconds = 0
     |                   ^"
    );
    assert!(fails("").contains("the file lacks the key `profile`"));
}

#[test]
fn a_script_is_a_file_beside_the_profile() {
    for name in ["../x", "a/b", "", ".hidden"] {
        let text = GOOD.replace("\"x.script\"", &format!("{name:?}"));
        let message = fails(&text);
        let expected = format!("`script` is the name of a file beside the profile, not \"{name}\"");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn syntax_errors_have_a_place() {
    let message = fails("[profile]\nname = \n");
    assert!(message.starts_with("profiles/x.toml:2:"), "{message}");
    let message = fails("[profile]\nname = \"a\"\nname = \"b\"\n");
    assert!(
        message.starts_with("profiles/x.toml:3:1: duplicate key"),
        "{message}"
    );
}

#[test]
fn names_that_would_be_paths_are_refused() {
    for bad in ["../x", "a/b", "", ".x", "A", "a..b"] {
        let message = fails(&GOOD.replace("\"net\"", &format!("{bad:?}")));
        assert!(
            message.contains("must be made of lower-case letters"),
            "{bad}: {message}"
        );
        let message = fails(&GOOD.replace("\"vm\"", &format!("{bad:?}")));
        assert!(
            message.contains("must be made of lower-case letters"),
            "{bad}: {message}"
        );
    }
    assert!(fails(&GOOD.replace("\"net\"", "\"minimal\"")).contains("stands twice"));
}

#[test]
fn dates_in_options_are_refused() {
    let message = fails(&GOOD.replace("ratio = 0.5", "day = 2026-01-01"));
    assert!(
        message.contains("`day` must be a string, number"),
        "{message}"
    );
}

//! Options of modules: the list, the reference page, and profiles that set them wrongly.
//!
//! Invariant: the modules are the repository's own, in a copy, with one more that the test writes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::env::{PROFILE, Ran, TestRepo};

const SITE: &str = r#"# A module of the tests.
{ config, lib, ... }:
{
  options.site = {
    port = lib.mkOption {
      type = lib.types.port;
      default = 8000 + 80;
      example = 80;
      description = "Where it listens.";
    };
    users = lib.mkOption {
      type = lib.types.attrsOf (lib.types.submodule {
        options.shell = lib.mkOption {
          type = lib.types.str;
          description = "What runs.";
        };
      });
      default = { };
      defaultText = "nobody";
      description = "Who there is.";
    };
    hidden = lib.mkOption {
      default = 1;
      internal = true;
    };
  };
  config.kernel.fragments = [ "vm" ];
  config.warnings = lib.optional (config.site.port == 81) "81 is taken";
}
"#;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

fn repo(options: &str) -> TestRepo {
    let repo = TestRepo::new("config = (import ../modules { inherit profile; }).config;");
    copy(&root().join("modules"), &repo.dir().join("modules"));
    repo.write("modules/site.nix", SITE);
    let profile = PROFILE.replace("modules = []", "modules = [\"site\"]");
    repo.write(
        "profiles/t.toml",
        &format!("{profile}\n[options]\n{options}\n"),
    );
    repo
}

fn config(repo: &TestRepo) -> Ran {
    repo.run(&["eval", "--strict", "profiles/t.toml", "config.site"])
}

#[test]
fn the_reference_page_is_up_to_date() {
    let repo = TestRepo::new("");
    let root = root().canonicalize().unwrap();
    let page = repo
        .run(&["-C", root.to_str().unwrap(), "options", "--markdown"])
        .ok();
    let kept = fs::read_to_string(root.join("docs/options.md")).unwrap();
    assert!(
        page.out == kept,
        "docs/options.md is stale: `just options` makes it anew"
    );
}

#[test]
fn every_option_of_the_repository_is_described() {
    let repo = TestRepo::new("");
    let root = root().canonicalize().unwrap();
    let all = repo
        .run(&["-C", root.to_str().unwrap(), "options", "--json"])
        .ok()
        .json();
    let all = all["options"].as_array().unwrap();
    assert!(all.len() > 10);
    for option in all {
        let name = &option["name"];
        assert!(option["description"].is_string(), "{name} says what it is");
        assert_ne!(option["type"], "a value", "{name} has a type");
        assert!(option["example"].is_string(), "{name} has an example");
        assert!(option["declared"][0]["line"].is_number(), "{name}");
    }
}

#[test]
fn options_are_listed_with_their_values() {
    let repo = repo("site.port = 80");
    let shown = repo.run(&["options", "site"]).ok().out;
    assert_eq!(
        shown,
        "\
site.port
  about     Where it listens.
  type      an integer from 0 to 65535
  default   8080
  example   80
  declared  modules/site.nix:5

site.users
  about     Who there is.
  type      a set of sets of options
  default   nobody
  declared  modules/site.nix:11

site.users.<name>.shell
  about     What runs.
  type      a string
  default   none, it has to be set where it is used
  declared  modules/site.nix:13
"
    );
    let shown = repo
        .run(&["options", "site.port", "-p", "profiles/t.toml"])
        .ok()
        .out;
    assert!(
        shown.ends_with("  value     80\n  from      profiles/t.toml:10\n"),
        "{shown}"
    );
    let json = repo
        .run(&["options", "--json", "-p", "profiles/t.toml", "site"])
        .ok()
        .json();
    let options = json["options"].as_array().unwrap();
    let names: Vec<&str> = options
        .iter()
        .map(|o| o["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "site.hidden",
            "site.port",
            "site.users",
            "site.users.<name>.shell"
        ]
    );
    assert_eq!(options[1]["value"], 80);
    assert_eq!(options[1]["defined"][0]["file"], "profiles/t.toml");
    assert_eq!(options[2]["defined"].as_array().unwrap().len(), 0);
    // What has no value is a problem of its own only.
    let all = repo.run(&["options", "-p", "profiles/t.toml"]).ok().out;
    assert!(
        all.contains("boot.cmdline\n") && !all.contains("site.hidden"),
        "{all}"
    );
    assert!(
        repo.run(&["options", "site.hidden"])
            .ok()
            .out
            .contains("default   1")
    );
}

#[test]
fn paths_that_lead_to_no_option() {
    let repo = repo("");
    repo.run(&["options", "site.prot"]).fails(
        2,
        &[
            "error: no module declares an option `site.prot`",
            "hint: did you mean site.port?",
        ],
    );
    repo.run(&["options", "zzz.zzz.zzz"])
        .fails(2, &["hint: `xsc-compose options` lists them all"]);
    repo.run(&["options", "a..b"])
        .fails(2, &["is not a path such as `boot.cmdline`"]);
    repo.run(&["options", "-p", "profiles/tt.toml"])
        .fails(2, &["hint: did you mean profiles/t.toml?"]);
    let plain = TestRepo::new("");
    plain.run(&["options"]).fails(1, &["modules/default.nix"]);
}

#[test]
fn a_wrong_option_is_shown_at_the_profiles_line() {
    let cases = [
        ("site.port = \"80\"", "`site.port` must be an integer", 10),
        ("site.prot = 80", "there is no option `site.prot`", 10),
        ("site.port = 70000", "an integer from 0 to 65535", 10),
        (
            "site.port = 80\nsite.users.a = 3",
            "`site.users.a` must be",
            11,
        ),
    ];
    for (options, said, line) in cases {
        let ran = config(&repo(options)).fails(1, &[said]);
        let place = format!("--> profiles/t.toml:{line}:");
        assert!(ran.err.contains(&place), "{}", ran.err);
        assert!(ran.err.trim_end().lines().count() <= 12, "{}", ran.err);
    }
}

#[test]
fn a_warning_is_printed_once_and_is_no_error() {
    let ran = config(&repo("site.port = 81")).ok();
    assert_eq!(ran.err, "warning: 81 is taken\n");
    assert!(ran.out.contains("port = 81"), "{}", ran.out);
}

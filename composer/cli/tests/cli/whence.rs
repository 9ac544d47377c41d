//! `whence`: which derivation, download and patch put the bytes of a file into an image.
//!
//! One small system: a download that is unpacked and built with a patch, a written file, and a file of the repository,
//! as a root in every kind of image. Invariant: the answer is the same wherever the file lies.

use std::fs;

use serde_json::{Value, json};

use crate::env::{TestRepo, can_build, sha256};

const PATCH: &str = "--- a/greeting\n+++ b/greeting\n@@ -1 +1 @@\n-hello\n+good morning\n";

/// `@URL@`, `@SHA256@` and `@SIZE@` are of the archive with the source.
const RECIPE: &str = r#"
epoch = 1735689600;
of = tree: [ { at = "/tree"; from = tree; } ];
archive = fetch "hello-1.0.tar" "@SHA256@" @SIZE@ [ "@URL@" ];
source = step "hello-source" "builtin:unpack-tar" { strip = 1; exclude = [ ]; include = [ ]; }
  [ { at = "/archive"; from = archive; } ];
build = name: source: runWith name {
  inputs = [
    { at = "/src/hello"; from = source; }
    { at = "/src/patches"; from = ../pkgs/hello/patches; }
    { at = "/src/scripts"; from = [ ../pkgs/hello/build.sh ]; }
  ];
} ". /src/scripts/build.sh";
hello = build "hello-1.0" source;
# What the composer cannot unpack, a build does.
prepared = runWith "again-source" { inputs = [ { at = "/archive"; from = archive; } ]; } ''
  mkdir -p $out/src; cat /archive/* > $out/src/all; echo again > $out/src/greeting'';
again = runWith "again-1.0" {
  inputs = [ { at = "/src/again"; from = prepared; } { at = "/src/fixes"; from = [ ../pkgs/again/fix.diff ]; } ];
} ''mkdir -p $out/bin; cat /src/again/src/greeting /src/fixes/fix.diff > $out/bin/again'';
settings = step "settings" "builtin:write" { files."/etc/settings" = "colour = blue\n"; executable = [ ]; links."/etc/link" = "settings"; } [ ];
deb = step "hello-deb" "builtin:deb" {
  package = "hello"; version = "1.0"; architecture = "amd64"; maintainer = "A B <a@b.invalid>"; description = "a greeting"; inherit epoch;
} (of hello);
files = step "rootfs" "builtin:merge" { links = { }; } [
  { at = "/"; from = hello; } { at = "/"; from = again; } { at = "/"; from = settings; } { at = "/etc"; from = [ ../files/motd ]; } ];
installed = step "installed" "builtin:deb-root" { architecture = "amd64"; exclude = [ ]; alternatives = { }; userland = "any"; }
  [ { at = "/packages/0"; from = deb; } ];
loader = builtins.concatStringsSep "" (builtins.genList (n: "line ${toString n} of a loader\n") 900);
boot = step "boot" "builtin:write" {
  files = { "/eltorito.img" = loader; "/boot_hybrid.img" = builtins.substring 0 512 loader; };
  executable = [ ]; links = { };
} [ ];
esp = step "esp" "builtin:fat" { inherit epoch; label = "ESP"; } (of boot);
iso = step "iso" "builtin:iso" { inherit epoch; file = "t.iso"; volumeId = "T"; }
  (of files ++ [ { at = "/loader"; from = boot; } { at = "/esp"; from = esp; } ]);
disk = step "disk" "builtin:disk" { inherit epoch; file = "t.img"; free = 4; menu = "root=@ROOT_UUID@\n"; nodes = { }; }
  (of files ++ [ { at = "/esp"; from = boot; } ]);
oci = step "oci" "builtin:oci" { inherit epoch; reference = "t:latest"; command = [ "/bin/hello" ]; nodes = { }; } (of files);
debs = step "debs" "builtin:tar" { inherit epoch; file = "t.tar"; compression = "none"; nodes = { }; } (of installed);
result = step "images" "builtin:merge" { } [
  { at = "/"; from = iso; } { at = "/"; from = disk; } { at = "/oci"; from = oci; } { at = "/"; from = debs; } ];
"#;

/// The system, built; and its archive as `whence` is to name it.
fn system() -> (TestRepo, String) {
    let repo = TestRepo::new("");
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    let text = b"hello\n";
    header.set_mode(0o644);
    header.set_size(text.len() as u64);
    archive
        .append_data(&mut header, "hello-1.0/greeting", text.as_slice())
        .unwrap();
    let bytes = archive.into_inner().unwrap();
    let file = repo.temp().join("hello-1.0.tar");
    fs::write(&file, &bytes).unwrap();
    let sum = sha256(&file);
    repo.write("pkgs/hello/patches/0001-greeting.patch", PATCH);
    repo.write(
        "pkgs/hello/build.sh",
        "mkdir -p $out/bin\ncat /src/hello/greeting /src/patches/* > $out/bin/hello\n",
    );
    repo.write("pkgs/again/fix.diff", PATCH);
    repo.write("files/motd", "welcome\n");
    repo.recipes(
        &RECIPE
            .replace("@URL@", &format!("file://{}", file.display()))
            .replace("@SHA256@", &sum)
            .replace("@SIZE@", &bytes.len().to_string()),
    );
    let _ = repo.build().ok();
    (repo, format!("hello-1.0.tar sha256:{sum}"))
}

/// Every kind of image of the system, as a word of the command line.
const IMAGES: [&str; 3] = ["result/t.iso", "result/t.img#root", "result/oci"];

/// The one origin that a file has, and what passed it on.
fn origin(repo: &TestRepo, image: &str, path: &str) -> (Value, Value) {
    let said = repo.run(&["whence", "--json", image, path]).ok().json();
    let origins = said["origins"].as_array().unwrap();
    assert_eq!(origins.len(), 1, "{image} {path}: {said}");
    (origins[0].clone(), said["through"].clone())
}

#[test]
fn a_file_comes_from_its_build_its_download_and_its_patch() {
    if !can_build("a_file_comes_from_its_build_its_download_and_its_patch") {
        return;
    }
    let (repo, archive) = system();
    for image in IMAGES {
        let (found, through) = origin(&repo, image, "/bin/hello");
        assert_eq!(found["derivation"], "hello-1.0", "{image}");
        assert_eq!(found["by"], "a build", "{image}");
        assert_eq!(found["path"], "bin/hello", "{image}");
        assert_eq!(
            (&found["sources"], &found["patches"]),
            (
                &json!([archive, "pkgs/hello/build.sh"]),
                &json!(["pkgs/hello/patches"])
            ),
            "{image}"
        );
        assert_eq!(through, json!(["installed", "rootfs"]), "{image}");
    }
    // For people, of the profile that is named.
    let ran = repo
        .run(&["whence", "-p", "profiles/t.toml", "result/oci", "bin/hello"])
        .ok();
    let lines: Vec<&str> = ran.out.lines().collect();
    let blob = lines[0].strip_prefix("bin/hello  ").unwrap();
    assert_eq!(blob.len(), 64, "{}", ran.out);
    assert_eq!(
        lines[1..],
        [
            "made by hello-1.0 (a build), there `bin/hello`",
            &format!("  source {archive}"),
            "  source pkgs/hello/build.sh",
            "  patch pkgs/hello/patches",
            "through installed, rootfs",
        ]
    );
}

#[test]
fn a_source_that_a_build_unpacks_is_named_too() {
    if !can_build("a_source_that_a_build_unpacks_is_named_too") {
        return;
    }
    let (repo, archive) = system();
    let (found, _) = origin(&repo, "result/oci", "bin/again");
    assert_eq!(found["derivation"], "again-1.0");
    assert_eq!(
        (&found["sources"], &found["patches"]),
        (&json!([archive]), &json!(["pkgs/again/fix.diff"]))
    );
    // What the build got as its root is no source.
    assert!(!found["sources"].to_string().contains("root"), "{found}");
}

#[test]
fn what_a_package_carries_is_of_who_built_it() {
    if !can_build("what_a_package_carries_is_of_who_built_it") {
        return;
    }
    let (repo, _) = system();
    let (found, _) = origin(&repo, "result/t.tar", "bin/hello");
    assert_eq!(found["derivation"], "hello-1.0");
}

#[test]
fn a_file_of_a_downloaded_package_is_of_that_package_alone() {
    if !can_build("a_file_of_a_downloaded_package_is_of_that_package_alone") {
        return;
    }
    let package = |name: &str| {
        format!(
            r#"{name} = step "{name}" "builtin:deb" {{ package = "{name}"; version = "1.0"; architecture = "amd64";
               maintainer = "A B <a@b.invalid>"; description = "text"; epoch = 1735689600; }}
               [ {{ at = "/tree"; from = step "files" "builtin:write" {{ files."/usr/share/{name}" = "of {name}\n"; executable = [ ]; links = {{ }}; }} [ ]; }} ];"#
        )
    };
    let repo = TestRepo::new(&format!("{}\n{}", package("one"), package("other")));
    let mut fetched = Vec::new();
    let mut recipes = String::new();
    for (index, name) in ["one", "other"].into_iter().enumerate() {
        let made = repo.build_with(&["-A", name, "--no-link"]).ok().path();
        let file = format!("{name}_1.0_amd64.deb");
        let copy = repo.temp().join(&file);
        fs::copy(made.join(&file), &copy).unwrap();
        let (sum, size) = (sha256(&copy), fs::metadata(&copy).unwrap().len());
        let url = format!("file://{}", copy.display());
        recipes.push_str(&format!(
            "p{index} = fetch \"{file}\" \"{sum}\" {size} [ \"{url}\" ];\n"
        ));
        fetched.push(format!("{file} sha256:{sum}"));
    }
    repo.recipes(&format!(
        r#"{recipes}
root = step "root" "builtin:deb-root" {{ architecture = "amd64"; exclude = [ ]; alternatives = {{ }}; userland = "any"; }}
  [ {{ at = "/packages/0"; from = p0; }} {{ at = "/packages/1"; from = p1; }} ];
result = step "tar" "builtin:tar" {{ epoch = 1735689600; file = "t.tar"; compression = "none"; nodes = {{ }}; }}
  [ {{ at = "/tree"; from = root; }} ];"#
    ));
    let _ = repo.build().ok();
    for (name, source) in ["one", "other"].into_iter().zip(&fetched) {
        let path = format!("usr/share/{name}");
        let (found, _) = origin(&repo, "result/t.tar", &path);
        assert_eq!(
            (&found["derivation"], &found["by"]),
            (&json!("root"), &json!("builtin:deb-root"))
        );
        assert_eq!(found["package"], format!("{name}_1.0_amd64.deb"));
        assert_eq!(found["sources"], json!([source]), "{name}");
    }
    // What is of no package is of all.
    let (found, _) = origin(&repo, "result/t.tar", "var/lib/dpkg/status");
    assert_eq!(found["package"], Value::Null);
    assert_eq!(found["sources"], json!(fetched));
}

#[test]
fn what_no_build_made_is_told_as_well() {
    if !can_build("what_no_build_made_is_told_as_well") {
        return;
    }
    let (repo, _) = system();
    for image in IMAGES {
        for path in ["etc/settings", "etc/link", "/etc/../etc//settings"] {
            let (found, through) = origin(&repo, image, path);
            assert_eq!(found["derivation"], "settings", "{image} {path}");
            assert_eq!(found["by"], "builtin:write");
            assert_eq!(found["path"], "etc/settings");
            assert_eq!(
                (&found["sources"], &found["patches"]),
                (&json!([]), &json!([]))
            );
            assert_eq!(through, json!(["rootfs"]));
        }
        let (found, _) = origin(&repo, image, "etc/motd");
        assert_eq!(found["derivation"], "rootfs", "{image}");
        assert_eq!(found["by"], "builtin:merge");
        assert_eq!(found["sources"], json!(["files/motd"]));
    }
}

#[test]
fn what_has_no_origin_is_an_error_that_says_so() {
    if !can_build("what_has_no_origin_is_an_error_that_says_so") {
        return;
    }
    let (repo, _) = system();
    for image in IMAGES {
        let whence = |path: &str| repo.run(&["whence", image, path]);
        let _ = whence("bin/none").fails(
            2,
            &[&format!("error: {image}: `bin/none` is not in the image")],
        );
        let _ = whence("bin").fails(2, &[&format!("error: {image}: `bin` is not a file")]);
        let _ = whence("/").fails(2, &[&format!("error: {image}: `/` is not a file")]);
        let _ = whence("bin/hello/x").fails(2, &["`bin/hello/x` is not in the image"]);
    }
    let _ = repo
        .run(&["whence", "result/none.img", "bin/hello"])
        .fails(1, &["result/none.img: cannot read the image"]);
    let _ = repo
        .run(&["whence", "result/t.img#none", "bin/hello"])
        .fails(2, &["no part `none`"]);
    // The writer of ISOs puts addresses into the boot image.
    let _ = repo
        .run(&["whence", "result/t.iso", "boot/grub/eltorito.img"])
        .fails(
            1,
            &[
                "no result of",
                "profiles/t.toml that the store has contains the bytes of `boot/grub/eltorito.img`",
                "hint: either the image is of another profile (-p), or its writer made the file",
            ],
        );
    // Images of a repository of which nothing is known.
    let other = TestRepo::new(r#"result = step "nothing" "builtin:merge" { } [ ];"#);
    let image = repo.dir().join("result/t.iso");
    let whence = ["whence", image.to_str().unwrap(), "bin/hello"];
    let _ = other.run(&whence).fails(
        2,
        &[
            "the store remembers no build of a profile of this repository",
            "hint: name the profile that the image is of: whence -p PROFILE IMAGE PATH",
        ],
    );
    let _ = other.build().ok();
    let _ = other
        .run(&whence)
        .fails(1, &["contains the bytes of `bin/hello`"]);
}

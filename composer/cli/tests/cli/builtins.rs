//! The bytes of each builtin, with the version of its behaviour: what a store or a cache holds under an action has to
//! be what this composer would make of it. `verify` finds that late; this finds it before a change lands.

use xsc_model::BuiltinName;

use crate::env::{TestRepo, can_build};

/// Which tree each version of a builtin makes of the recipe below. A change that gives another: raise the builtin's
/// version in `BuiltinName::version`, then write both here.
const MADE: [(BuiltinName, u64, &str); 16] = [
    (BuiltinName::Write, 1, "480c675e77c03a9d"),
    (BuiltinName::Merge, 1, "1f65f3daac4d09b4"),
    (BuiltinName::Cpio, 1, "f368bb4ddf5b808e"),
    (BuiltinName::Fat, 1, "e7af4d18ec27aeb0"),
    (BuiltinName::Iso, 2, "0eb747e4474e67f3"),
    (BuiltinName::Disk, 2, "fe7dee8c1eff8853"),
    (BuiltinName::Manifest, 1, "da0b0aa085bf7632"),
    (BuiltinName::Oci, 4, "94c32485096ed5f8"),
    (BuiltinName::OciArchive, 1, "e6458ea3421ef642"),
    (BuiltinName::OciIndex, 1, "0c70f166783715e0"),
    (BuiltinName::Deb, 1, "23120a4b38e8f361"),
    (BuiltinName::Rpm, 1, "5e9d28961af6b165"),
    (BuiltinName::Erofs, 1, "5bfeb2fcf748409f"),
    (BuiltinName::Sbom, 2, "988efb2f45ff7c40"),
    (BuiltinName::Tar, 1, "8342367b0c0fa9c4"),
    (BuiltinName::Sums, 1, "3eba4f922d07cdda"),
];

/// Builtins that give a tree of their inputs back, or a verdict; the tests of this crate that build packages and audit
/// trees see what they make.
const OTHERS: [BuiltinName; 7] = [
    BuiltinName::UnpackDeb,
    BuiltinName::UnpackTar,
    BuiltinName::Rebase,
    BuiltinName::DebRoot,
    BuiltinName::DebOwners,
    BuiltinName::Audit,
    BuiltinName::Distinct,
];

/// One attribute a builtin, by its name.
const RECIPE: &str = r#"
epoch = 1735689600;
of = tree: [ { at = "/tree"; from = tree; } ];
nodes = { "/etc/motd" = { mode = "4750"; uid = 7; gid = 8; }; "/etc/null" = { type = "char"; major = 1; minor = 3; mode = "0666"; }; };
long = builtins.concatStringsSep "" (builtins.genList (n: "line ${toString n} of some text\n") 1500);
loader = step "loader" "builtin:write" { files = { "/eltorito.img" = long; "/boot_hybrid.img" = builtins.substring 0 512 long; }; } [ ];
write = step "write" "builtin:write" {
  files = { "/etc/motd" = "hello\n"; "/usr/lib/long" = long; "/var/lib/dpkg/status" = "Package: a\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\nMaintainer: A B <a@b.invalid>\nDescription: one\n"; };
  executable = [ "/etc/motd" ];
  links = { "/issue" = "etc/motd"; };
} [ ];
merge = step "merge" "builtin:merge" { links = { "/again" = "copy/issue"; }; } [ { at = "/"; from = write; } { at = "/copy"; from = write; } ];
cpio = step "cpio" "builtin:cpio" { inherit epoch nodes; } (of merge);
fat = step "fat" "builtin:fat" { inherit epoch; label = "ESP"; } (of loader);
iso = step "iso" "builtin:iso" { inherit epoch; file = "t.iso"; volumeId = "T"; }
  (of merge ++ [ { at = "/loader"; from = loader; } { at = "/esp"; from = fat; } ]);
disk = step "disk" "builtin:disk" { inherit epoch nodes; file = "t.img"; free = 4; menu = "root=@ROOT_UUID@\n"; }
  (of merge ++ [ { at = "/esp"; from = loader; } ]);
manifest = step "manifest" "builtin:manifest" { inherit nodes; file = "t"; } (of merge);
oci = step "oci" "builtin:oci" { inherit epoch nodes; reference = "t:latest"; command = [ "/init" ]; labels = { a = "b"; }; } (of merge);
oci-archive = step "oci-archive" "builtin:oci-archive" { inherit epoch; file = "t.tar"; reference = "t:latest"; } [ { at = "/layout"; from = oci; } ];
arm64 = step "arm64" "builtin:oci" { inherit epoch nodes; reference = "arm64"; architecture = "arm64"; } (of merge);
oci-index = step "oci-index" "builtin:oci-index" { reference = "t:latest"; } [ { at = "/layouts/0"; from = oci; } { at = "/layouts/1"; from = arm64; } ];
package = { package = "t"; version = "1.0"; inherit epoch; nodes = removeAttrs nodes [ "/etc/null" ]; architecture = "amd64"; description = "a test\nof packages"; };
deb = step "deb" "builtin:deb" (package // { maintainer = "A B <a@b.invalid>"; }) (of write);
rpm = step "rpm" "builtin:rpm" (package // { release = "1"; license = "MIT"; url = ""; requires = [ ]; conffiles = [ ]; summary = "a test"; }) (of write);
tar = step "tar" "builtin:tar" { inherit epoch nodes; file = "t.tar.zst"; compression = "zstd"; } (of merge);
erofs = step "erofs" "builtin:erofs" { inherit epoch nodes; file = "t.erofs"; compression = "lz4"; } (of merge);
sbom = step "sbom" "builtin:sbom" { inherit epoch; title = "t"; file = "t.spdx.json"; } (of write);
sums = step "sums" "builtin:sums" { } (of merge);
result = sums;
"#;

#[test]
fn a_builtin_makes_what_its_version_made() {
    if !can_build("a_builtin_makes_what_its_version_made") {
        return;
    }
    let repo = TestRepo::new(RECIPE);
    let mut wrong = Vec::new();
    for (builtin, version, tree) in MADE {
        let ran = repo.build_with(&["-A", builtin.as_str(), "--no-link"]).ok();
        let path = ran.path();
        // As much of the tree's name as nobody hits by chance.
        let found = &path.file_name().unwrap().to_str().unwrap()[..16];
        if (builtin.version(), found) != (version, tree) {
            wrong.push(format!(
                "(BuiltinName::{builtin:?}, {}, \"{found}\"),",
                builtin.version()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "a builtin makes other bytes, or has another version: a change of the bytes needs a higher version; then\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_builtin_is_looked_at() {
    let looked: Vec<BuiltinName> = MADE.iter().map(|(name, ..)| *name).chain(OTHERS).collect();
    for (builtin, name) in BuiltinName::ALL {
        assert!(
            looked.contains(&builtin),
            "`builtin:{name}` belongs to MADE or OTHERS"
        );
    }
}

#[test]
fn an_index_says_by_name_what_it_cannot_join() {
    if !can_build("an_index_says_by_name_what_it_cannot_join") {
        return;
    }
    let index = |name: &str, layouts: &str| {
        format!(
            r#"{name} = step "{name}" "builtin:oci-index" {{ reference = "t:latest"; }} [ {layouts} ];"#
        )
    };
    let repo = TestRepo::new(&format!(
        r#"
tree = step "tree" "builtin:write" {{ files."/init" = "x"; executable = [ ]; links = {{ }}; }} [ ];
layout = name: more: step name "builtin:oci" ({{ epoch = 1735689600; reference = "t"; }} // more) [ {{ at = "/tree"; from = tree; }} ];
{}{}{}{}
odd = layout "odd" {{ architecture = "mips"; }};
"#,
        index(
            "same",
            r#"{ at = "/layouts/0"; from = layout "first" { }; } { at = "/layouts/1"; from = layout "second" { architecture = "amd64"; command = [ "/init" ]; }; }"#
        ),
        index("strange", r#"{ at = "/layouts/0"; from = tree; }"#),
        index("nothing", ""),
        index("elsewhere", r#"{ at = "/layout"; from = tree; }"#),
    ));
    for (attr, said) in [
        (
            "same",
            "`first` and `second` are both for linux/amd64; an index has one image for each processor",
        ),
        ("strange", "`tree` is not an OCI layout of one image"),
        ("nothing", "an index needs at least one layout"),
        (
            "elsewhere",
            "it takes layouts below `/layouts`, not `/layout`",
        ),
        (
            "odd",
            "`architecture` is \"mips\", not \"amd64\" or \"arm64\"",
        ),
    ] {
        let _ = repo
            .build_with(&["-A", attr, "--no-link"])
            .fails(100, &[&format!("error: {attr}: "), said]);
    }
}

#[test]
fn a_disk_has_an_ext4_root_or_one_of_erofs() {
    if !can_build("a_disk_has_an_ext4_root_or_one_of_erofs") {
        return;
    }
    let repo = TestRepo::new(
        r#"
files = step "files" "builtin:write" { files."/etc/motd" = "hello\n"; executable = [ ]; links = { }; } [ ];
disk = name: more: step name "builtin:disk"
  ({ epoch = 1735689600; nodes = { }; file = "t.img"; free = 0; menu = "root=@ROOT_UUID@\n"; } // more)
  [ { at = "/tree"; from = files; } { at = "/esp"; from = files; } ];
ext4 = disk "ext4" { };
erofs = disk "erofs" { filesystem = "erofs"; };
packed = disk "packed" { filesystem = "erofs"; file = "t.qcow2"; format = "qcow2"; };
odd = disk "odd" { filesystem = "xfs"; };
sized = disk "sized" { filesystem = "erofs"; size = 20; };
free = disk "free" { filesystem = "erofs"; free = 1; };
"#,
    );
    let build = |attr: &str| repo.build_with(&["-A", attr, "--no-link"]);
    for (attr, format) in [("ext4", "ext4"), ("erofs", "EROFS")] {
        let image = format!("{}/t.img#root", build(attr).ok().path().display());
        let listed = repo.run(&["ls", "--json", &image]).ok().json();
        assert_eq!(listed["format"], format);
        assert_eq!(
            repo.run(&["cat", &image, "etc/motd"]).ok().out,
            "hello\n",
            "{attr}"
        );
    }
    let _ = build("packed").ok();
    let whole = "a root of EROFS is as large as its files: no `size`, and `free` is 0";
    for (attr, said) in [
        ("odd", "`filesystem` is \"xfs\", not \"ext4\" or \"erofs\""),
        ("sized", whole),
        ("free", whole),
    ] {
        let _ = build(attr).fails(100, &[&format!("error: {attr}: "), said]);
    }
}

//! A toolchain has nothing of what built it: what `builtin:distinct` lets through, and what it refuses.

use crate::env::{TestRepo, can_build, tree};

/// `root` and a text are the seed, `script` makes a tree that must be distinct from it.
fn recipe(script: &str, roots: &str) -> String {
    format!(
        r#"text = run "text" "mkdir $out; echo text >$out/text; printf '!<arch>\n' >$out/libempty.a;
             printf '!<arch>\nmember' >$out/libtheirs.a";
           made = run "made" ''{script}'';
           result = step "checked" "builtin:distinct" {{ roots = [ {roots} ]; }} [
             {{ at = "/tree"; from = made; }}
             {{ at = "/foreign/0"; from = root; }}
             {{ at = "/foreign/1"; from = text; }}
           ];"#
    )
}

/// A copy of bash with one byte more: an ELF file like the seed's, and not it.
const OWN: &str =
    "mkdir -p $out/usr/bin; cat /usr/bin/bash >$out/usr/bin/sh; echo >>$out/usr/bin/sh; ";

#[test]
fn only_code_of_the_seed_is_a_leak() {
    if !can_build("only_code_of_the_seed_is_a_leak") {
        return;
    }
    // A text that both have, an archive and a program that only this one has, with its loader's root.
    let script =
        "mkdir -p $out/sys/lib64; date -d @0 >$out/text; printf '!<arch>\\n' >$out/libown.a;
        cp /text $out/same || echo none >$out/same; ";
    let repo = TestRepo::new(&recipe(script, ""));
    let path = repo.build().ok().path();
    assert!(tree(&path).contains_key("/libown.a"), "the tree itself");

    let refused = [
        (
            "mkdir -p $out/bin; cp /usr/bin/bash $out/bin/mine",
            "",
            "`bin/mine` is `usr/bin/bash` of a foreign tree",
        ),
        (OWN, "", "which is not in `/`: link it statically"),
        (
            "mkdir -p $out/sys/usr/bin; cat /usr/bin/bash >$out/sys/usr/bin/sh; echo >>$out/sys/usr/bin/sh",
            "\"/sys\"",
            "which is not in `/sys`: link it statically",
        ),
    ];
    for (script, roots, said) in refused {
        repo.recipes(&recipe(script, roots));
        repo.build()
            .fails(100, &["1 file(s) must not be in this tree:", said]);
    }
    repo.recipes(&recipe("mkdir $out", "\"sys\""));
    repo.build().fails(100, &["`roots`: `sys`: "]);
}

#[test]
fn a_loader_is_found_through_links_of_its_root() {
    if !can_build("a_loader_is_found_through_links_of_its_root") {
        return;
    }
    let loader = "mkdir -p $out/real; echo loader >$out/real/loader
        ln -s real/ $out/lib64; ln -s loader $out/real/ld-linux-x86-64.so.2; ";
    let repo = TestRepo::new(&recipe(&format!("{OWN}{loader}"), ""));
    repo.build().ok();
    // In another root the links lead nowhere.
    let elsewhere = format!("out=$out/sys; mkdir -p $out; {OWN}{loader} rm $out/real/loader");
    repo.recipes(&recipe(&elsewhere, "\"/sys\""));
    repo.build().fails(100, &["which is not in `/sys`"]);
}

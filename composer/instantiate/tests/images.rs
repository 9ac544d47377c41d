//! What images of this repository are made with: the parameters of their builtins, by what profiles say.
//!
//! Invariant: nothing is built; the recipes are the repository's own, and a profile here differs from another in what is
//! looked at.

use std::path::{Path, PathBuf};
use std::{fs, io};

use xsc_instantiate::{InstantiateError, Recipes};
use xsc_model::{Builder, Derivation, Digest, DrvId, InputSource, Param, TreeId};
use xsc_profile::{Lock, Profile};

/// The content of sources is of no interest here.
fn by_name(paths: &[PathBuf]) -> io::Result<TreeId> {
    Ok(TreeId(Digest::of(format!("{paths:?}").as_bytes())))
}

fn recipes(system: &str, kind: &str, options: &str) -> Result<Recipes, InstantiateError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = format!(
        "[profile]\nname = \"t\"\ndescription = \"A profile\"\nsystem = \"{system}\"\nvariant = \"base\"\n\
         modules = [\"minimal\"]\nimages = [\"{kind}\"]\n\n[options]\n{options}\n"
    );
    let profile = Profile::parse("profiles/t.toml", &text).unwrap();
    let lock = fs::read_to_string(root.join("flake-like.lock")).unwrap();
    let lock = Lock::parse("flake-like.lock", &lock).unwrap();
    Recipes::load(&root, &profile, &lock, by_name)
}

/// Of all that a profile's result is made of, the derivation of that name, with any version behind it.
fn named(recipes: &mut Recipes, name: &str) -> Option<Derivation> {
    let is_it = |found: &str| {
        let rest = found.strip_prefix(name);
        rest.is_some_and(|rest| {
            let version = rest.strip_prefix('-').unwrap_or("0");
            version.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    let result = recipes.derivation("result").unwrap();
    let graph = recipes.graph();
    let ids: Vec<DrvId> = graph.closure(&[result]);
    ids.iter()
        .filter_map(|id| graph.get(id))
        .find(|drv| is_it(drv.name.as_str()))
        .map(|drv| (**drv).clone())
}

fn param(drv: &Derivation, name: &str) -> Option<Param> {
    match &drv.builder {
        Builder::Builtin { params, .. } => params.get(name).cloned(),
        _ => panic!("{} is made by no builtin", drv.name),
    }
}

fn text(param: Option<Param>) -> String {
    match param {
        Some(Param::Str(text)) => text,
        other => panic!("{other:?} is no string"),
    }
}

#[test]
fn a_disk_has_the_root_that_its_profile_asks_for() {
    const ROOT: &str = " root=PARTUUID=@ROOT_UUID@ rootwait ";
    for (options, filesystem, free, rest) in [
        ("", None, 64, " rw init=/usr/lib/xsc/first-boot"),
        (
            "image.disk.filesystem = \"ext4\"",
            None,
            64,
            " rw init=/usr/lib/xsc/first-boot",
        ),
        (
            "image.disk.filesystem = \"erofs\"\nimage.disk.free = 9",
            Some("erofs"),
            0,
            " ro rootfstype=erofs init=/init",
        ),
        (
            "image.disk.verity = true",
            None,
            0,
            " root=/dev/dm-0 ro init=/init",
        ),
        (
            "image.disk.verity = true\nimage.disk.filesystem = \"erofs\"",
            Some("erofs"),
            0,
            " root=/dev/dm-0 ro rootfstype=erofs init=/init",
        ),
    ] {
        let mut recipes = recipes("x86_64-linux", "disk", options).unwrap();
        let disk = named(&mut recipes, "t-base-x86_64-linux-disk").unwrap();
        let found = param(&disk, "filesystem").map(|found| text(Some(found)));
        assert_eq!(found.as_deref(), filesystem, "{options}");
        assert_eq!(param(&disk, "free"), Some(Param::Int(free)), "{options}");
        let menu = text(param(&disk, "menu"));
        assert!(menu.contains(&format!("{rest}\n")), "{options}: {menu}");
        let verity = options.contains("verity");
        assert_eq!(menu.contains(ROOT), !verity, "{options}: {menu}");
        // What can only be read does not grow, and a profile that does not ask for EROFS has the kernel that it had.
        let grows = named(&mut recipes, "xsc-boot").is_some();
        assert_eq!(grows, free > 0, "{options}");
        let kernel = named(&mut recipes, "linux-objects").unwrap();
        let mut sources = kernel
            .inputs
            .iter()
            .filter_map(|input| match &input.source {
                InputSource::Source { paths, .. } => Some(paths),
                InputSource::Output { .. } => None,
            });
        let fragment = "kernel/config/erofs.config";
        let has = sources.any(|paths| paths.iter().any(|path| path.ends_with(fragment)));
        assert_eq!(has, filesystem.is_some(), "{options}");
    }
}

#[test]
fn a_root_of_erofs_has_no_size() {
    let options = "image.disk.filesystem = \"erofs\"\nimage.disk.size = 100";
    let mut recipes = recipes("x86_64-linux", "disk", options).unwrap();
    let error = recipes.derivation("result").unwrap_err().to_string();
    for part in [
        "`image.disk.size` is of an ext4 root; one of EROFS is as large as its files, compressed",
        "profiles/t.toml:10:",
        "image.disk.size = 100",
    ] {
        assert!(error.contains(part), "no `{part}` in:\n{error}");
    }
}

#[test]
fn an_oci_image_is_for_the_machine_of_its_profile() {
    for (system, architecture) in [("x86_64-linux", None), ("aarch64-linux", Some("arm64"))] {
        let mut recipes = recipes(system, "oci", "").unwrap();
        let oci = named(&mut recipes, &format!("t-base-{system}-oci")).unwrap();
        let found = param(&oci, "architecture").map(|found| text(Some(found)));
        assert_eq!(found.as_deref(), architecture, "{system}");
    }
}

//! `run` and `test`: what a profile boots, with which command line, and what is refused or skipped.
//!
//! A stand-in for QEMU prints its arguments; that a guest gets them is tested in the vm crate.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::env::{PROFILE, Ran, TestRepo, can_build};

/// Images that nothing could boot, each under the name that its kind has.
const RECIPES: &str = r#"
direct = run "direct" "mkdir $out; echo kernel > $out/vmlinuz; echo fs > $out/initramfs; echo 'console=ttyS0 a=b' > $out/cmdline";
iso = run "iso" "mkdir $out; echo iso > $out/t.iso";
disk = run "disk" "mkdir $out; echo disk > $out/t.img";
other = run "other" "mkdir $out";
place = { iso = { at = "/"; from = iso; }; boot = { at = "/t.boot"; from = direct; };
  disk = { at = "/"; from = disk; }; uki = { at = "/t.uki"; from = other; }; pxe = { at = "/t.pxe"; from = other; };
  tar = { at = "/t"; from = other; }; };
result = step "images" "builtin:merge" { } (map (kind: place.${kind}) profile.profile.images);
"#;

/// Answers as QEMU does when asked for its version, else prints its arguments, one a line.
const QEMU: &str = "#!/bin/sh
if [ \"$*\" = --version ]; then echo 'QEMU emulator version 0.0'; else printf '%s\\n' \"$@\"; fi
";

fn repo(system: &str, images: &str) -> TestRepo {
    let repo = TestRepo::new(RECIPES);
    let profile = PROFILE
        .replace("images = []", &format!("images = [{images}]"))
        .replace("x86_64-linux", system);
    repo.write("profiles/t.toml", &profile);
    for arch in ["x86_64", "aarch64"] {
        let path = format!("bin/qemu-system-{arch}");
        repo.write(&path, QEMU);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(repo.dir().join(path), executable).unwrap();
    }
    repo
}

/// Runs a verb with the stand-in before every other program.
fn xsc(repo: &TestRepo, verb: &str, flags: &[&str]) -> Ran {
    let mut command = repo.command([&[verb, "profiles/t.toml"], flags].concat());
    let path = format!("{}:/usr/bin:/bin", repo.dir().join("bin").display());
    Ran::new(command.env("PATH", path).output().unwrap())
}

/// The argument that follows `option`.
fn value<'a>(ran: &'a Ran, option: &str) -> Option<&'a str> {
    let mut lines = ran.out.lines();
    lines.find(|line| *line == option)?;
    lines.next()
}

#[test]
fn a_boot_image_is_loaded_by_qemu_with_words_behind_its_command_line() {
    if !can_build("a_boot_image_is_loaded_by_qemu_with_words_behind_its_command_line") {
        return;
    }
    let repo = repo("x86_64-linux", "\"boot\"");
    let ran = xsc(&repo, "run", &[]).ok();
    let kernel = value(&ran, "-kernel").unwrap();
    assert!(kernel.ends_with("/t.boot/vmlinuz"), "{kernel}");
    assert_eq!(fs::read_to_string(kernel).unwrap(), "kernel\n");
    let initrd = value(&ran, "-initrd").unwrap();
    assert_eq!(fs::read_to_string(initrd).unwrap(), "fs\n");
    assert_eq!(value(&ran, "-append"), Some("console=ttyS0 a=b"));
    assert_eq!(value(&ran, "-machine"), Some("q35"));

    let ran = xsc(
        &repo,
        "run",
        &["--append", "xsc=strict c=d", "--append", "-x"],
    )
    .ok();
    let words = "console=ttyS0 a=b xsc=strict c=d -x";
    assert_eq!(value(&ran, "-append"), Some(words));
    let ran = xsc(&repo, "run", &["--medium", "kernel", "--cpus", "3"]).ok();
    assert_eq!(value(&ran, "-smp"), Some("3"));

    xsc(&repo, "run", &["--medium", "cd"]).fails(
        2,
        &["error: profile t makes no ISO to boot\nhint: add \"iso\" to `images`"],
    );
}

#[test]
fn an_iso_is_booted_first_and_takes_no_words() {
    if !can_build("an_iso_is_booted_first_and_takes_no_words") {
        return;
    }
    let both = repo("x86_64-linux", "\"boot\", \"iso\"");
    let ran = xsc(&both, "run", &[]).ok();
    assert!(
        ran.out.contains("media=cdrom") && ran.out.contains("/t.iso"),
        "{}",
        ran.out
    );
    assert_eq!(value(&ran, "-kernel"), None);
    let ran = xsc(&both, "run", &["--medium", "disk"]).ok();
    assert!(
        ran.out.contains("snapshot=on") && ran.out.contains("/t.iso"),
        "{}",
        ran.out
    );
    let ran = xsc(&both, "run", &["--medium", "kernel", "--append", "c"]).ok();
    assert_eq!(value(&ran, "-append"), Some("console=ttyS0 a=b c"));
    let refused = "error: --append needs a kernel booted directly; profile t boots an ISO";
    for verb in ["run", "test"] {
        let ran = xsc(&both, verb, &["--append", "c"]);
        ran.fails(2, &[refused, "hint: add --medium kernel\n"]);
    }

    let iso = repo("x86_64-linux", "\"iso\"");
    for verb in ["run", "test"] {
        xsc(&iso, verb, &["--append", "c"]).fails(2, &[refused, "hint: add \"boot\" to `images`"]);
        let ran = xsc(&iso, verb, &["--medium", "kernel"]);
        ran.fails(2, &["error: profile t makes no kernel to boot directly"]);
    }
    assert!(!iso.store().exists(), "what is refused is not built");
    let none = repo("x86_64-linux", "\"oci\"");
    xsc(&none, "test", &[]).fails(
        2,
        &["error: profile t makes nothing to boot\nhint: add \"iso\""],
    );
}

#[test]
fn a_disk_is_attached_to_the_bus_that_is_named() {
    if !can_build("a_disk_is_attached_to_the_bus_that_is_named") {
        return;
    }
    let all = repo("x86_64-linux", "\"iso\", \"disk\", \"boot\"");
    for (bus, device) in [
        ("virtio", "virtio-blk-pci,"),
        ("ahci", "ide-hd,bus=ahci0.0,"),
        ("nvme", "nvme,"),
        ("usb", "usb-storage,"),
    ] {
        let ran = xsc(&all, "run", &["--image", "disk", "--bus", bus]).ok();
        assert!(ran.out.contains("/t.img"), "{}", ran.out);
        assert!(ran.out.lines().any(|line| line.starts_with(device)));
    }
    let ran = xsc(&all, "run", &["--medium", "disk", "--bus", "usb"]).ok();
    assert!(ran.out.contains("/t.iso"), "{}", ran.out);
    xsc(&all, "run", &["--image", "disk", "--medium", "cd"]).fails(
        2,
        &["error: an image of the kind disk is no such medium\nhint: an iso is a cd or a disk"],
    );
    let disk = repo("x86_64-linux", "\"disk\"");
    for flags in [&[][..], &["--medium", "disk"]] {
        assert!(xsc(&disk, "run", flags).ok().out.contains("/t.img"));
    }
    xsc(&disk, "run", &["--append", "c"]).fails(
        2,
        &["error: --append needs a kernel booted directly; profile t boots a disk"],
    );
    xsc(&disk, "run", &["--image", "iso"]).fails(2, &["error: profile t makes no ISO to boot"]);
}

#[test]
fn firmware_gets_a_program_from_a_folder_or_over_the_network() {
    if !can_build("firmware_gets_a_program_from_a_folder_or_over_the_network") {
        return;
    }
    let pxe = repo("x86_64-linux", "\"pxe\", \"tar\"");
    let ran = xsc(&pxe, "run", &[]).ok();
    let server = |program: &str| format!("user,id=net0,restrict=on,bootfile={program},tftp=");
    assert!(ran.out.contains(&server("boot.ipxe")), "{}", ran.out);
    xsc(&pxe, "run", &["--image", "uki"])
        .fails(2, &["error: profile t makes no program of UEFI to boot"]);
    xsc(&pxe, "run", &["--append", "c"]).fails(2, &["profile t boots over the network"]);
    let uki = repo("x86_64-linux", "\"uki\"");
    xsc(&uki, "run", &["--firmware", "bios"])
        .fails(2, &["error: a BIOS cannot start an image of the kind uki"]);
    xsc(&uki, "run", &["--medium", "network"]).fails(
        2,
        &["error: profile t makes nothing to boot over the network"],
    );
    if !Path::new("/usr/share/OVMF/OVMF_CODE_4M.fd").exists() {
        println!("skipped: no UEFI firmware (package ovmf)");
        return;
    }
    let ran = xsc(&uki, "run", &[]).ok();
    assert!(ran.out.contains("readonly=on,file=fat:/"), "{}", ran.out);
    let ran = xsc(&pxe, "run", &["--firmware", "uefi"]).ok();
    assert!(ran.out.contains(&server("bootx64.efi")), "{}", ran.out);
}

#[test]
fn a_profile_for_arm_boots_on_its_own_board() {
    if !can_build("a_profile_for_arm_boots_on_its_own_board") {
        return;
    }
    // The image is made by a builtin: nothing for that processor runs here.
    let repo = repo("aarch64-linux", "\"boot\"");
    repo.write("made/vmlinuz", "");
    repo.write("made/initramfs", "");
    repo.write("made/cmdline", "console=ttyAMA0\n");
    repo.recipes(
        r#"result = step "images" "builtin:merge" { } [ { at = "/t.boot"; from = ../made; } ];"#,
    );
    let ran = xsc(&repo, "run", &[]).ok();
    assert_eq!(value(&ran, "-machine"), Some("virt,gic-version=3"));
    assert_eq!(value(&ran, "-cpu"), Some("max,pauth-impdef=on"));
    assert_eq!(value(&ran, "-append"), Some("console=ttyAMA0"));
    assert!(!ran.out.contains("pflash"), "{}", ran.out);
    repo.write("made/cmdline", "console=ttyAMA0\npanic=-1\n");
    xsc(&repo, "run", &[]).fails(1, &["/t.boot/cmdline is not one line"]);
}

#[test]
fn a_test_is_skipped_unless_what_it_needs_is_built() {
    if !can_build("a_test_is_skipped_unless_what_it_needs_is_built") {
        return;
    }
    let repo = repo("x86_64-linux", "\"boot\"");
    let test = |flags: &[&str]| xsc(&repo, "test", flags);
    let skipped = test(&["--if-built", "direct"]).ok();
    assert_eq!(skipped.out, "boot test skipped: direct is not built\n");
    assert_eq!(skipped.building(), [""; 0]);
    let json = test(&["--if-built", "direct", "--json"]).ok().json();
    assert_eq!(json["skipped"], "direct is not built");
    let error = "error: the recipes have no `drect`";
    test(&["--if-built", "drect"]).fails(1, &[error]);

    // What is built for one test is built for the other; the rest is made then.
    let _ = repo.build_with(&["-A", "direct", "--no-link"]).ok();
    let dry = test(&["--if-built", "direct", "-n"]).ok();
    assert_eq!(dry.out, "make  images\n");
    let skipped = test(&["--if-built", "other"]).ok();
    assert_eq!(skipped.out, "boot test skipped: other is not built\n");
    test(&[
        "--if-built",
        "direct",
        "--bundle",
        "b",
        "--boot-timeout",
        "0",
    ])
    .fails(2, &["invalid value '0' for '--boot-timeout <SECONDS>'"]);
    // The stand-in is no QEMU, which must not pass for a machine that ended well.
    test(&["--if-built", "direct"]).fails(1, &["refused to start the machine"]);
}

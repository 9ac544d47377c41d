//! What `test --matrix` does with an image besides booting it once: a disk that grows, a root that was tampered with, an
//! ISO that installs.
//!
//! Called by `matrix` for each of its rows. Invariant: images are copied before a guest may write to them, and a journey
//! counts as passed only if each of its boots did and said what it is about.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use xsc_profile::{ImageKind, Profile};
use xsc_vm::{Machine, Medium, Script, Verdict};

use super::image::open;
use super::machine::{ISO, RAW, image};
use super::test::Boots;
use crate::args::{BootFlags, BusArg, MediumArg};
use crate::error::CommandError;
use crate::ui::human;

const MIB: u64 = 1 << 20;
/// How much larger than its image a disk is, on which the root shall grow.
const LARGER: u64 = 512 * MIB;
/// What the first boot says, and what every line of it begins with.
const GREW: &str = "first-boot: the root grew from ";
const FIRST_BOOT: &str = "first-boot: ";
/// What the kernel says of a block that is not what it was.
const CORRUPTED: &str = "is corrupted";
/// The program that grows a root, the root's part in a disk, and a program that every boot reads, as readers name them.
const GROWER: &[u8] = b"usr/lib/xsc/first-boot";
const ROOT: &str = "root";
const HASHES: &[u8] = b"-root-verity";
const INIT: &[u8] = b"init";
/// What roots are hashed in.
const BLOCK: usize = 4096;
/// What an EROFS superblock begins with, at byte 1024 of its file system.
const EROFS: [u8; 4] = 0xe0f5_e1e2_u32.to_le_bytes();
/// The disk that an ISO installs.
const INSTALLED: &[u8] = b"live/disk.img";

/// What is done with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is booted.
    Boot,
    /// It is booted twice on a larger disk, and its root grows once.
    Grow,
    /// A bit of its root is another, and it is not booted.
    Tamper,
    /// It installs a disk, which is booted.
    Install,
}

/// What became of it.
pub(crate) struct Outcome {
    pub(crate) passed: bool,
    pub(crate) text: String,
}

impl Outcome {
    fn of(verdict: &Verdict, about: &str) -> Outcome {
        if verdict.passed {
            let tests = verdict.counts.as_ref().map_or(0, |counts| counts.pass);
            let took = human(verdict.duration);
            return Outcome {
                passed: true,
                text: format!("in {took}, {tests} tests inside{about}"),
            };
        }
        let reasons = verdict.failures.iter().map(ToString::to_string);
        let mut text = reasons.collect::<Vec<_>>().join("; ");
        if let Some(bundle) = &verdict.bundle {
            text = format!("{text} (see {})", bundle.display());
        }
        Outcome {
            passed: false,
            text,
        }
    }

    fn failed(text: impl Into<String>) -> Outcome {
        Outcome {
            passed: false,
            text: text.into(),
        }
    }
}

/// What else than booting can be tried with the images of a profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Able {
    pub(crate) grow: bool,
    pub(crate) tamper: bool,
    pub(crate) install: bool,
}

impl Able {
    /// Looks into the images.
    pub(crate) fn of(profile: &Profile, images: &Path) -> Result<Able, CommandError> {
        let mut able = Able::default();
        let holds = |path: &Path, part: &str, name: &[u8]| -> Result<bool, CommandError> {
            let word = format!("{}{part}", path.display());
            Ok(open(&word)?.entries().contains_key(name))
        };
        let raw = image(images, &[RAW]).ok();
        if let Some(disk) = raw.filter(|_| profile.images.contains(&ImageKind::Disk)) {
            let parts = open(&disk.display().to_string())?;
            able.tamper = parts.entries().keys().any(|part| part.ends_with(HASHES));
            able.grow = !able.tamper && holds(&disk, &format!("#{ROOT}"), GROWER)?;
        }
        if profile.images.contains(&ImageKind::Iso) {
            able.install = holds(&image(images, &[ISO])?, "", INSTALLED)?;
        }
        Ok(able)
    }
}

/// Goes one way with an image.
pub(crate) fn go(
    way: Way,
    boots: &Boots<'_>,
    flags: &BootFlags,
    bundle: &Path,
) -> Result<Outcome, CommandError> {
    match way {
        Way::Boot => {
            let verdict = boots.attempt(flags, bundle)?;
            Ok(Outcome::of(&verdict, ""))
        }
        Way::Grow => grow(boots, flags, bundle),
        Way::Tamper => tamper(boots, flags, bundle),
        Way::Install => install(boots, flags, bundle),
    }
}

fn broken(path: &Path) -> impl Fn(std::io::Error) -> CommandError + '_ {
    move |error| CommandError::other(format!("cannot prepare {}: {error}", path.display()))
}

fn folder() -> Result<TempDir, CommandError> {
    tempfile::tempdir().map_err(|e| CommandError::other(format!("no folder for a disk: {e}")))
}

/// A copy of the disk image that a guest may write to.
fn copy(images: &Path, folder: &Path) -> Result<(PathBuf, File), CommandError> {
    let path = folder.join("disk.img");
    let mut from =
        image(images, &[RAW]).and_then(|from| File::open(&from).map_err(broken(&from)))?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(broken(&path))?;
    std::io::copy(&mut from, &mut file).map_err(broken(&path))?;
    Ok((path, file))
}

fn grow(boots: &Boots<'_>, flags: &BootFlags, bundle: &Path) -> Result<Outcome, CommandError> {
    let folder = folder()?;
    let (path, file) = copy(boots.images, folder.path())?;
    let size = file.metadata().map_err(broken(&path))?.len();
    file.set_len(size + LARGER).map_err(broken(&path))?;
    grown(boots, flags, bundle, &path)
}

/// Boots the disk twice: the first time its root grows, the second time nothing does.
fn grown(
    boots: &Boots<'_>,
    flags: &BootFlags,
    bundle: &Path,
    disk: &Path,
) -> Result<Outcome, CommandError> {
    let own = |machine: &mut Machine| machine.medium = Medium::Scratch(disk.to_owned());
    let (first, lines) = boots.with(flags, bundle, None, &own)?;
    if !first.passed {
        return Ok(Outcome::of(&first, ""));
    }
    let Some(grew) = lines.iter().find_map(|line| line.strip_prefix(GREW)) else {
        return Ok(Outcome::failed("it booted, but its root did not grow"));
    };
    let (second, lines) = boots.with(flags, bundle, None, &own)?;
    if let Some(line) = lines.iter().find(|line| line.starts_with(FIRST_BOOT)) {
        let text = format!("the second boot had something left to do: {line}");
        return Ok(Outcome::failed(text));
    }
    Ok(Outcome::of(
        &second,
        &format!("; its root grew from {grew}"),
    ))
}

fn tamper(boots: &Boots<'_>, flags: &BootFlags, bundle: &Path) -> Result<Outcome, CommandError> {
    let folder = folder()?;
    let (path, mut file) = copy(boots.images, folder.path())?;
    let word = format!("{}#{ROOT}", path.display());
    let root = open(&word)?;
    let flipped = if root.format() == "EROFS" {
        // Its files are compressed and cannot be looked for; its superblock is what every boot reads.
        flip(&mut file, superblock)
    } else {
        let name = super::image::resolve(root.entries(), INIT).unwrap_or_else(|| INIT.to_vec());
        let mut begin = Vec::new();
        root.content(&name)
            .map_err(|e| super::image::failed(&word, &e))?
            .reader()
            .take(BLOCK as u64)
            .read_to_end(&mut begin)
            .map_err(broken(&path))?;
        flip(&mut file, |block| beginning(block, &begin))
    };
    flipped.map_err(broken(&path))?;
    let own = |machine: &mut Machine| machine.medium = Medium::Scratch(path.clone());
    let (verdict, lines) = boots.with(flags, bundle, None, &own)?;
    if verdict.passed {
        return Ok(Outcome::failed("a root with a flipped bit was taken"));
    }
    let Some(line) = lines.iter().find(|line| line.contains(CORRUPTED)) else {
        return Ok(Outcome::failed(format!(
            "it did not boot, but the kernel does not say that the root {CORRUPTED}: {}",
            Outcome::of(&verdict, "").text
        )));
    };
    // The boot had to fail: what it left is no evidence of anything.
    if let Some(left) = &verdict.bundle {
        let _ = fs::remove_dir_all(left);
    }
    let line = line
        .split_once("] ")
        .map_or(line.as_str(), |(_, text)| text);
    Ok(Outcome {
        passed: true,
        text: format!("because it was refused: {line}"),
    })
}

/// The middle of a block that EROFS begins with.
fn superblock(block: &[u8]) -> Option<usize> {
    block[1024..].starts_with(&EROFS).then_some(BLOCK / 2)
}

/// The middle of a file's first bytes, where a block begins with them.
fn beginning(block: &[u8], begin: &[u8]) -> Option<usize> {
    let here = !begin.is_empty() && block.starts_with(begin);
    here.then_some(begin.len() / 2)
}

/// Flips one bit of the first block that is what is looked for, in the byte that `wanted` says.
fn flip(file: &mut File, wanted: impl Fn(&[u8]) -> Option<usize>) -> std::io::Result<()> {
    let mut block = [0; BLOCK];
    file.seek(SeekFrom::Start(0))?;
    for at in (0..).step_by(BLOCK) {
        file.read_exact(&mut block)?;
        if let Some(byte) = wanted(&block) {
            file.seek(SeekFrom::Start(at + byte as u64))?;
            return file.write_all(&[block[byte] ^ 1]);
        }
    }
    Ok(())
}

/// What a person types at the installer of an ISO that is a CD, or a disk on USB. The question is asked again behind each
/// refusal, together with it, so only the first is waited for.
fn dialogue(usb: bool, too_small: bool) -> Script {
    let mut text = String::from(
        "limit 240\nexpect Install XSC OS\nsend i\nexpect Install on which disk?\n\
         send vdz\nexpect there is no disk vdz\n",
    );
    if usb {
        text.push_str("send sda\nexpect sda is in use\n");
    }
    text.push_str(match too_small {
        true => "send vda\nexpect vda is too small\nsend\n",
        false => {
            "send vda\nexpect will be erased\nsend sda\nexpect nothing was changed\n\
             send vda\nexpect will be erased\nsend vda\nexpect installed on vda and compared\n"
        }
    });
    Script::parse(&text).expect("the dialogue is a script")
}

fn install(boots: &Boots<'_>, flags: &BootFlags, bundle: &Path) -> Result<Outcome, CommandError> {
    let folder = folder()?;
    let usb = flags.medium == Some(MediumArg::Disk) && flags.bus == BusArg::Usb;
    let iso = image(boots.images, &[ISO])?;
    let carried = open(&iso.display().to_string())?;
    let size = carried.entries().get(INSTALLED).map_or(0, |node| node.size);
    let mut sizes = vec![size + LARGER];
    if usb {
        sizes.insert(0, size - MIB);
    }
    let disk = folder.path().join("spare.img");
    for room in sizes {
        File::create(&disk)
            .and_then(|file| file.set_len(room))
            .map_err(broken(&disk))?;
        let spare = |machine: &mut Machine| machine.spare = Some(disk.clone());
        let script = dialogue(usb, room < size);
        let (verdict, _) = boots.with(flags, bundle, Some(script), &spare)?;
        if !verdict.passed {
            return Ok(Outcome::of(&verdict, ""));
        }
    }
    grown(boots, flags, bundle, &disk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_is_flipped_where_the_content_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        let mut bytes = vec![7; 6 * BLOCK];
        let content = [3; 5000];
        bytes[2 * BLOCK..2 * BLOCK + 5000].copy_from_slice(&content);
        bytes[5 * BLOCK + 1024..5 * BLOCK + 1028].copy_from_slice(&EROFS);
        let flipped = |wanted: &dyn Fn(&[u8]) -> Option<usize>| {
            fs::write(&path, &bytes).unwrap();
            let mut options = OpenOptions::new();
            let mut file = options.read(true).write(true).open(&path).unwrap();
            let done = flip(&mut file, wanted);
            let after = fs::read(&path).unwrap();
            let changed: Vec<usize> = (0..bytes.len())
                .filter(|at| bytes[*at] != after[*at])
                .collect();
            (
                done.is_ok(),
                changed.first().map(|at| (*at, after[*at])),
                changed.len(),
            )
        };
        let begin = &content[..BLOCK];
        assert_eq!(
            flipped(&|block| beginning(block, begin)),
            (true, Some((2 * BLOCK + 2048, 2)), 1)
        );
        assert_eq!(flipped(&superblock), (true, Some((5 * BLOCK + 2048, 6)), 1));
        for nowhere in [&b"nowhere"[..], b""] {
            assert_eq!(
                flipped(&|block| beginning(block, nowhere)),
                (false, None, 0)
            );
        }
    }
}

//! `profiles/*.toml`: what to compose, as types.
//!
//! Called by the command line; the evaluator makes modules of `text` and `tables`.
//! Invariant: a profile names one system and one variant, so an image never mixes them.

use crate::data::Entry;
use crate::error::TomlError;
use crate::reader::{At, Table, name_fault, read_file};

/// The machine an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    /// `x86_64-linux`
    X86_64Linux,
    /// `aarch64-linux`
    Aarch64Linux,
}

/// Whether code is built with control-flow integrity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// `base`: plain code.
    Base,
    /// `cfi`: shadow stack and branch tracking, or pointer authentication and BTI.
    Cfi,
}

/// A kind of image a profile asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageKind {
    /// `iso`: a hybrid ISO 9660 image.
    Iso,
    /// `oci`: an OCI image layout.
    Oci,
    /// `boot`: kernel, initramfs and command line, for a machine that loads them itself.
    Boot,
    /// `disk`: a disk with a partition table.
    Disk,
    /// `tar`: the root as an archive.
    Tar,
    /// `pxe`: what a machine loads over the network.
    Pxe,
    /// `uki`: kernel, initramfs and command line as one program of UEFI.
    Uki,
}

const SYSTEMS: [(&str, System); 2] = [
    ("x86_64-linux", System::X86_64Linux),
    ("aarch64-linux", System::Aarch64Linux),
];
const VARIANTS: [(&str, Variant); 2] = [("base", Variant::Base), ("cfi", Variant::Cfi)];
const IMAGES: [(&str, ImageKind); 7] = [
    ("iso", ImageKind::Iso),
    ("oci", ImageKind::Oci),
    ("boot", ImageKind::Boot),
    ("disk", ImageKind::Disk),
    ("tar", ImageKind::Tar),
    ("pxe", ImageKind::Pxe),
    ("uki", ImageKind::Uki),
];

impl System {
    /// Returns the word a profile uses, such as `x86_64-linux`.
    pub fn as_str(self) -> &'static str {
        word(&SYSTEMS, self)
    }
}

impl Variant {
    /// Returns the word a profile uses: `base` or `cfi`.
    pub fn as_str(self) -> &'static str {
        word(&VARIANTS, self)
    }
}

impl ImageKind {
    /// Returns the word a profile uses, such as `iso`.
    pub fn as_str(self) -> &'static str {
        word(&IMAGES, self)
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], wanted: T) -> &'static str {
    let found = words.iter().find(|(_, value)| *value == wanted);
    found.expect("every value has a word").0
}

/// How `xsc-compose test` runs an image; what is absent is left to the runner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestSettings {
    /// Seconds after which the machine is stopped and the test has failed.
    pub timeout_seconds: Option<u64>,
    /// Memory of the test machine in MiB.
    pub memory_mib: Option<u64>,
    /// Names of the tests to run.
    pub tests: Vec<At<String>>,
    /// A file beside the profile: the test as what is typed on the console, and what has to come back.
    pub script: Option<At<String>>,
}

/// A composition input: one file of `profiles/`.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The file's name as the caller gave it.
    pub file: String,
    /// Short name, part of file names of images.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// The machine the images are for.
    pub system: System,
    /// The variant of all code in the images.
    pub variant: Variant,
    /// Names of `modules/*.nix`, in the order they are merged.
    pub modules: Vec<At<String>>,
    /// The images to write, in the order of the file.
    pub images: Vec<ImageKind>,
    /// The `[test]` table.
    pub test: TestSettings,
    /// The whole file as data; `options` holds what modules are told.
    pub tables: Vec<Entry>,
    /// The file's text, which the places in `tables` are of.
    pub text: String,
}

impl Profile {
    /// Parses a profile; `file` is only for messages.
    ///
    /// # Errors
    /// Everything that is wrong with the text, each fault with line, column and excerpt.
    pub fn parse(file: &str, text: &str) -> Result<Profile, TomlError> {
        read_file(file, text, |top| read(file, text, top))
    }
}

fn read(file: &str, text: &str, top: &Table<'_, '_>) -> Option<Profile> {
    let head = top.table("profile");
    if let Some(options) = top.table_or_none("options") {
        options.report_no_data();
    }
    let tables = top.data();
    let test = top.table_or_none("test").map(|table| {
        let settings = TestSettings {
            timeout_seconds: table.count_or_none("timeout_seconds"),
            memory_mib: table.count_or_none("memory_mib"),
            tests: table.strings_or_none("tests", name_fault),
            script: script(&table),
        };
        table.finish();
        settings
    });
    // All keys are asked for before the first `?`, so that one run reports every fault.
    let head = head?;
    let name = head.string("name");
    let description = head.string("description");
    let system = head.choice("system", &SYSTEMS);
    let variant = head.choice("variant", &VARIANTS);
    let modules = head.strings("modules", name_fault);
    let images = images(&head);
    head.finish();
    let name = name?;
    if let Some(fault) = name_fault(&name.value) {
        let span = head.get("name").map_or(0..0, |v| v.span());
        head.problem(span, format!("the name \"{}\" {fault}", name.value));
    }
    Some(Profile {
        file: file.to_owned(),
        name: name.value,
        description: description?.value,
        system: system?,
        variant: variant?,
        modules,
        images,
        test: test.unwrap_or_default(),
        tables,
        text: text.to_owned(),
    })
}

fn script(table: &Table<'_, '_>) -> Option<At<String>> {
    let script = table.string_or_none("script")?;
    let name = &script.value;
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        let span = table.get("script").map_or(0..0, |v| v.span());
        let message = format!("`script` is the name of a file beside the profile, not \"{name}\"");
        table.problem(span, message);
    }
    Some(script)
}

fn images(head: &Table<'_, '_>) -> Vec<ImageKind> {
    let names = head.strings("images", |_| None);
    let Some(items) = head.get("images").and_then(|v| v.get_ref().as_array()) else {
        return Vec::new();
    };
    let mut images = Vec::new();
    for name in names {
        match IMAGES.iter().find(|(word, _)| *word == name.value) {
            Some((_, kind)) => images.push(*kind),
            None => {
                let item = items
                    .iter()
                    .find(|i| i.get_ref().as_str() == Some(&name.value));
                let span = item.map_or(0..0, |i| i.span());
                let message = format!("`images` can't hold \"{}\"", name.value);
                head.not_one_of(&name.value, span, message, &IMAGES.map(|(word, _)| word));
            }
        }
    }
    images
}

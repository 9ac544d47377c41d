//! dpkg's database of a root: `/var/lib/dpkg`, as if the packages had been unpacked and configured.
//!
//! Called by `install`. Invariant: the files have the form that dpkg 1.22 writes, so `dpkg -l`, `dpkg -V`, `dpkg -S`
//! and `apt` read them; nothing in it depends on the order in which packages were given.

use std::collections::{BTreeMap, BTreeSet};

use super::{Root, RootKind, RootSpec, insert};
use crate::deb::{content, md5_hex, md5sums};
use crate::{Control, Package, PackageError, PackagePath, ProvenanceRecord};

const ROOT: &str = "/var/lib/dpkg";

pub(super) fn write(
    root: &mut Root,
    packages: &[Package],
    spec: &RootSpec,
) -> Result<(), PackageError> {
    let mut sorted: Vec<&Package> = packages.iter().collect();
    sorted.sort_by_key(|package| package.control.get("Package"));
    let mut status = String::new();
    let mut records = Vec::new();
    let mut triggers = Triggers::default();
    for package in sorted {
        status += &paragraph(package)?.to_string();
        status.push('\n');
        records.push(ProvenanceRecord::of(&package.control)?);
        let stem = stem(package)?;
        let file = |name: &str| format!("{ROOT}/info/{stem}.{name}");
        put(root, &file("list"), list(package))?;
        let sums = md5sums(package);
        if !sums.is_empty() {
            put(root, &file("md5sums"), sums)?;
        }
        for (name, member) in &package.members {
            let path = file(name);
            insert(root, &path, RootKind::File(member.bytes.clone()))?;
            if member.executable {
                let entry = root.entries.get_mut(&PackagePath::new(&path)?);
                entry.expect("it was put there above").mode = 0o755;
            }
            if name == "triggers" {
                triggers.add(&String::from_utf8_lossy(&member.bytes), &stem);
            }
        }
    }
    put(root, &format!("{ROOT}/status"), status)?;
    put(
        root,
        &format!("{ROOT}/arch"),
        format!("{}\n", spec.architecture),
    )?;
    put(root, &format!("{ROOT}/info/format"), "1\n".to_owned())?;
    for empty in [
        "available",
        "diversions",
        "statoverride",
        "triggers/Unincorp",
        "triggers/Lock",
        "lock",
    ] {
        put(root, &format!("{ROOT}/{empty}"), String::new())?;
    }
    for directory in ["alternatives", "parts", "updates"] {
        insert(root, &format!("{ROOT}/{directory}"), RootKind::Directory)?;
    }
    triggers.write(root)?;
    let json = serde_json::to_string_pretty(&records).unwrap_or_default();
    put(root, "/usr/lib/xsc/packages.json", json + "\n")
}

fn put(root: &mut Root, path: &str, text: String) -> Result<(), PackageError> {
    insert(root, path, RootKind::File(text.into_bytes()))
}

/// The name of a package's files in `info`: with the architecture where several may be installed side by side.
fn stem(package: &Package) -> Result<String, PackageError> {
    let name = package.control.need("Package")?;
    Ok(match package.control.get("Multi-Arch") {
        Some("same") => format!("{name}:{}", package.control.need("Architecture")?),
        _ => name.to_owned(),
    })
}

fn paragraph(package: &Package) -> Result<Control, PackageError> {
    let mut control = package.control.clone();
    control.set("Status", "install ok installed");
    let conffiles = package.members.get("conffiles");
    let Some(conffiles) = conffiles else {
        return Ok(control);
    };
    let mut value = String::new();
    for line in String::from_utf8_lossy(&conffiles.bytes).lines() {
        // `remove-on-upgrade /etc/x` names a file that is no longer there.
        if !line.starts_with('/') {
            continue;
        }
        let path = PackagePath::new(line)?;
        let sum = content(package, &path).map_or("newconffile".to_owned(), md5_hex);
        value += &format!("\n {path} {sum}");
    }
    if !value.is_empty() {
        control.set("Conffiles", value);
    }
    Ok(control)
}

fn list(package: &Package) -> String {
    let mut text = String::from("/.\n");
    for entry in package.files.iter().filter(|e| e.path.as_str() != "/") {
        text += entry.path.as_str();
        text.push('\n');
    }
    text
}

/// Which packages are interested in which triggers.
#[derive(Default)]
struct Triggers {
    files: BTreeSet<String>,
    named: BTreeMap<String, BTreeSet<String>>,
}

impl Triggers {
    fn add(&mut self, text: &str, package: &str) {
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let suffix = match words.next() {
                Some("interest" | "interest-await") => "",
                Some("interest-noawait") => "/noawait",
                _ => continue,
            };
            let Some(name) = words.next() else {
                continue;
            };
            if name.starts_with('/') {
                self.files.insert(format!("{name} {package}{suffix}"));
            } else {
                let list = self.named.entry(name.to_owned()).or_default();
                list.insert(format!("{package}{suffix}"));
            }
        }
    }

    fn write(self, root: &mut Root) -> Result<(), PackageError> {
        let lines =
            |set: BTreeSet<String>| -> String { set.into_iter().map(|line| line + "\n").collect() };
        put(root, &format!("{ROOT}/triggers/File"), lines(self.files))?;
        for (name, packages) in self.named {
            put(root, &format!("{ROOT}/triggers/{name}"), lines(packages))?;
        }
        Ok(())
    }
}

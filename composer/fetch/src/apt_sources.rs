//! Reads the addresses of the host's apt sources, in both formats apt knows.
//!
//! Called when mirrors are resolved. Invariant: an entry that is disabled or of an unknown transport gives no
//! address, and an unreadable line is skipped, because apt itself is the judge of these files.

use std::path::Path;

/// Returns the addresses named by the sources below `etc_apt` (`/etc/apt`), in the order apt reads them.
pub fn read_apt_sources(etc_apt: &Path) -> Vec<String> {
    let mut files = vec![etc_apt.join("sources.list")];
    if let Ok(dir) = std::fs::read_dir(etc_apt.join("sources.list.d")) {
        let mut extra: Vec<_> = dir.flatten().map(|e| e.path()).collect();
        extra.sort();
        files.extend(extra);
    }
    let mut addresses = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        match file.extension().and_then(|e| e.to_str()) {
            Some("list") => one_line(&text, &mut addresses),
            Some("sources") => deb822(&text, &mut addresses),
            _ => {}
        }
    }
    addresses
}

fn add(address: &str, addresses: &mut Vec<String>) {
    let known = ["http://", "https://", "file:"];
    if !known.iter().any(|scheme| address.starts_with(scheme)) {
        return;
    }
    // apt accepts file:/path; everything after this point wants file:///path.
    let address = match address.strip_prefix("file:/") {
        Some(path) if !path.starts_with('/') => format!("file:///{path}"),
        _ => address.to_owned(),
    };
    let address = address.trim_end_matches('/').to_owned();
    if !addresses.contains(&address) {
        addresses.push(address);
    }
}

fn one_line(text: &str, addresses: &mut Vec<String>) {
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        let Some(rest) = line
            .strip_prefix("deb-src")
            .or_else(|| line.strip_prefix("deb"))
        else {
            continue;
        };
        if !rest.starts_with([' ', '\t', '[']) {
            continue;
        }
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']').map_or("", |(_, after)| after),
            None => rest,
        };
        if let Some(address) = rest.split_whitespace().next() {
            add(address, addresses);
        }
    }
}

fn deb822(text: &str, addresses: &mut Vec<String>) {
    let mut found: Vec<String> = Vec::new();
    let mut enabled = true;
    let mut in_uris = false;
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            if enabled {
                for address in &found {
                    add(address, addresses);
                }
            }
            (found, enabled, in_uris) = (Vec::new(), true, false);
            continue;
        }
        let value = if line.starts_with([' ', '\t']) {
            line
        } else {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            in_uris = field.eq_ignore_ascii_case("uris");
            if field.eq_ignore_ascii_case("enabled") {
                let value = value.trim();
                enabled = !["no", "false", "0", "off", "without", "disable"].contains(&value);
            }
            value
        };
        if in_uris {
            found.extend(value.split_whitespace().map(str::to_owned));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_line_sources() {
        let text = "\
# deb http://old.example/debian trixie main
deb http://a.example/debian/ trixie main
deb-src [arch=amd64 signed-by=/k.gpg] https://b.example/debian trixie main # comment
deb [trusted=yes]http://c.example/debian ./
debris http://d.example/debian x
deb cdrom:[Debian]/ trixie main
deb file:/srv/debian trixie main
";
        let mut found = Vec::new();
        one_line(text, &mut found);
        assert_eq!(
            found,
            [
                "http://a.example/debian",
                "https://b.example/debian",
                "http://c.example/debian",
                "file:///srv/debian"
            ]
        );
    }

    #[test]
    fn reads_deb822_sources() {
        let text = "\
Types: deb
# a comment inside
URIs: http://a.example/debian
  http://b.example/debian/
Suites: trixie

Types: deb
URIs: http://off.example/debian
Enabled: no

types: deb deb-src
uris: https://c.example/debian-security http://a.example/debian
";
        let mut found = Vec::new();
        deb822(text, &mut found);
        assert_eq!(
            found,
            [
                "http://a.example/debian",
                "http://b.example/debian",
                "https://c.example/debian-security"
            ]
        );
    }

    #[test]
    fn absent_directory_gives_nothing() {
        assert!(read_apt_sources(Path::new("/nonexistent")).is_empty());
    }
}

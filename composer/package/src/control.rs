//! The control paragraph of a package: fields in their order.
//!
//! Used by `deb`, `rebase` and `root`. Invariant: what is parsed and written again unchanged has the same text, but
//! for spaces after a field's colon; a value never holds an empty line, so a paragraph stays one.

use std::fmt;

use crate::PackageError;

/// Fields of a binary package in the order that `dpkg-gencontrol` gives them; others come before `Description`.
const ORDER: [&str; 24] = [
    "Package",
    "Source",
    "Version",
    "Architecture",
    "Essential",
    "Protected",
    "Maintainer",
    "Original-Maintainer",
    "Installed-Size",
    "Provides",
    "Pre-Depends",
    "Depends",
    "Recommends",
    "Suggests",
    "Enhances",
    "Conflicts",
    "Breaks",
    "Replaces",
    "Section",
    "Priority",
    "Multi-Arch",
    "Homepage",
    "Original-Homepage",
    "Description",
];

/// One paragraph of `Field: value` lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Control(Vec<(String, String)>);

impl Control {
    /// Parses one paragraph.
    ///
    /// # Errors
    /// `Control` for a line that is no field, a field twice, or a second paragraph.
    pub fn parse(text: &str) -> Result<Control, PackageError> {
        let bad = |line: &str| PackageError::Control {
            line: line.to_owned(),
        };
        let mut control = Control::default();
        for line in text.trim_matches('\n').lines() {
            if line.starts_with([' ', '\t']) {
                let (_, value) = control.0.last_mut().ok_or_else(|| bad(line))?;
                value.push('\n');
                value.push_str(line);
                continue;
            }
            let (field, value) = line.split_once(':').ok_or_else(|| bad(line))?;
            let plain = |c: char| c.is_ascii_graphic();
            if field.is_empty() || !field.chars().all(plain) || control.get(field).is_some() {
                return Err(bad(line));
            }
            let value = value.trim().to_owned();
            control.0.push((field.to_owned(), value));
        }
        Ok(control)
    }

    /// The value of a field, whatever the case of its name.
    pub fn get(&self, field: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        fields
            .find(|(name, _)| name.eq_ignore_ascii_case(field))
            .map(|(_, value)| value.as_str())
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// `MissingField`.
    pub fn need(&self, field: &'static str) -> Result<&str, PackageError> {
        let value = self.get(field).filter(|value| !value.is_empty());
        value.ok_or(PackageError::MissingField { field })
    }

    /// Sets a field where it stands, or puts a new one at its usual place.
    pub fn set(&mut self, field: &str, value: impl Into<String>) {
        let value = value.into();
        let there = |(name, _): &&mut (String, String)| name.eq_ignore_ascii_case(field);
        if let Some((_, old)) = self.0.iter_mut().find(there) {
            *old = value;
            return;
        }
        let rank = |name: &str| {
            let known = ORDER.iter().position(|f| f.eq_ignore_ascii_case(name));
            known.unwrap_or(ORDER.len() - 2)
        };
        let at = self.0.iter().position(|(name, _)| rank(name) > rank(field));
        let at = at.unwrap_or(self.0.len());
        self.0.insert(at, (field.to_owned(), value));
    }

    /// Removes a field, if it is there.
    pub fn remove(&mut self, field: &str) {
        self.0.retain(|(name, _)| !name.eq_ignore_ascii_case(field));
    }

    /// All fields in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.iter();
        fields.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.fields() {
            // A value that begins with a line of its own, such as Conffiles, has no space after the colon.
            let separator = if value.starts_with('\n') { "" } else { " " };
            writeln!(f, "{name}:{separator}{value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_there_and_back() {
        let text = "Package: a\nVersion: 1\nDescription: short\n long\n .\n more\n";
        let mut control = Control::parse(text).unwrap();
        assert_eq!(control.to_string(), text);
        assert_eq!(control.get("version"), Some("1"));
        control.set("Architecture", "all");
        control.set("X-Own", "y");
        control.set("Version", "2");
        assert_eq!(
            control.to_string(),
            "Package: a\nVersion: 2\nArchitecture: all\nX-Own: y\nDescription: short\n long\n .\n more\n"
        );
        control.remove("x-own");
        assert_eq!(control.get("X-Own"), None);
        assert!(control.need("Depends").is_err());
    }

    #[test]
    fn refuses_what_is_no_paragraph() {
        for bad in [
            " a",
            "Package",
            "A: 1\nA: 2",
            "A: 1\n\nB: 2",
            ": x",
            "a b: c",
        ] {
            assert!(Control::parse(bad).is_err(), "{bad:?}");
        }
    }
}

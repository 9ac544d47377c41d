//! Cuts a byte stream into lines fit for people and for the complaint scanner.
//!
//! Used by `runner` for the console and for QMP, and by `token` for its lines. Invariant: no line handed out holds a control character, so a
//! guest cannot steer the terminal its lines are shown on.

/// A line longer than this is cut, so that a guest without line ends does not fill the memory.
const LINE_MAX: usize = 64 * 1024;

/// Gathers bytes until a line is complete.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes in `bytes` and hands out each line they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(&str)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend(piece);
            if piece.ends_with(b"\n") || self.partial.len() >= LINE_MAX {
                self.finish(each);
            }
        }
    }

    /// Hands out what is left, if anything.
    pub(crate) fn finish(&mut self, each: &mut dyn FnMut(&str)) {
        if !self.partial.is_empty() {
            each(&plain(&String::from_utf8_lossy(&self.partial)));
            self.partial.clear();
        }
    }
}

/// Cuts a whole text into lines.
pub(crate) fn plain_lines(bytes: &[u8]) -> Vec<String> {
    let mut lines = Lines::default();
    let mut found = Vec::new();
    lines.push(bytes, &mut |line| found.push(line.to_owned()));
    lines.finish(&mut |line| found.push(line.to_owned()));
    found
}

/// Drops escape sequences and control characters; a tab becomes a space.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\t' => plain.push(' '),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

fn skip_escape(chars: &mut std::str::Chars<'_>) {
    match chars.next() {
        // Control sequence: parameters, then one final byte.
        Some('[') => {
            chars.find(|c| ('\u{40}'..='\u{7e}').contains(c));
        }
        // Character set selection: one more byte.
        Some('(' | ')') => {
            chars.next();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        if let [whole] = pieces {
            return plain_lines(whole);
        }
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for piece in pieces {
            lines.push(piece, &mut |line| out.push(line.to_owned()));
        }
        lines.finish(&mut |line| out.push(line.to_owned()));
        out
    }

    #[test]
    fn lines_are_joined_across_pieces() {
        assert_eq!(lines(&[b"a", b"b\r\nc", b"\n\nd"]), ["ab", "c", "", "d"]);
        assert!(lines(&[b""]).is_empty());
    }

    #[test]
    fn escapes_and_controls_are_dropped() {
        let text = b"\x1b[2J\x1b[01;01Ha\x1b(Bb\x07\tc\x1b[0m\xff\n\x1b[\n\x1b";
        assert_eq!(lines(&[text]), ["ab c\u{fffd}", "", ""]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let long = vec![b'x'; LINE_MAX + 1];
        let cut = lines(&[&long[..LINE_MAX], &long[LINE_MAX..]]);
        assert_eq!(
            cut.iter().map(String::len).collect::<Vec<_>>(),
            [LINE_MAX, 1]
        );
    }
}

//! Small ELF files made by hand: one executable and one read-only segment, dynamic or not.
//!
//! The other test files use it. Invariant: what is not asked for is as a linker of today leaves it.

/// What to put into a file.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) machine: u16,
    pub(crate) code: Vec<u8>,
    /// Name, offset in the code, size, and whether it is a function.
    pub(crate) symbols: Vec<(&'static str, u64, u64, bool)>,
    pub(crate) interpreter: Option<&'static str>,
    pub(crate) note: Option<Vec<u8>>,
    pub(crate) property: Option<u32>,
    pub(crate) code_flags: u32,
    pub(crate) stack_flags: Option<u32>,
    pub(crate) dynamic: Vec<(u64, u64)>,
    pub(crate) build_id: bool,
    pub(crate) kind: u16,
    /// Where the file's first byte is mapped.
    pub(crate) base: u64,
}

pub(crate) const X86: u16 = 62;
pub(crate) const ARM: u16 = 183;
/// Where the code is, in file and memory.
pub(crate) const CODE: u64 = 0x1000;

impl Made {
    pub(crate) fn new(machine: u16, code: &[u8]) -> Made {
        Made {
            machine,
            code: code.to_vec(),
            symbols: Vec::new(),
            interpreter: Some(match machine {
                ARM => "/lib/ld-linux-aarch64.so.1",
                _ => "/lib64/ld-linux-x86-64.so.2",
            }),
            note: None,
            property: None,
            code_flags: 5,
            stack_flags: Some(6),
            dynamic: vec![(30, 8)],
            build_id: true,
            kind: 3,
            base: 0,
        }
    }

    pub(crate) fn noted(mut self, description: &[u32]) -> Made {
        let words: Vec<u8> = description.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.note = Some(elf_note(b"XSC\0", 1, &words));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut file = vec![0; 64];
        let mut segments: Vec<[u64; 7]> = Vec::new();
        let mut sections: Vec<(&str, u32, u64, u64, u64, u64, u32)> = Vec::new();
        file.resize(64 + 56 * 12, 0);
        let add = |file: &mut Vec<u8>, content: &[u8], align: usize| {
            file.resize(file.len().next_multiple_of(align), 0);
            let at = file.len() as u64;
            file.extend_from_slice(content);
            (at, content.len() as u64)
        };
        if let Some(path) = self.interpreter {
            let text = [path.as_bytes(), b"\0"].concat();
            let (at, size) = add(&mut file, &text, 1);
            segments.push([3, 4, at, at, size, size, 1]);
            sections.push((".interp", 1, 2, at, size, at, 0));
        }
        if let Some(bits) = self.property {
            let kind: u32 = if self.machine == ARM {
                0xc000_0000
            } else {
                0xc000_0002
            };
            let words: Vec<u8> = [kind, 4, bits, 0]
                .iter()
                .flat_map(|w| w.to_le_bytes())
                .collect();
            let (at, size) = add(&mut file, &elf_note(b"GNU\0", 5, &words), 8);
            segments.push([4, 4, at, at, size, size, 8]);
            segments.push([0x6474_e553, 4, at, at, size, size, 8]);
            sections.push((".note.gnu.property", 7, 2, at, size, at, 0));
        }
        if self.build_id {
            let (at, size) = add(&mut file, &elf_note(b"GNU\0", 3, &[7; 20]), 4);
            segments.push([4, 4, at, at, size, size, 4]);
            sections.push((".note.gnu.build-id", 7, 2, at, size, at, 0));
        }
        if let Some(note) = &self.note {
            let (at, size) = add(&mut file, note, 4);
            segments.push([4, 4, at, at, size, size, 4]);
            sections.push((".note.XSC-ABI", 7, 2, at, size, at, 0));
        }
        if !self.dynamic.is_empty() {
            let words: Vec<u8> = self
                .dynamic
                .iter()
                .chain([&(0, 0)])
                .flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()].concat())
                .collect();
            let (at, size) = add(&mut file, &words, 8);
            segments.push([2, 6, at, at, size, size, 8]);
        }
        let end = file.len() as u64;
        segments.push([1, 4, 0, 0, end, end, 0x1000]);
        file.resize(CODE as usize, 0);
        let (at, size) = add(&mut file, &self.code, 1);
        segments.push([1, u64::from(self.code_flags), at, at, size, size, 0x1000]);
        sections.push((".text", 1, 6, at, size, at, 0));
        if let Some(flags) = self.stack_flags {
            segments.push([0x6474_e551, u64::from(flags), 0, 0, 0, 0, 16]);
        }
        // What follows is not mapped with the code: it starts on a page of its own.
        file.resize(0x2000, 0);
        let text_index = sections.len() as u16;
        let mut names = vec![0];
        let mut table = vec![0; 24];
        for (name, offset, size, function) in &self.symbols {
            table.extend_from_slice(&(names.len() as u32).to_le_bytes());
            table.extend_from_slice(&[0x10 | if *function { 2 } else { 1 }, 0]);
            table.extend_from_slice(&text_index.to_le_bytes());
            table.extend_from_slice(&(CODE + offset).to_le_bytes());
            table.extend_from_slice(&size.to_le_bytes());
            names.extend_from_slice(name.as_bytes());
            names.push(0);
        }
        let (at, size) = add(&mut file, &table, 8);
        let strings = sections.len() as u32 + 2;
        sections.push((".symtab", 2, 0, at, size, 0, strings));
        let (at, size) = add(&mut file, &names, 1);
        sections.push((".strtab", 3, 0, at, size, 0, 0));
        self.finish(file, &segments, sections)
    }

    fn finish(
        &self,
        mut file: Vec<u8>,
        segments: &[[u64; 7]],
        mut sections: Vec<(&str, u32, u64, u64, u64, u64, u32)>,
    ) -> Vec<u8> {
        assert!(segments.len() <= 12);
        let mut names = vec![0];
        let mut offsets = vec![0];
        for name in sections.iter().map(|s| s.0).chain([".shstrtab"]) {
            offsets.push(names.len() as u32);
            names.extend_from_slice(name.as_bytes());
            names.push(0);
        }
        let at = file.len() as u64;
        file.extend_from_slice(&names);
        sections.push((".shstrtab", 3, 0, at, names.len() as u64, 0, 0));
        file.resize(file.len().next_multiple_of(8), 0);
        let headers = file.len() as u64;
        file.extend_from_slice(&[0; 64]);
        for ((_, kind, flags, at, size, address, link), name) in sections.iter().zip(&offsets[1..])
        {
            let mut header = [0; 64];
            header[0..4].copy_from_slice(&name.to_le_bytes());
            header[4..8].copy_from_slice(&kind.to_le_bytes());
            for (place, value) in [(8, flags), (16, address), (24, at), (32, size), (48, &1)] {
                header[place..place + 8].copy_from_slice(&value.to_le_bytes());
            }
            header[40..44].copy_from_slice(&link.to_le_bytes());
            if *kind == 2 {
                header[56] = 24;
            }
            file.extend_from_slice(&header);
        }
        for (index, [kind, flags, at, address, size, memory, align]) in segments.iter().enumerate()
        {
            let header = 64 + 56 * index;
            file[header..header + 4].copy_from_slice(&(*kind as u32).to_le_bytes());
            file[header + 4..header + 8].copy_from_slice(&(*flags as u32).to_le_bytes());
            let address = &(address + self.base);
            for (i, value) in [at, address, address, size, memory, align]
                .iter()
                .enumerate()
            {
                let place = header + 8 + 8 * i;
                file[place..place + 8].copy_from_slice(&value.to_le_bytes());
            }
        }
        file[0..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
        file[16..18].copy_from_slice(&self.kind.to_le_bytes());
        file[18..20].copy_from_slice(&self.machine.to_le_bytes());
        file[20] = 1;
        file[24..32].copy_from_slice(&CODE.to_le_bytes());
        file[32] = 64;
        file[40..48].copy_from_slice(&headers.to_le_bytes());
        let counts = [64, 56, segments.len() as u16, 64, sections.len() as u16 + 1];
        for (i, value) in counts.iter().enumerate() {
            file[52 + 2 * i..54 + 2 * i].copy_from_slice(&value.to_le_bytes());
        }
        let last = sections.len() as u16;
        file[62..64].copy_from_slice(&last.to_le_bytes());
        file
    }
}

pub(crate) fn elf_note(name: &[u8; 4], kind: u32, description: &[u8]) -> Vec<u8> {
    let mut note = Vec::new();
    for word in [4, description.len() as u32, kind] {
        note.extend_from_slice(&word.to_le_bytes());
    }
    note.extend_from_slice(name);
    note.extend_from_slice(description);
    note
}

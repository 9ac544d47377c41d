//! Writes boot sectors: 16-bit programs of a few instructions, started by SeaBIOS at 0000:7c00.
//!
//! Called by `accel` for its probe and by the tests of the runner, which need guests with known manners, also in
//! the form of a kernel. Invariant: the code is position independent and fits the 510 bytes of a sector.

/// SeaBIOS does not boot from a disk without a whole cylinder.
const DISK_BYTES: usize = 1 << 20;

/// Offset of the print routine, right behind the jump over it.
const PRINT: usize = 12;

/// Where the program finds the command line as a kernel.
#[cfg(test)]
const COMMAND_LINE: u16 = 0x8000;

/// Writes the zero-terminated text at ds:si to the first serial port.
const WRITE: [u8; 22] = [
    0xac, // next: lodsb
    0x84, 0xc0, // test al, al
    0x74, 0x11, // jz done
    0x88, 0xc4, // mov ah, al
    0xba, 0xfd, 0x03, // mov dx, 0x3fd
    0xec, // wait: in al, dx
    0xa8, 0x20, // test al, 0x20
    0x74, 0xfb, // jz wait
    0xb2, 0xf8, // mov dl, 0xf8
    0x88, 0xe0, // mov al, ah
    0xee, // out dx, al
    0xeb, 0xea, // jmp next
];

/// A boot sector under construction.
#[derive(Debug, Clone)]
pub(crate) struct Sector {
    code: Vec<u8>,
}

impl Sector {
    pub(crate) fn new() -> Self {
        let mut code = vec![
            0x31, 0xc0, // xor ax, ax
            0x8e, 0xd8, // mov ds, ax
            0x8e, 0xd0, // mov ss, ax
            0xbc, 0x00, 0x7c, // mov sp, 0x7c00
            0xfc, // cld
            0xeb, 0x00, // jmp over print, patched below
        ];
        assert_eq!(code.len(), PRINT, "PRINT is the offset of the routine");
        // print: writes the zero-terminated text behind the call.
        code.push(0x5e); // pop si
        code.extend(WRITE);
        code.extend([0xff, 0xe6]); // jmp si
        code[PRINT - 1] = u8::try_from(code.len() - PRINT).expect("the routine is short");
        Sector { code }
    }

    /// Writes `value` to the port of `isa-debug-exit`.
    pub(crate) fn exit(mut self, value: u8) -> Self {
        self.code.extend([0xb0, value, 0xe6, 0xf4]); // mov al, value; out 0xf4, al
        self.halt()
    }

    /// Stops the processor for good.
    pub(crate) fn halt(mut self) -> Self {
        self.code.extend([0xfa, 0xf4, 0xeb, 0xfc]); // cli; again: hlt; jmp again
        self
    }

    /// Returns a disk of 1 MiB that starts with the sector.
    pub(crate) fn disk(self) -> Vec<u8> {
        assert!(self.code.len() <= 510, "a boot sector holds 510 bytes");
        let mut disk = self.code;
        disk.resize(DISK_BYTES, 0);
        disk[510..512].copy_from_slice(&[0x55, 0xaa]);
        disk
    }
}

#[cfg(test)]
impl Sector {
    /// Prints `text` on the console.
    pub(crate) fn print(mut self, text: &str) -> Self {
        let after = self.code.len() + 3;
        let back = i16::try_from(PRINT).unwrap() - i16::try_from(after).unwrap();
        self.code.push(0xe8); // call print
        self.code.extend(back.to_le_bytes());
        self.code.extend(text.bytes());
        self.code.push(0);
        self
    }

    /// Waits for the end of a line on the console.
    pub(crate) fn read_line(mut self) -> Self {
        self.code.extend([
            0xba, 0xfd, 0x03, // again: mov dx, 0x3fd
            0xec, // wait: in al, dx
            0xa8, 0x01, // test al, 1
            0x74, 0xfb, // jz wait
            0xb2, 0xf8, // mov dl, 0xf8
            0xec, // in al, dx
            0x3c, 0x0a, // cmp al, 10
            0x75, 0xf1, // jne again
        ]);
        self
    }

    /// Prints the command line; only for `kernel`.
    pub(crate) fn print_command_line(mut self) -> Self {
        self.code.push(0xbe); // mov si, COMMAND_LINE
        self.code.extend(COMMAND_LINE.to_le_bytes());
        self.code.extend(WRITE);
        self
    }

    /// Returns the program as a Linux kernel of protocol 2.4 whose setup code, which a loader starts at 1020:0000,
    /// puts program and command line where they are looked for.
    pub(crate) fn kernel(self) -> Vec<u8> {
        const SETUP: usize = 0x200;
        const PROGRAM: usize = 0x400;
        let mut kernel = vec![0; PROGRAM];
        kernel[0x1f1] = 2; // sectors of setup code: this one and the program
        kernel[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        kernel[SETUP..0x202].copy_from_slice(&[0xeb, 0x6e]); // jmp setup
        kernel[0x202..0x206].copy_from_slice(b"HdrS");
        kernel[0x206..0x208].copy_from_slice(&[0x04, 0x02]);
        kernel[0x211] = 1; // the rest of the file goes above 1 MiB
        kernel[0x22c..0x230].copy_from_slice(&[0xff, 0xff, 0xff, 0x37]); // the end of the initial file system
        let command_line = COMMAND_LINE.to_le_bytes();
        #[rustfmt::skip]
        let setup = [
            0xfc, // cld
            0x0e, 0x1f, // push cs; pop ds
            0x31, 0xc0, 0x8e, 0xc0, // xor ax, ax; mov es, ax
            0xbe, 0x00, 0x02, // mov si, PROGRAM - SETUP
            0xbf, 0x00, 0x7c, // mov di, 0x7c00
            0xb9, 0x00, 0x02, // mov cx, 512
            0xf3, 0xa4, // rep movsb
            0x66, 0xa1, 0x28, 0x00, // mov eax, [command line pointer]
            0x66, 0xc1, 0xe8, 0x04, // shr eax, 4
            0x8e, 0xd8, // mov ds, ax
            0x31, 0xf6, // xor si, si
            0xbf, command_line[0], command_line[1], // mov di, COMMAND_LINE
            0xb9, 0x00, 0x01, // mov cx, 256
            0xf3, 0xa4, // rep movsb
            0xea, 0x00, 0x7c, 0x00, 0x00, // jmp 0:0x7c00
        ];
        kernel[0x270..0x270 + setup.len()].copy_from_slice(&setup);
        let mut program = self.code;
        program.resize(512, 0);
        kernel.extend(program);
        // What a loader takes for the kernel proper; nothing jumps there.
        kernel.resize(kernel.len() + 512, 0);
        kernel
    }

    /// Prints `text` for ever.
    pub(crate) fn chatter(self, text: &str) -> Self {
        let start = self.code.len();
        let mut sector = self.print(text);
        let after = sector.code.len() + 3;
        let back = i16::try_from(start).unwrap() - i16::try_from(after).unwrap();
        sector.code.push(0xe9); // jmp start
        sector.code.extend(back.to_le_bytes());
        sector
    }

    /// Switches the machine off through the ACPI registers where SeaBIOS puts them on a q35 board.
    pub(crate) fn power_off(mut self) -> Self {
        // mov dx, 0x604; mov ax, 0x2000; out dx, ax
        self.code.extend([0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef]);
        self.halt()
    }

    /// Resets the machine.
    pub(crate) fn reset(mut self) -> Self {
        // mov dx, 0xcf9; mov al, 6; out dx, al
        self.code.extend([0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee]);
        self.halt()
    }

    /// Writes `text` to the first named port of the virtio-serial device, as a legacy driver would: one buffer in
    /// the port's transmit queue (number 5), then a wait until the device has used it.
    pub(crate) fn say(mut self, text: &str) -> Self {
        use crate::command::SERIAL_SLOT;
        let address = |register: u32| 0x8000_0000 | u32::from(SERIAL_SLOT) << 11 | register;
        let code = &mut self.code;
        // call over the text, which leaves its address on the stack: pop si
        code.push(0xe8);
        code.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        code.extend(text.bytes());
        code.push(0x5e);
        // command register: ports, memory and bus mastering
        let select = |code: &mut Vec<u8>, register| {
            code.extend([0x66, 0xb8]); // mov eax, address
            code.extend(u32::to_le_bytes(address(register)));
            // mov dx, 0xcf8; out dx, eax; mov dl, 0xfc
            code.extend([0xba, 0xf8, 0x0c, 0x66, 0xef, 0xb2, 0xfc]);
        };
        select(code, 4);
        code.extend([0xb8, 0x07, 0x00, 0xef]); // mov ax, 7; out dx, ax
        select(code, 0x10);
        code.extend([0xed, 0x24, 0xfc, 0x89, 0xc3]); // in ax, dx; and al, 0xfc; mov bx, ax
        // registers of the device, relative to bx: lea dx, [bx + register]
        let byte = |code: &mut Vec<u8>, register: u8, value: u8| {
            code.extend([0x8d, 0x57, register, 0xb0, value, 0xee]); // mov al, value; out dx, al
        };
        let word = |code: &mut Vec<u8>, register: u8, value: u8| {
            code.extend([0x8d, 0x57, register, 0xb8, value, 0x00, 0xef]); // mov ax, value; out dx, ax
        };
        byte(code, 0x12, 0); // status: reset
        byte(code, 0x12, 3); // status: acknowledge, driver
        word(code, 0x0e, 5); // queue select
        code.extend([0x8d, 0x57, 0x08]); // queue address, in pages
        code.extend([0x66, 0xb8, 0x10, 0x00, 0x00, 0x00, 0x66, 0xef]); // mov eax, 0x10; out dx, eax
        // the queue at 0x10000: descriptor 0, the available ring behind 128 descriptors, the used ring a page on
        code.extend([0xb8, 0x00, 0x10, 0x8e, 0xc0]); // mov ax, 0x1000; mov es, ax
        let store = |code: &mut Vec<u8>, offset: u16, value: u16| {
            code.extend([0x26, 0xc7, 0x06]); // mov word [es:offset], value
            code.extend(offset.to_le_bytes());
            code.extend(value.to_le_bytes());
        };
        code.extend([0x26, 0x89, 0x36, 0x00, 0x00]); // mov [es:0], si
        for offset in [2, 4, 6] {
            store(code, offset, 0);
        }
        store(code, 8, u16::try_from(text.len()).unwrap());
        for offset in [10, 12, 14, 0x800, 0x804, 0x1000, 0x1002] {
            store(code, offset, 0);
        }
        store(code, 0x802, 1);
        byte(code, 0x12, 7); // status: driver ready
        word(code, 0x10, 5); // notify
        // wait: cmp word [es:0x1002], 1; jne wait
        code.extend([0x26, 0x83, 0x3e, 0x02, 0x10, 0x01, 0x75, 0xf8]);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_the_boot_signature_and_a_cylinder() {
        let disk = Sector::new().exit(1).disk();
        assert_eq!(disk.len(), DISK_BYTES);
        assert_eq!(disk[510..512], [0x55, 0xaa]);
        assert_eq!(disk[11], 25, "the jump leads over the print routine");
    }
}

//! A kernel for aarch64 of a few instructions, for the tests of the runner.
//!
//! QEMU starts it at 0x40080000 of a machine with 64 MiB, with the device tree's address in x0. Invariant: what
//! it says is what it was given: the command line on the console, the initial file system on the verdict channel.

use crate::command::SERIAL_SLOT;

/// Returns the kernel: it prints the command line from the word `echo` on, which must be in it and at a multiple
/// of four, writes the text in the initial file system to the first named port and switches the machine off.
pub(crate) fn kernel() -> Vec<u8> {
    let slot = u32::from(SERIAL_SLOT) << 15;
    let code = [
        // the command line is a string of the device tree
        0xaa00_03ea, // mov x10, x0
        0x528c_6ca1, // mov w1, #0x6365: "ec"
        0x72ad_ed01, // movk w1, #0x6f68, lsl #16: "ho"
        0xb840_4542, // 1: ldr w2, [x10], #4
        0x6b01_005f, // cmp w2, w1
        0x54ff_ffc1, // b.ne 1b
        0xd100_114a, // sub x10, x10, #4
        // to the PL011 at 0x09000000
        0xd2a1_200b, // movz x11, #0x0900, lsl #16
        0x3840_1542, // 2: ldrb w2, [x10], #1
        0x3400_00a2, // cbz w2, 4f
        0xb940_1963, // 3: ldr w3, [x11, #0x18]: flags
        0x372f_ffe3, // tbnz w3, #5, 3b: full
        0xb900_0162, // str w2, [x11]
        0x17ff_fffb, // b 2b
        0x5280_0142, // 4: mov w2, #10
        0xb900_0162, // str w2, [x11]
        // the initial file system is in the middle of the memory; the length of its text
        0xd2a8_400c, // movz x12, #0x4200, lsl #16
        0xaa0c_03ed, // mov x13, x12
        0x3840_15a2, // 5: ldrb w2, [x13], #1
        0x35ff_ffe2, // cbnz w2, 5b
        0xcb0c_01ad, // sub x13, x13, x12
        0xd100_05ad, // sub x13, x13, #1
        // the device's configuration space at 0x4010000000: ports from 0x1000 on, decoding and bus mastering
        0xd2a2_000e | (slot >> 16) << 5, // movz x14, #0x1000 + slot's upper half, lsl #16
        0xf2c0_080e,                     // movk x14, #0x40, lsl #32
        0xf280_000e | (slot & 0xffff) << 5, // movk x14, #slot's lower half
        0x5282_0002,                     // mov w2, #0x1000
        0xb900_11c2,                     // str w2, [x14, #0x10]
        0x5280_00e2,                     // mov w2, #7
        0xb900_05c2,                     // str w2, [x14, #4]
        // the device's registers; reset, then driver
        0xd2a7_dfef, // movz x15, #0x3eff, lsl #16
        0xf282_000f, // movk x15, #0x1000
        0x3900_49ff, // strb wzr, [x15, #0x12]
        0x5280_0062, // mov w2, #3
        0x3900_49e2, // strb w2, [x15, #0x12]
        // queue 5, transmit, at 0x40100000: descriptor 0 is the text
        0x5280_00a2, // mov w2, #5
        0x7900_1de2, // strh w2, [x15, #0xe]
        0x52a0_0082, // movz w2, #4, lsl #16
        0x7280_2002, // movk w2, #0x100
        0xb900_09e2, // str w2, [x15, #8]
        0xd2a8_0210, // movz x16, #0x4010, lsl #16
        0xa900_360c, // stp x12, x13, [x16]
        0x5280_0022, // mov w2, #1
        0x7910_0602, // strh w2, [x16, #0x802]
        0xd503_3f9f, // dsb sy
        0x5280_00e2, // mov w2, #7
        0x3900_49e2, // strb w2, [x15, #0x12]
        0x5280_00a2, // mov w2, #5
        0x7900_21e2, // strh w2, [x15, #0x10]
        // until the device has used it
        0x9140_0610, // add x16, x16, #0x1000
        0x7940_0602, // 6: ldrh w2, [x16, #2]
        0x34ff_ffe2, // cbz w2, 6b
        // PSCI: SYSTEM_OFF
        0x52b0_8000, // mov w0, #0x84000000
        0x7280_0100, // movk w0, #8
        0xd400_0002, // hvc #0
        0x1400_0000, // b .
    ];
    code.iter()
        .flat_map(|word: &u32| word.to_le_bytes())
        .collect()
}

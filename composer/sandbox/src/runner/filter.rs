//! The seccomp filter of the command: which system calls go to the tracer, which fail, and that the rest run at
//! full speed. Called once per sandbox, by `command`.
//! It sees numbers and arguments only; whatever depends on memory is for the tracer.

use nix::libc::{self, c_long, sock_filter};

use super::arch;

/// The tracer ends a process that enters the kernel through another system call table.
pub(super) const TRACE_FOREIGN: u32 = 1;
/// The tracer answers a question for the wall clock.
pub(super) const TRACE_CLOCK: u32 = 2;

/// Not defined by `libc`: reads the wall clock even while the machine sleeps.
const CLOCK_REALTIME_ALARM: u32 = 8;

/// Not in every version of `libc`; new calls have one number on all machines.
const SYS_OPEN_TREE_ATTR: c_long = 467;

/// The clocks that follow the wall clock.
const WALL_CLOCKS: [u32; 4] = [
    libc::CLOCK_REALTIME as u32,
    libc::CLOCK_REALTIME_COARSE as u32,
    libc::CLOCK_TAI as u32,
    CLOCK_REALTIME_ALARM,
];

/// Calls that would set the clock or read it (adjtimex), change the machine, or undo the sandbox. Most need a
/// capability that the command lacks; a program that makes a user namespace would have it there.
const REFUSED: &[c_long] = &[
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    SYS_OPEN_TREE_ATTR,
    libc::SYS_move_mount,
    libc::SYS_mount_setattr,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
];

// Offsets in the kernel's `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
/// The low half of an argument; both supported machines are little-endian.
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

const REFUSE: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;

fn load(offset: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

fn verdict(value: u32) -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, value)
}

/// Goes on if the loaded word equals `value`, otherwise skips `otherwise` instructions.
fn unless_equal_skip(value: u32, otherwise: u8) -> sock_filter {
    instruction(
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        0,
        otherwise,
        value,
    )
}

fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    // All BPF codes fit; the constants are wider than the field.
    sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    }
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).expect("system call numbers are small and positive")
}

/// The filter program.
pub(super) fn program() -> Vec<sock_filter> {
    let trace = |what| verdict(libc::SECCOMP_RET_TRACE | what);
    let allow = verdict(libc::SECCOMP_RET_ALLOW);
    let mut p = vec![load(ARCH)];
    // Another architecture, that is 32-bit code: its table has other numbers, and other ways to the clock.
    p.push(instruction(
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        1,
        0,
        arch::AUDIT_ARCH,
    ));
    p.push(trace(TRACE_FOREIGN));
    p.push(load(NUMBER));
    if let Some(first) = arch::FIRST_FOREIGN_NUMBER {
        // -1 is no call of any table; the kernel answers ENOSYS.
        p.push(unless_equal_skip(u32::MAX, 1));
        p.push(allow);
        p.push(instruction(
            libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K,
            0,
            1,
            first,
        ));
        p.push(trace(TRACE_FOREIGN));
    }
    for call in REFUSED {
        p.extend([unless_equal_skip(number(*call), 1), verdict(REFUSE)]);
    }
    for call in arch::TIME_CALLS {
        p.extend([unless_equal_skip(number(*call), 1), trace(TRACE_CLOCK)]);
    }
    let mut clocks = vec![load(argument(0))];
    for clock in WALL_CLOCKS {
        clocks.extend([unless_equal_skip(clock, 1), trace(TRACE_CLOCK)]);
    }
    clocks.push(allow);
    let skip = u8::try_from(clocks.len()).expect("a handful of instructions");
    p.push(unless_equal_skip(number(libc::SYS_clock_gettime), skip));
    p.extend(clocks);
    p.push(allow);
    p
}

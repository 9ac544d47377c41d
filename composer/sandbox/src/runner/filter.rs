//! The seccomp filter of the command: which system calls go to the tracer, which fail, and that the rest run at
//! full speed. Called once per sandbox, by `command`.
//! It sees numbers and arguments only; whatever depends on memory is for the tracer.

use std::collections::BTreeMap;

use nix::libc::{self, c_long, sock_filter};

use super::arch;

/// The tracer ends a process that enters the kernel through another system call table.
pub(super) const TRACE_FOREIGN: u32 = 1;
/// The tracer answers a question for the wall clock.
pub(super) const TRACE_CLOCK: u32 = 2;

/// The tracer moves a deadline from the fixed clock to the real one.
pub(super) const TRACE_DEADLINE: u32 = 3;
/// The tracer reorders a listing.
pub(super) const TRACE_LISTING: u32 = 4;

/// The tracer notes that the network may be used.
pub(super) const TRACE_NETWORK: u32 = 5;

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

fn allow() -> sock_filter {
    verdict(libc::SECCOMP_RET_ALLOW)
}

fn trace(what: u32) -> sock_filter {
    verdict(libc::SECCOMP_RET_TRACE | what)
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

/// The filter program; listings go to the tracer only where they are to be reordered.
pub(super) fn program(listings: bool) -> Vec<sock_filter> {
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
        p.push(allow());
        p.push(instruction(
            libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K,
            0,
            1,
            first,
        ));
        p.push(trace(TRACE_FOREIGN));
    }
    let mut calls: BTreeMap<u32, Vec<sock_filter>> = BTreeMap::new();
    let mut answer = |call: c_long, how: Vec<sock_filter>| calls.insert(number(call), how);
    for call in REFUSED {
        answer(*call, vec![verdict(REFUSE)]);
    }
    for call in arch::TIME_CALLS {
        answer(*call, vec![trace(TRACE_CLOCK)]);
    }
    if listings {
        answer(libc::SYS_getdents64, vec![trace(TRACE_LISTING)]);
    }
    // It makes sockets that no filter sees.
    answer(libc::SYS_io_uring_setup, vec![trace(TRACE_NETWORK)]);
    for (call, block) in [
        (libc::SYS_socket, socket()),
        (libc::SYS_socketpair, socket()),
        (libc::SYS_clock_gettime, clock_gettime()),
        (libc::SYS_clock_nanosleep, clock_nanosleep()),
        (libc::SYS_futex, futex()),
        (libc::SYS_fcntl, fcntl()),
    ] {
        answer(call, block);
    }
    let calls: Vec<(u32, Vec<sock_filter>)> = calls.into_iter().collect();
    p.extend(search(&calls));
    p
}

/// Finds the call among these, which are sorted, and does what is listed for it; any other is allowed. The kernel runs a
/// new filter for each number that there is, to know which it need not run it for: a search by halves is a tenth of the
/// work of a list.
fn search(calls: &[(u32, Vec<sock_filter>)]) -> Vec<sock_filter> {
    const FEW: usize = 4;
    if calls.len() > FEW {
        let (low, high) = calls.split_at(calls.len() / 2);
        let (first, low, high) = (high[0].0, search(low), search(high));
        let code = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
        let over = u8::try_from(low.len()).expect("half of the filter is short");
        return [vec![instruction(code, over, 0, first)], low, high].concat();
    }
    let mut p = Vec::new();
    for (call, block) in calls {
        let skip = u8::try_from(block.len()).expect("a block is short");
        p.push(unless_equal_skip(*call, skip));
        p.extend(block);
    }
    p.push(allow());
    p
}

/// Traced for every family but the one that stays within the machine's files and names.
fn socket() -> Vec<sock_filter> {
    vec![
        load(argument(0)),
        unless_equal_skip(libc::AF_UNIX as u32, 1),
        allow(),
        trace(TRACE_NETWORK),
    ]
}

/// Refused, as by a file system without them, for what would make sandboxes with the same root wait for each other or
/// hear of each other: leases and notes of changes.
fn fcntl() -> Vec<sock_filter> {
    let refuse = verdict(libc::SECCOMP_RET_ERRNO | libc::EINVAL as u32);
    vec![
        load(argument(1)),
        unless_equal_skip(libc::F_SETLEASE as u32, 1),
        refuse,
        unless_equal_skip(libc::F_NOTIFY as u32, 1),
        refuse,
        allow(),
    ]
}

/// Traced for the clocks that follow the wall clock.
fn clock_gettime() -> Vec<sock_filter> {
    let mut p = vec![load(argument(0))];
    for clock in WALL_CLOCKS {
        p.extend([unless_equal_skip(clock, 1), trace(TRACE_CLOCK)]);
    }
    p.push(allow());
    p
}

/// Traced for an absolute time on such a clock.
fn clock_nanosleep() -> Vec<sock_filter> {
    let mut p = vec![
        load(argument(1)),
        instruction(
            libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K,
            1,
            0,
            libc::TIMER_ABSTIME as u32,
        ),
        allow(),
        load(argument(0)),
    ];
    for clock in WALL_CLOCKS {
        p.extend([unless_equal_skip(clock, 1), trace(TRACE_DEADLINE)]);
    }
    p.push(allow());
    p
}

/// Traced for operations whose time is absolute and on the wall clock, if there is a time at all: the C
/// library's untimed waits look the same but for the null pointer, and have to stay fast.
fn futex() -> Vec<sock_filter> {
    const OPERATION: u32 = !(libc::FUTEX_PRIVATE_FLAG as u32);
    let real = libc::FUTEX_CLOCK_REALTIME;
    let operations = [
        libc::FUTEX_WAIT_BITSET | real,
        libc::FUTEX_WAIT_REQUEUE_PI | real,
        libc::FUTEX_LOCK_PI2 | real,
        libc::FUTEX_LOCK_PI,
        libc::FUTEX_LOCK_PI | real,
    ];
    let timed = [
        load(argument(3)),
        unless_equal_skip(0, 2),
        load(argument(3) + 4),
        instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, 0, 0),
        trace(TRACE_DEADLINE),
        allow(),
    ];
    let mut p = vec![
        load(argument(1)),
        instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, OPERATION),
    ];
    let count = operations.len();
    for (index, operation) in operations.into_iter().enumerate() {
        // Over the remaining comparisons and the verdict behind them.
        let hit = u8::try_from(count - index).expect("a handful");
        let code = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
        p.push(instruction(code, hit, 0, operation as u32));
    }
    p.push(allow());
    p.extend(timed);
    p
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a filter as the kernel does, on a call with these arguments.
    fn run(program: &[sock_filter], call: u32, arguments: [u32; 4]) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let one = program[at];
            at += 1;
            let jump = |taken: bool| usize::from(if taken { one.jt } else { one.jf });
            match u32::from(one.code) {
                code if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS => {
                    loaded = match one.k {
                        NUMBER => call,
                        ARCH => arch::AUDIT_ARCH,
                        // The low half of one; the high ones are 0.
                        offset if offset % 8 == 0 => arguments[(offset as usize - 16) / 8],
                        _ => 0,
                    };
                }
                code if code == libc::BPF_ALU | libc::BPF_AND | libc::BPF_K => loaded &= one.k,
                code if code == libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K => {
                    at += jump(loaded == one.k);
                }
                code if code == libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K => {
                    at += jump(loaded >= one.k);
                }
                code if code == libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K => {
                    at += jump(loaded & one.k != 0);
                }
                code if code == libc::BPF_RET | libc::BPF_K => return one.k,
                code => panic!("instruction {} has the code {code:#x}", at - 1),
            }
        }
    }

    #[test]
    fn arguments_decide_where_the_number_does_not() {
        let traced = |what| libc::SECCOMP_RET_TRACE | what;
        let allowed = libc::SECCOMP_RET_ALLOW;
        let invalid = libc::SECCOMP_RET_ERRNO | libc::EINVAL as u32;
        let (real, monotonic) = (libc::CLOCK_REALTIME as u32, libc::CLOCK_MONOTONIC as u32);
        let absolute = libc::TIMER_ABSTIME as u32;
        let private = libc::FUTEX_PRIVATE_FLAG as u32;
        let wall = (libc::FUTEX_WAIT_BITSET | libc::FUTEX_CLOCK_REALTIME) as u32;
        let locked = libc::FUTEX_LOCK_PI as u32;
        for (call, arguments, expected) in [
            (libc::SYS_socket, [libc::AF_UNIX as u32, 0, 0, 0], allowed),
            (
                libc::SYS_socket,
                [libc::AF_INET as u32, 0, 0, 0],
                traced(TRACE_NETWORK),
            ),
            (
                libc::SYS_socketpair,
                [libc::AF_UNIX as u32, 0, 0, 0],
                allowed,
            ),
            (libc::SYS_clock_gettime, [monotonic, 0, 0, 0], allowed),
            (
                libc::SYS_clock_gettime,
                [CLOCK_REALTIME_ALARM, 0, 0, 0],
                traced(TRACE_CLOCK),
            ),
            (libc::SYS_clock_nanosleep, [real, 0, 1, 0], allowed),
            (
                libc::SYS_clock_nanosleep,
                [monotonic, absolute, 1, 0],
                allowed,
            ),
            (
                libc::SYS_clock_nanosleep,
                [real, absolute, 1, 0],
                traced(TRACE_DEADLINE),
            ),
            // Without a time it waits for ever, by whatever clock.
            (libc::SYS_futex, [1, wall, 0, 0], allowed),
            (libc::SYS_futex, [1, wall, 0, 1], traced(TRACE_DEADLINE)),
            (
                libc::SYS_futex,
                [1, wall | private, 0, 1],
                traced(TRACE_DEADLINE),
            ),
            (libc::SYS_futex, [1, locked, 0, 1], traced(TRACE_DEADLINE)),
            (libc::SYS_futex, [1, libc::FUTEX_WAIT as u32, 0, 1], allowed),
            (libc::SYS_fcntl, [1, libc::F_SETLEASE as u32, 0, 0], invalid),
            (libc::SYS_fcntl, [1, libc::F_NOTIFY as u32, 0, 0], invalid),
            (libc::SYS_fcntl, [1, libc::F_GETFL as u32, 0, 0], allowed),
        ] {
            let verdict = run(&program(false), number(call), arguments);
            assert_eq!(verdict, expected, "call {call} {arguments:?}");
        }
    }

    #[test]
    fn every_call_gets_its_verdict() {
        for listings in [false, true] {
            let program = program(listings);
            for call in 0..1024 {
                let listed = |calls: &[c_long]| calls.iter().any(|one| number(*one) == call);
                let networks = [
                    libc::SYS_socket,
                    libc::SYS_socketpair,
                    libc::SYS_io_uring_setup,
                ];
                let expected = match call {
                    _ if listed(REFUSED) => REFUSE,
                    _ if listed(arch::TIME_CALLS) => libc::SECCOMP_RET_TRACE | TRACE_CLOCK,
                    // Clock 0 is the wall clock, and family 0 is not that of Unix sockets.
                    _ if listed(&[libc::SYS_clock_gettime]) => {
                        libc::SECCOMP_RET_TRACE | TRACE_CLOCK
                    }
                    _ if listed(&networks) => libc::SECCOMP_RET_TRACE | TRACE_NETWORK,
                    _ if listings && listed(&[libc::SYS_getdents64]) => {
                        libc::SECCOMP_RET_TRACE | TRACE_LISTING
                    }
                    _ => libc::SECCOMP_RET_ALLOW,
                };
                assert_eq!(run(&program, call, [0; 4]), expected, "call {call}");
            }
            if let Some(first) = arch::FIRST_FOREIGN_NUMBER {
                let foreign = libc::SECCOMP_RET_TRACE | TRACE_FOREIGN;
                assert_eq!(run(&program, first, [0; 4]), foreign);
                assert_eq!(run(&program, u32::MAX, [0; 4]), libc::SECCOMP_RET_ALLOW);
            }
        }
    }
}

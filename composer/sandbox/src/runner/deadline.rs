//! Deadlines on the wall clock. A program that waits "until now + 1 s" computes the time from the fixed clock; the
//! kernel would compare it with the real one and wait for years. The tracer passes the call on with the deadline
//! moved to the real clock, and puts everything back before the program can look.
//! Covers what threads libraries use: timed futex waits (condition variables, semaphores, locks) and
//! `clock_nanosleep`. Timers on the wall clock with an absolute time (`timerfd`, `timer_settime`) are not covered.

use nix::errno::Errno;
use nix::libc::{self, c_long, pid_t, timespec};

use super::arch::Registers;
use super::sys;
use super::tracer::{read_memory, write_memory};

/// Below the part of the stack that a function may use without moving the stack pointer.
const BELOW_RED_ZONE: u64 = 256;

const NANOS: i64 = 1_000_000_000;

/// A call that waits until an absolute time, and which argument points to that time.
pub(super) fn argument_of(call: c_long) -> Option<usize> {
    match call {
        libc::SYS_futex => Some(3),
        libc::SYS_clock_nanosleep => Some(2),
        _ => None,
    }
}

/// What to put back when the call returns.
pub(super) enum Restore {
    Argument(usize, u64),
    Memory(u64, [u8; 16]),
}

/// Moves the deadline of the call that `pid` is about to do; `None` if the kernel should see it as it is.
pub(super) fn adjust(
    pid: pid_t,
    mut registers: Registers,
    fixed: i64,
) -> Result<Option<Restore>, Errno> {
    let index = argument_of(registers.call()).ok_or(Errno::EINVAL)?;
    let address = registers.argument(index);
    let mut original = [0; 16];
    match read_memory(pid, address, &mut original) {
        Ok(()) => {}
        // The kernel will say the same.
        Err(Errno::EFAULT) => return Ok(None),
        Err(e) => return Err(e),
    }
    let (seconds, nanos) = original.split_at(8);
    let word = |bytes: &[u8]| {
        bytes
            .try_into()
            .map(i64::from_ne_bytes)
            .map_err(|_| Errno::EINVAL)
    };
    let wanted = timespec {
        tv_sec: word(seconds)?,
        tv_nsec: word(nanos)?,
    };
    let Some(real) = on_real_clock(wanted, fixed, sys::clock(libc::CLOCK_REALTIME)?) else {
        return Ok(None);
    };
    let mut moved = [0; 16];
    moved[..8].copy_from_slice(&real.tv_sec.to_ne_bytes());
    moved[8..].copy_from_slice(&real.tv_nsec.to_ne_bytes());

    // Other threads may use the same deadline, so it is copied rather than changed.
    let free = registers.stack().saturating_sub(BELOW_RED_ZONE) & !15;
    match write_memory(pid, free, &moved) {
        Ok(()) => {
            registers.set_argument(index, free);
            registers.write(pid)?;
            Ok(Some(Restore::Argument(index, address)))
        }
        // The stack ends there so far, and only the process itself can make it grow.
        Err(Errno::EFAULT) => {
            write_memory(pid, address, &moved)?;
            Ok(Some(Restore::Memory(address, original)))
        }
        Err(e) => Err(e),
    }
}

impl Restore {
    /// Called when the call has returned, before the process goes on.
    pub(super) fn apply(self, pid: pid_t) -> Result<(), Errno> {
        match self {
            Self::Argument(index, value) => {
                let mut registers = Registers::read(pid)?.ok_or(Errno::EINVAL)?;
                registers.set_argument(index, value);
                registers.write(pid)
            }
            Self::Memory(address, bytes) => write_memory(pid, address, &bytes),
        }
    }
}

/// The real time at which a deadline on the fixed clock is reached; `None` for what is no time.
fn on_real_clock(wanted: timespec, fixed: i64, now: timespec) -> Option<timespec> {
    if wanted.tv_sec < 0 || !(0..NANOS).contains(&wanted.tv_nsec) {
        return None;
    }
    let nanos = wanted.tv_nsec + now.tv_nsec;
    let seconds = wanted
        .tv_sec
        .saturating_sub(fixed)
        .saturating_add(now.tv_sec);
    let seconds = seconds.saturating_add(nanos / NANOS);
    // Long past is past.
    Some(match seconds {
        ..0 => timespec {
            tv_sec: 0,
            tv_nsec: 0,
        },
        _ => timespec {
            tv_sec: seconds,
            tv_nsec: nanos % NANOS,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_stays() {
        let time = |tv_sec, tv_nsec| timespec { tv_sec, tv_nsec };
        let real = |wanted| {
            on_real_clock(wanted, 1000, time(50, 600_000_000)).map(|t| (t.tv_sec, t.tv_nsec))
        };
        assert_eq!(real(time(1000, 0)), Some((50, 600_000_000)));
        assert_eq!(real(time(1002, 500_000_000)), Some((53, 100_000_000)));
        assert_eq!(real(time(990, 0)), Some((40, 600_000_000)));
        assert_eq!(real(time(0, 0)), Some((0, 0)));
        assert_eq!(real(time(i64::MAX, 0)).unwrap().0, i64::MAX - 950);
        assert_eq!(real(time(-1, 0)), None);
        assert_eq!(real(time(0, NANOS)), None);
    }
}

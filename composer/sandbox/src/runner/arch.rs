//! All that depends on the machine: registers of a traced process, and which system calls ask for the time.
//! Called by `tracer` and `filter`. x86_64 and aarch64; on another machine the crate does not compile.
//! Registers are read in one piece and written back in one piece.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use nix::errno::Errno;
use nix::libc::{self, c_long, pid_t};

const NT_PRSTATUS: usize = 1;

#[cfg(target_arch = "x86_64")]
mod machine {
    use super::*;

    /// `AUDIT_ARCH_X86_64`
    pub(in super::super) const AUDIT_ARCH: u32 = 0xc000_003e;
    /// x32 calls share the architecture and have this bit set.
    pub(in super::super) const FIRST_FOREIGN_NUMBER: Option<u32> = Some(0x4000_0000);
    /// The calls besides `clock_gettime` that tell the time.
    pub(in super::super) const TIME_CALLS: &[c_long] = &[libc::SYS_gettimeofday, libc::SYS_time];

    impl Registers {
        pub(in super::super) fn call(&self) -> c_long {
            self.0.orig_rax.cast_signed()
        }

        /// What a call has returned.
        pub(in super::super) fn result(&self) -> i64 {
            self.0.rax.cast_signed()
        }

        pub(in super::super) fn argument(&self, index: usize) -> u64 {
            let r = &self.0;
            [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9][index]
        }

        pub(in super::super) fn set_argument(&mut self, index: usize, value: u64) {
            let r = &mut self.0;
            *[
                &mut r.rdi, &mut r.rsi, &mut r.rdx, &mut r.r10, &mut r.r8, &mut r.r9,
            ][index] = value;
        }

        pub(in super::super) fn stack(&self) -> u64 {
            self.0.rsp
        }

        /// Makes the call that the process is about to do not happen and return `result`.
        pub(in super::super) fn answer(mut self, pid: pid_t, result: i64) -> Result<(), Errno> {
            self.0.orig_rax = u64::MAX;
            self.0.rax = result.cast_unsigned();
            self.write(pid)
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use super::*;

    /// `AUDIT_ARCH_AARCH64`
    pub(in super::super) const AUDIT_ARCH: u32 = 0xc000_00b7;
    pub(in super::super) const FIRST_FOREIGN_NUMBER: Option<u32> = None;
    /// The calls besides `clock_gettime` that tell the time.
    pub(in super::super) const TIME_CALLS: &[c_long] = &[libc::SYS_gettimeofday];

    const NT_ARM_SYSTEM_CALL: usize = 0x404;

    impl Registers {
        pub(in super::super) fn call(&self) -> c_long {
            self.0.regs[8].cast_signed()
        }

        /// What a call has returned; it took the place of the first argument.
        pub(in super::super) fn result(&self) -> i64 {
            self.0.regs[0].cast_signed()
        }

        pub(in super::super) fn argument(&self, index: usize) -> u64 {
            self.0.regs[index]
        }

        pub(in super::super) fn set_argument(&mut self, index: usize, value: u64) {
            self.0.regs[index] = value;
        }

        pub(in super::super) fn stack(&self) -> u64 {
            self.0.sp
        }

        /// Makes the call that the process is about to do not happen and return `result`.
        pub(in super::super) fn answer(mut self, pid: pid_t, result: i64) -> Result<(), Errno> {
            let mut none: libc::c_int = -1;
            set(pid, NT_ARM_SYSTEM_CALL, &mut none)?;
            self.0.regs[0] = result.cast_unsigned();
            self.write(pid)
        }
    }
}

pub(super) use machine::{AUDIT_ARCH, FIRST_FOREIGN_NUMBER, TIME_CALLS};

/// The general registers of a stopped process.
pub(super) struct Registers(libc::user_regs_struct);

impl Registers {
    /// Reads them; `None` for a process in 32-bit mode, whose register set is another.
    pub(super) fn read(pid: pid_t) -> Result<Option<Self>, Errno> {
        let mut registers = MaybeUninit::<libc::user_regs_struct>::zeroed();
        let size = size_of::<libc::user_regs_struct>();
        let mut vector = libc::iovec {
            iov_base: registers.as_mut_ptr().cast(),
            iov_len: size,
        };
        // SAFETY: the vector describes our own buffer, which the kernel fills up to its length.
        Errno::result(unsafe {
            libc::ptrace(
                libc::PTRACE_GETREGSET as _,
                pid,
                NT_PRSTATUS,
                &raw mut vector,
            )
        })?;
        // SAFETY: plain integers, zeroed before the kernel wrote into them.
        Ok((vector.iov_len == size).then(|| Self(unsafe { registers.assume_init() })))
    }

    pub(super) fn write(&mut self, pid: pid_t) -> Result<(), Errno> {
        set(pid, NT_PRSTATUS, &mut self.0)
    }
}

fn set<T>(pid: pid_t, which: usize, value: &mut T) -> Result<(), Errno> {
    let mut vector = libc::iovec {
        iov_base: (&raw mut *value).cast(),
        iov_len: size_of::<T>(),
    };
    // SAFETY: the vector describes `value`, which the kernel only reads.
    Errno::result(unsafe {
        libc::ptrace(libc::PTRACE_SETREGSET as _, pid, which, &raw mut vector)
    })?;
    Ok(())
}

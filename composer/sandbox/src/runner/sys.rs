//! System calls that `nix` has no safe form of, each in the narrowest form that the runner needs.
//! All callers are in `runner`, which is single-threaded, so a forked child may run any code.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc::{self, pid_t};
use nix::sched::CloneFlags;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::{ForkResult, Pid};

/// The kernel's `struct mount_attr`.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

pub(super) const MOUNT_RDONLY: u64 = 0x1;
pub(super) const MOUNT_NOSUID: u64 = 0x2;
pub(super) const MOUNT_NODEV: u64 = 0x4;
pub(super) const MOUNT_NOEXEC: u64 = 0x8;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 0x4;

fn c_path(path: &Path) -> Result<CString, Errno> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)
}

fn owned(result: libc::c_long) -> Result<OwnedFd, Errno> {
    let fd = Errno::result(result)?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel just returned this descriptor to us, nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A detached copy of the mount at `path`, without mounts below it.
pub(super) fn clone_mount(path: &Path) -> Result<OwnedFd, Errno> {
    let path = c_path(path)?;
    let flags = libc::OPEN_TREE_CLONE | libc::O_CLOEXEC as libc::c_uint;
    // SAFETY: the path is a live C string, the other arguments are plain numbers.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })
}

/// A detached copy of the mount at `path` and of those below it.
pub(super) fn clone_mount_tree(path: &Path) -> Result<OwnedFd, Errno> {
    let path = c_path(path)?;
    let recursive = libc::AT_RECURSIVE as libc::c_uint;
    let flags = libc::OPEN_TREE_CLONE | recursive | libc::O_CLOEXEC as libc::c_uint;
    // SAFETY: as above.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })
}

/// A handle of the mount at `path`, to move it.
pub(super) fn hold_mount(path: &Path) -> Result<OwnedFd, Errno> {
    let path = c_path(path)?;
    let flags = libc::O_CLOEXEC as libc::c_uint;
    // SAFETY: as above.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })
}

/// A detached mount of a new file system of this type, without options.
pub(super) fn new_mount(kind: &CStr, attributes: u64) -> Result<OwnedFd, Errno> {
    const CLOEXEC: libc::c_uint = 1;
    const CREATE: libc::c_uint = 6;
    // SAFETY: the type is a live C string.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), CLOEXEC) })?;
    // SAFETY: this command takes neither a key nor a value.
    Errno::result(unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            context.as_raw_fd(),
            CREATE,
            std::ptr::null::<libc::c_char>(),
            std::ptr::null::<libc::c_char>(),
            0,
        )
    })?;
    // SAFETY: plain numbers.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), CLOEXEC, attributes) })
}

/// Adds attributes to a mount.
pub(super) fn restrict_mount(mount: BorrowedFd<'_>, set: u64) -> Result<(), Errno> {
    let attr = MountAttr {
        set,
        clear: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: the empty path and the attributes outlive the call, and the size is that of the attributes.
    Errno::result(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    })?;
    Ok(())
}

/// Puts a held mount at `to`.
pub(super) fn move_mount(mount: BorrowedFd<'_>, to: &Path) -> Result<(), Errno> {
    let to = c_path(to)?;
    // SAFETY: both paths are live C strings.
    Errno::result(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            to.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        )
    })?;
    Ok(())
}

pub(super) fn fork() -> Result<ForkResult, Errno> {
    // SAFETY: the runner has one thread, so the child's copy of memory is consistent.
    unsafe { nix::unistd::fork() }
}

/// A child that is in new namespaces from its first instruction on. One that starts with a pid namespace is its PID 1.
///
/// The C library does not know of it: what it remembers of the thread's number is the parent's. Nothing in the runner
/// asks for that, and a `fork` of the child puts it right.
pub(super) fn fork_into(namespaces: CloneFlags) -> Result<ForkResult, Errno> {
    let flags = libc::c_long::from(namespaces.bits() | libc::SIGCHLD);
    // SAFETY: as for `fork`; the child goes on with a copy of our stack. No pointer is given, so that the order of
    // the arguments, which differs between machines, does not matter.
    match Errno::result(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })? {
        0 => Ok(ForkResult::Child),
        pid => Ok(ForkResult::Parent {
            child: Pid::from_raw(pid_t::try_from(pid).map_err(|_| Errno::EOVERFLOW)?),
        }),
    }
}

/// A child that has our memory, and this stack in it, until it executes a program: to copy the memory, and then each page
/// that either changes, takes longer than what the child has to do before. What `run` returns is its exit status, where it
/// does not end in a program or in [`leave`].
///
/// # Safety
///
/// `stack` and `run` must live, and nothing that the child uses may be touched, until it has executed a program or ended.
pub(super) unsafe fn spawn<F: FnMut() -> libc::c_int>(
    stack: &mut [u8],
    run: &mut F,
) -> Result<Pid, Errno> {
    extern "C" fn begin<F: FnMut() -> libc::c_int>(run: *mut libc::c_void) -> libc::c_int {
        // SAFETY: this is the reference that `spawn` was given, which lives by its contract.
        let run = unsafe { &mut *run.cast::<F>() };
        run()
    }
    let top = stack.as_mut_ptr_range().end;
    let top = top.wrapping_sub(top.addr() % 16);
    let flags = libc::CLONE_VM | libc::SIGCHLD;
    // SAFETY: the stack grows down from its end, at which machines want a multiple of 16; the rest is the caller's word.
    let pid = unsafe { libc::clone(begin::<F>, top.cast(), flags, (&raw mut *run).cast()) };
    Errno::result(pid).map(Pid::from_raw)
}

/// Ends this process and nothing else: what is done at the end of a program is left to those who share its memory.
pub(super) fn leave(status: i32) -> ! {
    // SAFETY: plain numbers.
    unsafe { libc::_exit(status) }
}

pub(super) fn pidfd_open(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: plain numbers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })
}

/// Closes every descriptor from `first` on. Only where nobody will use or close one of them: at start, and in a child that
/// ends without dropping what its parent owns.
pub(super) fn close_from(first: u32) -> Result<(), Errno> {
    // SAFETY: no owner uses its descriptor after this, by the contract above.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) })?;
    Ok(())
}

/// Marks every descriptor from `first` on to be closed by exec.
pub(super) fn close_from_on_exec(first: u32) -> Result<(), Errno> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: changes a flag only.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) })?;
    Ok(())
}

/// A copy of a standard stream, above all of them and closed by exec.
pub(super) fn duplicate(stream: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: a number that is no open descriptor gives EBADF.
    owned(unsafe { libc::fcntl(stream, libc::F_DUPFD_CLOEXEC, 3) }.into())
}

/// Makes the standard stream `to` the same as `from`.
pub(super) fn copy_onto(from: RawFd, to: RawFd) -> Result<(), Errno> {
    // SAFETY: standard streams are not owned by any value in this process.
    Errno::result(unsafe { libc::dup2(from, to) })?;
    Ok(())
}

/// Makes a standard stream read nothing.
pub(super) fn redirect_to_null(stream: RawFd) -> io::Result<()> {
    let null = std::fs::File::open("/dev/null")?;
    Ok(copy_onto(null.as_raw_fd(), stream)?)
}

/// Makes the terminal that is standard input this session's own.
pub(super) fn take_terminal() -> Result<(), Errno> {
    // SAFETY: plain numbers; the call changes nothing of ours in memory.
    Errno::result(unsafe { libc::ioctl(0, libc::TIOCSCTTY as _, 0) })?;
    Ok(())
}

/// Brings the loopback interface of a new network namespace up.
pub(super) fn raise_loopback() -> Result<(), Errno> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    // SAFETY: all zeroes is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed() as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is an ifreq, as SIOCSIFFLAGS wants.
    Errno::result(unsafe {
        libc::ioctl(
            socket.as_fd().as_raw_fd(),
            libc::SIOCSIFFLAGS as _,
            &raw const request,
        )
    })?;
    Ok(())
}

/// The kernel's word for "no domain"; a new UTS namespace would keep the host's.
pub(super) fn clear_domain() -> Result<(), Errno> {
    let none = b"(none)";
    // SAFETY: pointer and length describe the constant.
    Errno::result(unsafe { libc::setdomainname(none.as_ptr().cast(), none.len()) })?;
    Ok(())
}

/// Where the arguments of this process lie, and of those that it forks.
static ARGUMENTS: OnceLock<(usize, usize)> = OnceLock::new();

/// Finds what `/proc/<pid>/cmdline` shows of this process, for [`blank_command_line`] here or in a child.
pub(super) fn find_command_line() -> io::Result<()> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name, in parentheses, may contain anything; the third field follows it.
    let fields: Vec<&str> = stat
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let field = |number: usize| {
        fields
            .get(number - 3)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let (Some(start), Some(end)) = (field(48), field(49)) else {
        return Err(Errno::EINVAL.into());
    };
    // Called once; a second time would find the same.
    let _ = ARGUMENTS.set((start, end));
    Ok(())
}

/// Overwrites what `/proc/<pid>/cmdline` shows of this process. Its arguments must have been copied, and found, before.
pub(super) fn blank_command_line() {
    if let Some(&(start, end)) = ARGUMENTS.get()
        && start != 0
        && start < end
    {
        // SAFETY: the kernel says that our arguments lie there, on our writable stack; nothing in the runner
        // reads them after `runner_main` has copied them.
        unsafe { std::ptr::write_bytes(start as *mut u8, 0, end - start) };
    }
}

/// Default action for all signals and none blocked, as a program expects to start with.
pub(super) fn reset_signals() -> Result<(), Errno> {
    for one in Signal::iterator() {
        if !matches!(one, Signal::SIGKILL | Signal::SIGSTOP) {
            // SAFETY: the default action runs none of our code.
            unsafe { signal(one, SigHandler::SigDfl) }?;
        }
    }
    hold_signals(false)
}

/// Holds all signals back, or lets those that came meanwhile act.
pub(super) fn hold_signals(held: bool) -> Result<(), Errno> {
    let set = if held { SigSet::all() } else { SigSet::empty() };
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&set), None)
}

pub(super) const CAP_DAC_OVERRIDE: u32 = 1;

/// Gives up all capabilities for good, except those in `keep`, which the command inherits.
pub(super) fn drop_capabilities(keep: &[u32]) -> Result<(), Errno> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: libc::c_int,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Data {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    for capability in (0..64).filter(|c| !keep.contains(c)) {
        // SAFETY: plain numbers; the kernel says EINVAL after the last capability it knows.
        let dropped = unsafe {
            libc::prctl(
                libc::PR_CAPBSET_DROP,
                libc::c_ulong::from(capability),
                0,
                0,
                0,
            )
        };
        match Errno::result(dropped) {
            Ok(_) => {}
            Err(Errno::EINVAL) => break,
            Err(e) => return Err(e),
        }
    }
    let low = keep
        .iter()
        .filter(|c| **c < 32)
        .fold(0, |set, c| set | 1 << c);
    let set = Data {
        effective: low,
        permitted: low,
        inheritable: low,
    };
    let none = Data {
        effective: 0,
        permitted: 0,
        inheritable: 0,
    };
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let data = [set, none];
    // SAFETY: header and data have the kernel's layout for version 3, two words of 32 capabilities.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) })?;
    // SAFETY: plain numbers.
    Errno::result(unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong,
            0,
            0,
            0,
        )
    })?;
    for capability in keep {
        // SAFETY: plain numbers.
        Errno::result(unsafe {
            libc::prctl(
                libc::PR_CAP_AMBIENT,
                libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong,
                libc::c_ulong::from(*capability),
                0,
                0,
            )
        })?;
    }
    Ok(())
}

/// Installs a seccomp filter for this process and all it starts.
pub(super) fn install_filter(filter: &[libc::sock_filter]) -> Result<(), Errno> {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(|_| Errno::EINVAL)?,
        filter: filter.as_ptr().cast_mut(),
    };
    // SAFETY: the program describes the slice, which the kernel only reads. SPEC_ALLOW: the command is not
    // hostile, and the mitigation would slow every build down.
    Errno::result(unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW,
            &raw const program,
        )
    })?;
    Ok(())
}

/// Reads a clock with a real system call.
pub(super) fn clock(id: libc::clockid_t) -> Result<libc::timespec, Errno> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one timespec, ours.
    Errno::result(unsafe { libc::syscall(libc::SYS_clock_gettime, id, &raw mut time) })?;
    Ok(time)
}

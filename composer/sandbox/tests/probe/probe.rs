//! Looks at the sandbox from inside, for the tests of `xsc-sandbox`. Not a Cargo target: the tests compile it with
//! `rustc`, once static and once dynamic, and copy it into the root. Each verb prints what it found, one fact a
//! line; it judges nothing.

use std::net::TcpStream;
use std::os::raw::{c_int, c_long, c_ulong};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Pair {
    first: i64,
    second: i64,
}

unsafe extern "C" {
    fn time(at: *mut i64) -> i64;
    fn gettimeofday(at: *mut Pair, zone: *mut [i32; 2]) -> c_int;
    fn clock_gettime(clock: c_int, at: *mut Pair) -> c_int;
    fn clock_settime(clock: c_int, at: *const Pair) -> c_int;
    fn settimeofday(at: *const Pair, zone: *const [i32; 2]) -> c_int;
    fn adjtimex(buffer: *mut [u8; 512]) -> c_int;
    fn clock_nanosleep(clock: c_int, flags: c_int, at: *const Pair, rest: *mut Pair) -> c_int;
    fn sem_init(semaphore: *mut [u64; 8], shared: c_int, value: c_int) -> c_int;
    fn sem_timedwait(semaphore: *mut [u64; 8], deadline: *const Pair) -> c_int;
    fn getauxval(kind: c_ulong) -> c_ulong;
    fn syscall(number: c_long, ...) -> c_long;
    fn fork() -> c_int;
    fn ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, flags: c_int) -> c_int;
    fn _exit(status: c_int) -> !;
}

fn clock(id: c_int) -> Pair {
    let mut at = Pair::default();
    assert_eq!(unsafe { clock_gettime(id, &mut at) }, 0);
    at
}

/// Whether the user namespace that owns our network is ours or below ours.
fn network_owner() {
    use std::os::fd::AsRawFd;
    const NS_GET_USERNS: c_ulong = 0xb701;
    const EPERM: i32 = 1;
    let network = std::fs::File::open("/proc/self/ns/net").unwrap();
    let owner = unsafe { ioctl(network.as_raw_fd(), NS_GET_USERNS) };
    match (owner, std::io::Error::last_os_error().raw_os_error()) {
        (0.., _) => println!("ours"),
        (_, Some(EPERM)) => println!("not for us to know"),
        (_, error) => println!("error {error:?}"),
    }
}

/// Every way to the wall clock; `place` says where we are.
fn clocks(place: &str) {
    let mut of_day = Pair::default();
    let mut zone = [7i32; 2];
    assert_eq!(unsafe { gettimeofday(&mut of_day, &mut zone) }, 0);
    let mut stored = 0;
    let returned = unsafe { time(&mut stored) };
    assert_eq!(stored, returned);
    println!("{place} time {returned}.0");
    println!("{place} gettimeofday {}.{}", of_day.first, of_day.second);
    for (name, id) in [("realtime", 0), ("coarse", 5), ("alarm", 8), ("tai", 11)] {
        let at = clock(id);
        println!("{place} {name} {}.{}", at.first, at.second);
    }
    let std = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    println!("{place} std {}.{}", std.as_secs(), std.subsec_nanos());
    let vdso = unsafe { getauxval(33) };
    assert_eq!(vdso, 0, "the vDSO is in sight");
    // Null and bad pointers get the errors that the kernel would give.
    #[cfg(target_arch = "x86_64")]
    {
        assert_eq!(unsafe { syscall(228, 0, 8 as *mut Pair) }, -1, "a bad pointer");
        assert_eq!(unsafe { syscall(201, 0) }, returned, "time(NULL)");
    }
}

fn everywhere() {
    clocks("main");
    std::thread::spawn(|| clocks("thread")).join().unwrap();
    match unsafe { fork() } {
        0 => {
            clocks("fork");
            unsafe { _exit(0) }
        }
        child => assert_eq!(unsafe { waitpid(child, &mut 0, 0) }, child),
    }
    // The standard library starts children with vfork.
    let me = std::env::current_exe().unwrap();
    assert!(Command::new(me).args(["clocks", "exec"]).status().unwrap().success());
}

fn deadlines() {
    let now = clock(0);
    let begin = Instant::now();
    let mut semaphore = [0; 8];
    unsafe { sem_init(&mut semaphore, 0, 0) };
    let soon = Pair { first: now.first, second: now.second + 100_000_000 };
    let result = unsafe { sem_timedwait(&mut semaphore, &soon) };
    println!("semaphore {result} {}", std::io::Error::last_os_error().kind());
    let sooner = Pair { first: now.first, second: now.second + 100_000_000 };
    println!("nanosleep {}", unsafe { clock_nanosleep(0, 1, &sooner, std::ptr::null_mut()) });
    println!("unchanged {}", soon.second - now.second);
    let took = begin.elapsed();
    println!("at least 200 ms {}", took >= Duration::from_millis(200));
}

fn setters() {
    let at = Pair::default();
    let fail = |result: c_int| match result {
        -1 => std::io::Error::last_os_error().raw_os_error().unwrap(),
        _ => 0,
    };
    println!("clock_settime {}", fail(unsafe { clock_settime(0, &at) }));
    println!("settimeofday {}", fail(unsafe { settimeofday(&at, std::ptr::null()) }));
    println!("adjtimex {}", fail(unsafe { adjtimex(&mut [0; 512]) }));
}

fn storm(count: usize) {
    let me = std::env::current_exe().unwrap();
    let start = |_| Command::new(&me).arg("nothing").stdout(Stdio::null()).spawn().unwrap();
    let children: Vec<_> = (0..count).map(start).collect();
    let fine = children.into_iter().filter_map(|mut c| c.wait().ok()).filter(|s| s.success());
    println!("{} of {count}", fine.count());
}

#[cfg(target_arch = "x86_64")]
fn compat() {
    let pid: i64;
    // getpid through the 32-bit entry.
    unsafe { std::arch::asm!("int 0x80", inout("rax") 20i64 => pid) };
    println!("32-bit getpid {pid}");
}

#[cfg(not(target_arch = "x86_64"))]
fn compat() {}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["nothing"] => {}
        ["clocks"] => everywhere(),
        ["clocks", place] => clocks(place),
        ["deadlines"] => deadlines(),
        ["setters"] => setters(),
        ["storm", count] => storm(count.parse().unwrap()),
        ["compat"] => compat(),
        ["monotonic"] => {
            let begin = (clock(1), Instant::now());
            std::thread::sleep(Duration::from_millis(20));
            println!("{}", clock(1).second != begin.0.second && begin.1.elapsed().as_millis() >= 20);
        }
        ["network-owner"] => network_owner(),
        ["connect", port] => match TcpStream::connect(("127.0.0.1", port.parse().unwrap())) {
            Ok(_) => println!("connected"),
            Err(e) => println!("{}", e.kind()),
        },
        _ => panic!("no such verb: {words:?}"),
    }
}

//! A control group (cgroup v2) for each build that has limits, where this process may make groups.
//! `xsc-build` makes one a build and names it in the [`SandboxSpec`](crate::SandboxSpec); PID 1 enters it before it
//! does anything else.
//! Invariant: groups limit and isolate nothing: what a build sees is the same without them, and where one cannot be
//! had the caller is told why and the build runs.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, geteuid};

/// What groups of builds are called, before the composer's process and a number.
const PREFIX: &str = "xsc-build-";
/// Where a composer goes itself, before its process, so that groups can be made beside it.
const OWN: &str = "xsc-composer-";
/// Where those of root are, below the top.
const ROOTS: &str = "xsc-compose";
/// The controllers that limits need, the indispensable one first.
const CONTROLLERS: [&str; 3] = ["memory", "pids", "cpu"];
/// Processes and threads that one build may have: far more than any has, far fewer than a machine.
const MOST_PROCESSES: u32 = 16_384;
/// The time in microseconds that shares of processors are counted over.
const PERIOD: u64 = 100_000;

/// Of the group that is made next; of all that this process makes, as the kernel may take a while to remove one.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Why builds get no groups.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The machine has none of this version.
    #[error("no cgroup v2 is mounted")]
    NotMounted,
    /// The file system that is mounted does not hold this process's group.
    #[error("the cgroup of this process ({group}) is not below {}", mount.display())]
    Elsewhere {
        /// The group as the kernel calls it.
        group: String,
        /// Where groups are mounted.
        mount: PathBuf,
    },
    /// Memory is not limited there.
    #[error("{} has no memory controller (it has: {has}){}", dir.display(), old(.has))]
    NoMemory {
        /// The group.
        dir: PathBuf,
        /// What it has.
        has: String,
    },
    /// Groups below one that has processes would have no controllers.
    #[error(
        "{} has {others} other process(es); `systemd-run --user --scope -p Delegate=yes xsc-compose ...` gives the composer one of its own",
        dir.display()
    )]
    Shared {
        /// The group.
        dir: PathBuf,
        /// How many.
        others: usize,
    },
    /// The kernel refuses, or the directory is not ours.
    #[error("cannot {action} {}", path.display())]
    Refused {
        /// What was being done.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

fn old(has: &str) -> &'static str {
    match has {
        "none" => "; cgroup v1 may have taken it",
        _ => "",
    }
}

/// What one build may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupLimits {
    /// Bytes of memory, the files of `/tmp` and what is cached of others included.
    pub memory: Option<u64>,
    /// Processors.
    pub cores: Option<usize>,
}

/// Where groups of builds are made.
#[derive(Debug)]
pub struct Cgroups {
    dir: PathBuf,
    controllers: Vec<&'static str>,
    given_up: AtomicBool,
}

impl Cgroups {
    /// Finds a place by what `proc`, such as `/proc/self`, says of this process. Root makes one of its own below
    /// the top. Others need a group of their own that is delegated to them; the composer moves itself one down in it.
    ///
    /// # Errors
    ///
    /// There is no such place, and why. Nothing was changed then.
    pub fn find(proc: &Path) -> Result<Self, CgroupError> {
        let read = |name: &str| {
            let path = proc.join(name);
            fs::read_to_string(&path).map_err(|source| refused("read", &path, source))
        };
        let (mount, root) = mounted(&read("mountinfo")?).ok_or(CgroupError::NotMounted)?;
        if geteuid().is_root() {
            let dir = mount.join(ROOTS);
            enable(&mount)?;
            make(&dir)?;
            return Self::below(&dir);
        }
        let groups = read("cgroup")?;
        let group = groups.lines().find_map(|line| line.strip_prefix("0::"));
        let group = group.ok_or(CgroupError::NotMounted)?;
        let below = Path::new(group).strip_prefix(&root).ok();
        let Some(below) = below.filter(|below| !below.starts_with("..")) else {
            return Err(CgroupError::Elsewhere {
                group: group.to_owned(),
                mount,
            });
        };
        Self::own(&mount.join(below))
    }

    /// A group in which only this process is.
    fn own(dir: &Path) -> Result<Self, CgroupError> {
        with_memory(dir)?;
        let members = dir.join("cgroup.procs");
        let text = fs::read_to_string(&members).map_err(|e| refused("read", &members, e))?;
        let me = std::process::id().to_string();
        let others = text.lines().filter(|pid| *pid != me).count();
        if others > 0 {
            let dir = dir.to_owned();
            return Err(CgroupError::Shared { dir, others });
        }
        Self::beside(dir)
    }

    /// A group that the user names.
    ///
    /// # Errors
    ///
    /// It has no memory controller to give, or is not ours. Nothing was changed then.
    pub fn given(dir: &Path) -> Result<Self, CgroupError> {
        match geteuid().is_root() {
            true => Self::below(dir),
            // Who moves a process must have a right to the group above both: so the composer has to be below it too.
            false => Self::beside(dir),
        }
    }

    /// Moves the composer one down from `dir`, and makes groups beside it.
    fn beside(dir: &Path) -> Result<Self, CgroupError> {
        with_memory(dir)?;
        let me = std::process::id().to_string();
        let leaf = dir.join(format!("{OWN}{me}"));
        make(&leaf)?;
        let moved = put(&leaf, "cgroup.procs", &me).and_then(|()| Self::below(dir));
        if moved.is_err() {
            // Back to where it was: an error changes nothing.
            let _ = put(dir, "cgroup.procs", &me);
            let _ = fs::remove_dir(&leaf);
        }
        moved
    }

    fn below(dir: &Path) -> Result<Self, CgroupError> {
        let controllers = enable(dir)?;
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if is_left_over(&entry.file_name().to_string_lossy()) {
                // Another composer may be doing the same.
                let _ = fs::remove_dir(entry.path());
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            controllers,
            given_up: AtomicBool::new(false),
        })
    }

    /// Says that no more groups are to be made, since the kernel refused one; whether this is the first to say so.
    pub fn give_up(&self) -> bool {
        !self.given_up.swap(true, Ordering::SeqCst)
    }

    /// Whether somebody said so.
    pub fn given_up(&self) -> bool {
        self.given_up.load(Ordering::SeqCst)
    }

    /// Makes a group with these limits; it goes with the value.
    ///
    /// # Errors
    ///
    /// The kernel refuses a limit.
    pub fn make(&self, limits: GroupLimits) -> Result<Cgroup, CgroupError> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let group = Cgroup {
            dir: self.dir.join(name),
        };
        make(&group.dir)?;
        let has = |controller: &str| self.controllers.contains(&controller);
        if let Some(memory) = limits.memory {
            group.put("memory.max", &memory.to_string())?;
            // All of the build, rather than one of its processes, which some builds would not even notice.
            group.put("memory.oom.group", "1")?;
        }
        if has("pids") {
            group.put("pids.max", &MOST_PROCESSES.to_string())?;
        }
        if let (Some(cores), true) = (limits.cores, has("cpu")) {
            let share = PERIOD * cores.max(1) as u64;
            group.put("cpu.max", &format!("{share} {PERIOD}"))?;
        }
        Ok(group)
    }
}

impl fmt::Display for Cgroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dir, controllers) = (self.dir.display(), self.controllers.join(", "));
        write!(f, "{dir} ({controllers})")
    }
}

/// The group of one build.
#[derive(Debug)]
pub struct Cgroup {
    dir: PathBuf,
}

impl Cgroup {
    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Whether the kernel killed a process of the group since the group had no memory left.
    #[must_use]
    pub fn ran_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.dir.join("memory.events")).unwrap_or_default();
        let mut kills = events
            .lines()
            .filter_map(|line| line.strip_prefix("oom_kill "));
        kills.any(|count| count.trim() != "0")
    }

    fn put(&self, file: &str, text: &str) -> Result<(), CgroupError> {
        put(&self.dir, file, text)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // One that stays is removed by the next composer.
        let _ = fs::remove_dir(&self.dir);
    }
}

/// Puts this process, with all that it starts from now on, into a group; for the runner.
pub(crate) fn enter(group: &Path) -> io::Result<()> {
    // The kernel takes 0 for the writer.
    write(&group.join("cgroup.procs"), "0")
}

/// Whether this is the name of a group whose composer was killed.
fn is_left_over(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).or(name.strip_prefix(OWN));
    let process = rest.and_then(|rest| rest.split('-').next()?.parse().ok());
    process.is_some_and(|process| kill(Pid::from_raw(process), None) == Err(Errno::ESRCH))
}

fn refused(action: &'static str, path: &Path, source: io::Error) -> CgroupError {
    CgroupError::Refused {
        action,
        path: path.to_owned(),
        source,
    }
}

fn make(dir: &Path) -> Result<(), CgroupError> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(refused("make the group", dir, error))
        }
        _ => Ok(()),
    }
}

fn put(dir: &Path, file: &str, text: &str) -> Result<(), CgroupError> {
    let path = dir.join(file);
    write(&path, text).map_err(|error| refused("write to", &path, error))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    // The kernel makes the files; only a directory that plays a group in a test has none.
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// The controllers that a group has, if memory is among them.
fn with_memory(dir: &Path) -> Result<Vec<&'static str>, CgroupError> {
    let path = dir.join("cgroup.controllers");
    let text = fs::read_to_string(&path).map_err(|error| refused("read", &path, error))?;
    let has: Vec<&str> = text.split_whitespace().collect();
    if !has.contains(&CONTROLLERS[0]) {
        let has = match has.is_empty() {
            true => "none".to_owned(),
            false => has.join(", "),
        };
        let dir = dir.to_owned();
        return Err(CgroupError::NoMemory { dir, has });
    }
    let mut known = CONTROLLERS.to_vec();
    known.retain(|name| has.contains(name));
    Ok(known)
}

/// Gives the groups below this one its controllers; which they have then.
fn enable(dir: &Path) -> Result<Vec<&'static str>, CgroupError> {
    let mut enabled = Vec::new();
    for name in with_memory(dir)? {
        match put(dir, "cgroup.subtree_control", &format!("+{name}")) {
            Ok(()) => enabled.push(name),
            Err(error) if name == CONTROLLERS[0] => return Err(error),
            // The others are not worth doing without it.
            Err(_) => {}
        }
    }
    Ok(enabled)
}

/// Where cgroup v2 is mounted, and which group that is the top of, by a `mountinfo`.
fn mounted(mountinfo: &str) -> Option<(PathBuf, PathBuf)> {
    mountinfo.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let kind = after.split(' ').next()?;
        (kind == "cgroup2").then(|| (unescaped(point).into(), unescaped(root).into()))
    })
}

/// A path of `mountinfo`, where a space is `\040`.
fn unescaped(path: &str) -> String {
    path.replace("\\040", " ").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that plays a group with these controllers.
    fn group(dir: &Path, controllers: &str) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("cgroup.controllers"), controllers).unwrap();
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn limits_are_written_as_the_kernel_wants_them() {
        let temp = tempfile::tempdir().unwrap();
        group(temp.path(), "cpuset cpu io memory pids\n");
        let groups = Cgroups::below(temp.path()).unwrap();
        let limits = GroupLimits {
            memory: Some(512 << 20),
            cores: Some(3),
        };
        let made = groups.make(limits).unwrap();
        let of = |name: &str| read(&made.dir.join(name));
        assert_eq!(of("memory.max"), "536870912");
        assert_eq!(of("memory.oom.group"), "1");
        assert_eq!(of("pids.max"), "16384");
        assert_eq!(of("cpu.max"), "300000 100000");
        let next = groups.make(GroupLimits::default()).unwrap();
        assert_ne!(next.dir, made.dir);
        assert!(!next.dir.join("memory.max").exists());
        assert!(!next.dir.join("cpu.max").exists());
    }

    #[test]
    fn a_group_goes_with_its_value_and_a_killed_composer_s_with_the_next() {
        let temp = tempfile::tempdir().unwrap();
        group(temp.path(), "memory");
        // No process has that number, and init always runs.
        let stale = ["xsc-build-2147483647-0", "xsc-composer-2147483647"];
        let others = ["xsc-build-1-0", "xsc-composer-1", "somebody-else-s"];
        for name in stale.iter().chain(&others) {
            fs::create_dir(temp.path().join(name)).unwrap();
        }
        let groups = Cgroups::below(temp.path()).unwrap();
        assert!(stale.iter().all(|name| !temp.path().join(name).exists()));
        assert!(others.iter().all(|name| temp.path().join(name).exists()));
        let made = groups.make(GroupLimits::default()).unwrap();
        let dir = made.dir.clone();
        assert!(dir.is_dir());
        drop(made);
        assert!(!dir.exists());
    }

    #[test]
    fn only_a_kill_for_want_of_memory_counts() {
        let temp = tempfile::tempdir().unwrap();
        group(temp.path(), "memory");
        let made = Cgroups::below(temp.path()).unwrap();
        let made = made.make(GroupLimits::default()).unwrap();
        assert!(!made.ran_out_of_memory());
        let say = |kills: u32| {
            let text = format!("low 0\nhigh 0\nmax 9\noom 3\noom_kill {kills}\n");
            fs::write(made.dir.join("memory.events"), text).unwrap();
        };
        say(0);
        assert!(!made.ran_out_of_memory());
        say(2);
        assert!(made.ran_out_of_memory());
    }

    #[test]
    fn a_group_without_memory_is_named() {
        let temp = tempfile::tempdir().unwrap();
        group(temp.path(), "\n");
        let text = Cgroups::below(temp.path()).unwrap_err().to_string();
        assert!(text.contains("(it has: none); cgroup v1"), "{text}");
        group(temp.path(), "cpu pids\n");
        let text = Cgroups::below(temp.path()).unwrap_err().to_string();
        assert!(text.ends_with("(it has: cpu, pids)"), "{text}");
        let text = Cgroups::below(&temp.path().join("no")).unwrap_err();
        assert!(text.to_string().starts_with("cannot read "), "{text}");
    }

    /// A `proc` of a process in `/user/scope`, with groups mounted at `mount`.
    fn proc_of(temp: &Path, mount: &Path, group: &str) -> PathBuf {
        let proc = temp.join("proc");
        fs::create_dir_all(&proc).unwrap();
        let mounts = format!(
            "24 1 0:22 / / rw - ext4 /dev/vda rw\n\
             31 24 0:27 / {} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
            mount.display()
        );
        fs::write(proc.join("mountinfo"), mounts).unwrap();
        fs::write(
            proc.join("cgroup"),
            format!("1:name=systemd:/\n0::{group}\n"),
        )
        .unwrap();
        proc
    }

    #[test]
    fn a_group_of_its_own_is_used_and_a_shared_one_is_not() {
        let temp = tempfile::tempdir().unwrap();
        let own = temp.path().join("user/scope");
        group(&own, "memory pids");
        let me = std::process::id();
        fs::write(own.join("cgroup.procs"), format!("{me}\n7\n")).unwrap();
        let text = Cgroups::own(&own).unwrap_err().to_string();
        assert!(text.contains("has 1 other process(es)"), "{text}");
        assert!(text.contains("Delegate=yes"), "{text}");
        let leaf = own.join(format!("{OWN}{me}"));
        assert!(!leaf.exists());
        fs::write(own.join("cgroup.procs"), format!("{me}\n")).unwrap();
        let groups = Cgroups::own(&own).unwrap();
        assert_eq!(read(&leaf.join("cgroup.procs")), me.to_string());
        assert!(groups.to_string().ends_with("user/scope (memory, pids)"));
    }

    #[test]
    fn the_place_is_found_by_what_proc_says() {
        let temp = tempfile::tempdir().unwrap();
        let mount = temp.path().join("groups");
        group(&mount, "memory");
        let own = mount.join("user/scope");
        group(&own, "memory");
        let me = std::process::id();
        fs::write(own.join("cgroup.procs"), format!("{me}\n")).unwrap();
        let proc = proc_of(temp.path(), &mount, "/user/scope");
        let place = match geteuid().is_root() {
            true => {
                // The kernel would have made the files of a new group.
                group(&mount.join(ROOTS), "memory");
                mount.join(ROOTS)
            }
            false => own,
        };
        assert_eq!(Cgroups::find(&proc).unwrap().dir, place);
        fs::write(
            proc.join("mountinfo"),
            "24 1 0:22 / / rw - ext4 /dev/vda rw\n",
        )
        .unwrap();
        let error = Cgroups::find(&proc).unwrap_err();
        assert!(matches!(error, CgroupError::NotMounted), "{error}");
    }

    #[test]
    fn mounts_are_read_with_their_roots() {
        let line = "31 24 0:27 /kube/pod /sys/fs/a\\040b rw shared:4 master:1 - cgroup2 x rw\n";
        let (point, root) = mounted(line).unwrap();
        assert_eq!(point, Path::new("/sys/fs/a b"));
        assert_eq!(root, Path::new("/kube/pod"));
        assert_eq!(
            mounted("31 24 0:27 / /sys rw - cgroup cgroup rw,cpu\n"),
            None
        );
    }
}

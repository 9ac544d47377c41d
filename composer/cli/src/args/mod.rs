//! The command line as types: what `--help` says is written here.
//!
//! `main` parses it and hands each verb's struct to its file in `commands/`. Invariant: parsing
//! resolves nothing; paths, the store and the number of jobs are settled in `context`.

mod audit;
mod graph;
mod image;
mod inspect;
mod language;
mod remote;
mod share;
mod store;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(crate) use audit::{Audit, AuditFormat, MachineArg, RequireArg};
pub(crate) use graph::{About, Graph, GraphFormat, History, Plan, WhyDepends};
pub(crate) use image::{Cat, Extract, Ls, Whence};
pub(crate) use inspect::{Diff, Shell, Verify};
pub(crate) use language::{CallFlags, Eval, Repl};
pub(crate) use remote::{Doctor, Remote, RemoteVerb};
pub(crate) use share::{Keygen, Pull, Push, Sign};
pub(crate) use store::{Gc, StoreArgs, StoreSize, StoreVerb, StoreVerify};

/// Builds, boots and tests XSC images from declarative recipes.
#[derive(Debug, Parser)]
#[command(
    name = "xsc-compose",
    version,
    max_term_width = 100,
    disable_help_subcommand = false
)]
#[command(
    after_help = "Exit codes: 0 done, 1 other failure, 2 usage, 100 a build failed, \
101 timed out, 102 hash mismatch, 104 not reproducible, 130 interrupted."
)]
pub(crate) struct Cli {
    /// Run as if started in DIR.
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,

    /// The store [default: $XSC_STORE, or xsc-compose in the user's cache directory].
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) store: Option<PathBuf>,

    /// Print the result as JSON on standard output, and a failure as JSON on standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// With an error of evaluation, print all steps that led to it.
    #[arg(long, global = true)]
    pub(crate) show_trace: bool,

    /// Say nothing but errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Say also what builds do without on this machine, such as limits of memory, and why.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// How to show builds: a tree of what runs, a line an event, or JSON (docs/formats/events.md).
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Auto, global = true)]
    pub(crate) log_format: LogFormat,

    /// The open descriptor that --log-format json writes to; on another than 2, people still see what they
    /// would without it.
    #[arg(long, value_name = "FD", default_value_t = 2, global = true)]
    pub(crate) log_fd: u32,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// How builds are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// A tree on a terminal, else lines.
    Auto,
    /// A tree of what runs, redrawn.
    Tree,
    /// A line an event.
    Lines,
    /// A JSON object an event.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Build a profile's images, or what an attribute names, and link it as `result`.
    Build(Build),
    /// Build a profile and boot it in QEMU with the console in this terminal (Ctrl-a x ends it).
    Run(Run),
    /// Build a profile, boot it in QEMU and judge what it says.
    Test(Test),
    /// Resolve every input of flake-like.toml and write flake-like.lock.
    Lock(Lock),
    /// Resolve inputs anew, whether their declaration changed or not, and write flake-like.lock.
    Update(Update),
    /// Evaluate a profile's recipes, an expression or a file, and print the value.
    Eval(Eval),
    /// Evaluate what is typed: expressions, bindings, commands.
    Repl(Repl),
    /// List the options that modules declare: type, default, example, where declared, and with a
    /// profile the value and where it is set.
    Options(Options),
    /// Say what a build would fetch and make, why, how many bytes and how long.
    Plan(Plan),
    /// Say how one derivation comes to need another.
    WhyDepends(WhyDepends),
    /// Print the derivations and what each needs, for graphviz or as JSON.
    Graph(Graph),
    /// List the builds that this store remembers.
    History(History),
    /// Show the log of a build.
    Log(Log),
    /// Show a profile's derivations, or one of them with its inputs and outputs.
    Show(Show),
    /// Delete what no `result` link keeps alive.
    Gc(Gc),
    /// Check the store, or show what takes its space.
    Store(StoreArgs),
    /// Build again what is built, under other conditions, and say what differs and why.
    Verify(Verify),
    /// Say what differs between two results, by format.
    Diff(Diff),
    /// List what is in an image: ISO, disk, ext4, EROFS, FAT, cpio, tar, OCI layout.
    Ls(Ls),
    /// Print a file of an image.
    Cat(Cat),
    /// Write files of an image into a directory.
    Extract(Extract),
    /// Say which derivation, source and patch put a file's bytes into an image.
    Whence(Whence),
    /// Enter a build's own sandbox, or a failed build that was kept.
    Shell(Shell),
    /// Look into ELF files for trap instructions, notes and marks; exit code 1 where something fails.
    Audit(Audit),
    /// Print what a shell needs to complete command lines.
    Completion(Completion),
    /// Write the manual's pages into a directory.
    Manual(Manual),
    /// List the endpoints that share results or run builds, or examine one.
    Remote(Remote),
    /// Make a pair of keys: the secret one signs what is pushed, the public one goes into [trust].
    Keygen(Keygen),
    /// Say what is known of a profile's or attribute's results again, under another key.
    Sign(Sign),
    /// Give a built profile or attribute to a cache that others pull from.
    Push(Push),
    /// Fetch a profile's or attribute's result from a cache, verified; nothing is built.
    Pull(Pull),
    /// Runs inside a build's new namespaces; not for people.
    #[command(name = "__runner", hide = true)]
    Runner {
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        rest: Vec<String>,
    },
}

/// How to build; shared by `build`, `run` and `test`.
#[derive(Debug, Default, Args)]
pub(crate) struct BuildFlags {
    /// Print what would be fetched and built, and stop.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Builds at once [default: the number of processors].
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_jobs: Option<u16>,

    /// Processors that one build may use [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) cores: Option<u16>,

    /// Memory that builds may need together, by what their recipes say, such as 8G [default: the
    /// machine's].
    #[arg(long, value_name = "SIZE", value_parser = store::size)]
    pub(crate) max_memory: Option<u64>,

    /// After a failure, go on with what does not depend on it.
    #[arg(short = 'k', long)]
    pub(crate) keep_going: bool,

    /// Keep the directory of a failed build and say where it is.
    #[arg(short = 'K', long)]
    pub(crate) keep_failed: bool,

    /// Print the output of builds as it comes.
    #[arg(short = 'L', long)]
    pub(crate) print_build_logs: bool,

    /// Lines of a failed build's log to print at the end [default: 25 on a terminal, else all].
    #[arg(long, value_name = "N")]
    pub(crate) log_lines: Option<usize>,

    /// Longest time for one build, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,

    /// Longest time for one build to print nothing, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) max_silent_time: Option<Duration>,

    /// Use only what is in the store; fetch nothing, and ask no endpoint.
    #[arg(long)]
    pub(crate) offline: bool,

    /// Take nothing from shared caches: build what the store does not have.
    #[arg(long)]
    pub(crate) no_substitutes: bool,

    /// Fail rather than run a command here that could not run on the configuration's engine.
    #[arg(long, conflicts_with = "offline")]
    pub(crate) require_remote: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(count) if count > 0 => Ok(Duration::from_secs(count)),
        _ => Err("expected a number of seconds above 0".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The profile, such as profiles/minimal.toml, or an attribute that no profile has a say in, such as
    /// `toolchain.x86_64-base`.
    pub(crate) profile: PathBuf,

    /// Build this attribute of the recipes instead of the images, such as `pkgs.linux.kernel`; of a list, each element.
    #[arg(short = 'A', long, value_name = "PATH")]
    pub(crate) attr: Option<String>,

    /// Where to put the link to the result; it keeps the result from being collected. The second result of a list is
    /// linked as LINK-2, and so on.
    #[arg(short = 'o', long, value_name = "LINK", default_value = "result")]
    pub(crate) out_link: PathBuf,

    /// Make no link.
    #[arg(long, conflicts_with = "out_link")]
    pub(crate) no_link: bool,

    #[command(flatten)]
    pub(crate) flags: BuildFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FirmwareArg {
    /// SeaBIOS.
    Bios,
    /// OVMF.
    Uefi,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MediumArg {
    /// The ISO as a CD.
    Cd,
    /// The ISO as a disk, an image of the kind `disk`, or the folder of a `uki` image.
    Disk,
    /// The kernel of a `boot` image, loaded by QEMU itself.
    Kernel,
    /// The network, from which firmware loads what a `pxe` image has.
    Network,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ImageArg {
    /// The hybrid ISO.
    Iso,
    /// The disk with a partition table.
    Disk,
    /// Kernel, initramfs and command line.
    Boot,
    /// What a machine loads over the network.
    Pxe,
    /// The one program of UEFI.
    Uki,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum BusArg {
    /// virtio-blk.
    #[default]
    Virtio,
    /// SATA.
    Ahci,
    /// NVMe.
    Nvme,
    /// USB storage.
    Usb,
}

/// How to boot; shared by `run` and `test`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct BootFlags {
    /// The firmware [default: bios; uefi for an ISO of aarch64 and for a uki image].
    #[arg(long, value_enum)]
    pub(crate) firmware: Option<FirmwareArg>,

    /// What the machine boots [default: what the image is made for].
    #[arg(long, value_enum)]
    pub(crate) medium: Option<MediumArg>,

    /// Which image it boots, where the profile makes several [default: iso, else disk, boot, uki, pxe].
    #[arg(long, value_enum)]
    pub(crate) image: Option<ImageArg>,

    /// What a disk is attached to.
    #[arg(long, value_enum, default_value_t = BusArg::Virtio)]
    pub(crate) bus: BusArg,

    /// Put WORDS behind the kernel's command line; may be repeated. Not with an ISO.
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    pub(crate) append: Vec<String>,

    /// Memory of the machine in MiB [default: of the profile].
    #[arg(long, value_name = "MIB")]
    pub(crate) memory: Option<u32>,

    /// Processors of the machine.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) cpus: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The profile.
    pub(crate) profile: PathBuf,

    #[command(flatten)]
    pub(crate) boot: BootFlags,

    #[command(flatten)]
    pub(crate) flags: BuildFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The profile.
    pub(crate) profile: PathBuf,

    /// Where to leave console, command line and verdict of a failed test.
    #[arg(long, value_name = "DIR", default_value = "result-boot-failure")]
    pub(crate) bundle: PathBuf,

    /// Longest time from the start of the machine to its end, in seconds [default: of the profile].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) boot_timeout: Option<Duration>,

    /// Print what the guest's programs wrote beside the verdict, without the kernel's log.
    #[arg(long)]
    pub(crate) report: bool,

    /// Boot every image in every way it is made for: the ISO as a CD and on USB, a disk on virtio, AHCI and NVMe, each
    /// with BIOS and UEFI, the program of UEFI, what is loaded over the network, and the kernel that QEMU loads itself;
    /// let roots grow and ISOs install. With --firmware, --medium or --image only those.
    #[arg(long, conflicts_with_all = ["bus", "append", "script", "report"])]
    pub(crate) matrix: bool,

    /// Talk with the guest on its console as this file says [default: of the profile, if any].
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,

    /// Skip the test unless this attribute of the recipes is built, such as `pkgs.linux.objects`.
    #[arg(long, value_name = "PATH")]
    pub(crate) if_built: Option<String>,

    #[command(flatten)]
    pub(crate) boot: BootFlags,

    #[command(flatten)]
    pub(crate) flags: BuildFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Lock {}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// Only this input [default: all].
    pub(crate) input: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only the option at this path, or those under it, such as `boot` or `boot.cmdline`.
    pub(crate) path: Option<String>,

    /// Only the options that this profile's modules have, with their values in it.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,

    /// Print a reference page: docs/options.md is made by this.
    #[arg(long, conflicts_with_all = ["json", "profile"])]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// The profile.
    pub(crate) profile: PathBuf,

    /// A derivation's name such as `linux-6.12.107`, or an attribute path.
    pub(crate) which: String,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The profile.
    pub(crate) profile: PathBuf,

    /// A derivation's name, or an attribute path such as `pkgs.linux.kernel` [default: a table of
    /// all derivations].
    pub(crate) which: Option<String>,

    /// Print what is in the root of the profile's images, a line a path.
    #[arg(long, conflicts_with = "which")]
    pub(crate) manifest: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// The directory, which must exist.
    pub(crate) dir: PathBuf,
}

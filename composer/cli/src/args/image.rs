//! The command line of the verbs that look into images: `ls`, `cat`, `extract`, `whence`.
//!
//! Each struct goes to the file of its name in `commands/image/`. Invariant: as in the rest, parsing resolves nothing.

use std::path::PathBuf;

use clap::Args;

/// An image, as these verbs name it.
#[derive(Debug, Args)]
pub(crate) struct ImageWord {
    /// The image: a file or an OCI layout; `disk.img#root` is a partition by number, name or role, `oci#arm64` an image
    /// of a layout, `x.iso#/boot/initramfs` an image in an image.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
}

#[derive(Debug, Args)]
pub(crate) struct Ls {
    #[command(flatten)]
    pub(crate) image: ImageWord,

    /// Only what is at this path of the image [default: its root].
    pub(crate) path: Option<String>,

    /// Modes, owners, sizes, times and extended attributes as well.
    #[arg(short, long)]
    pub(crate) long: bool,

    /// What is below, not only the directory itself.
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Cat {
    #[command(flatten)]
    pub(crate) image: ImageWord,

    /// The file's path in the image; links are followed.
    pub(crate) path: String,
}

#[derive(Debug, Args)]
pub(crate) struct Extract {
    #[command(flatten)]
    pub(crate) image: ImageWord,

    /// A path of the image and the directory to make, or the directory alone; it must be empty or not there.
    #[arg(required = true, num_args = 1..=2, value_names = ["PATH", "DIR"])]
    pub(crate) rest: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Whence {
    #[command(flatten)]
    pub(crate) image: ImageWord,

    /// The file's path in the image.
    pub(crate) path: String,

    /// The profile that the image is of [default: the one of this repository that was built last].
    #[arg(short, long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
}

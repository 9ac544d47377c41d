//! Every format written as root and as nobody, on a disk and on tmpfs, with one thread and with two: the same bytes.
//!
//! The test runs itself again as another user, with the directory and the number of threads in its environment.
//! Invariant: nothing that a writer makes depends on who runs it, where, or how parallel.

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::BufWriter;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use support::rich::{Holds, tree};
use support::{EPOCH, path};
use xsc_image::cpio::CpioSpec;
use xsc_image::disk::{self, DiskSpec};
use xsc_image::erofs::{ErofsCompression, ErofsSpec};
use xsc_image::ext4::Ext4Spec;
use xsc_image::fat::FatSpec;
use xsc_image::iso::{Bios, IsoSpec};
use xsc_image::oci::{Architecture, Layer, OciSpec};
use xsc_image::{
    Compression, Entry, cpio, disk::Architecture as Processor, erofs, ext4, fat, iso, oci,
    oci_bundle, qcow2, tar,
};
use xsc_model::Digest;

const OUT: &str = "XSC_SAME_BYTES_OUT";
const THREADS: &str = "XSC_SAME_BYTES_THREADS";
const NOBODY: u32 = 65534;

/// Writes an image of every format into `dir`.
fn write_all(dir: &Path, threads: usize) {
    let seed = Digest::of(b"same");
    let create = |name: &str| {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        options.open(dir.join(name)).unwrap()
    };
    let buffered = |name: &str| BufWriter::new(create(name));

    let (names, blobs) = tree(Holds::Names);
    let fat = FatSpec {
        label: "SAME",
        files: &names,
        fat32: false,
        min_size: 0,
        seed,
        epoch: EPOCH,
    };
    let mut esp = Vec::new();
    fat::write(&fat, &blobs, &mut esp).unwrap();
    fs::write(dir.join("fat"), &esp).unwrap();

    let (mut nodes, mut blobs) = tree(Holds::Nodes);
    for (name, bytes) in [("/esp.img", esp), ("/cdboot.img", vec![0x90; 40_000])] {
        let entry = Entry::new(blobs.add(bytes));
        nodes.insert(path(name), entry).unwrap();
    }
    let iso = IsoSpec {
        volume_id: "SAME",
        publisher: "",
        application: "",
        files: &nodes,
        bios: Some(Bios {
            image: path("/cdboot.img"),
            mbr_code: &[0x90; 512],
        }),
        efi: Some(path("/esp.img")),
        seed,
        epoch: EPOCH,
    };
    iso::write(&iso, &blobs, &mut buffered("iso")).unwrap();

    let (links, blobs) = tree(Holds::Links);
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let cpio = CpioSpec {
            files: &links,
            compression,
            epoch: EPOCH,
        };
        let name = format!("cpio-{compression:?}");
        cpio::write(&cpio, &blobs, &mut buffered(&name)).unwrap();
    }

    let (files, blobs) = tree(Holds::Everything);
    tar::write(&files, EPOCH, &blobs, &mut buffered("tar")).unwrap();
    for compression in [ErofsCompression::None, ErofsCompression::Lz4] {
        let erofs = ErofsSpec {
            files: &files,
            label: "same",
            compression,
            threads,
            seed,
            epoch: EPOCH,
        };
        let name = format!("erofs-{compression:?}");
        erofs::write(&erofs, &blobs, &mut buffered(&name)).unwrap();
    }
    let ext4 = Ext4Spec {
        label: "same",
        files: &files,
        size: None,
        free: 12 << 20,
        seed,
        epoch: EPOCH,
        threads,
    };
    ext4::write(&ext4, &blobs, &create("ext4"), 0).unwrap();
    for verity in [false, true] {
        let spec = DiskSpec {
            esp: &names,
            menu: None,
            bios: None,
            architecture: Processor::X86_64,
            root: &|out, base| ext4::write(&ext4, &blobs, out, base).map_err(Into::into),
            read_only: false,
            verity,
            seed,
            epoch: EPOCH,
            threads,
        };
        let mut out = create(&format!("disk-{verity}"));
        let disk = disk::write(&spec, &blobs, &mut out).unwrap();
        let mut packed = buffered(&format!("qcow2-{verity}"));
        qcow2::write(&out, disk.size, &mut packed).unwrap();
    }
    for compression in [Compression::Gzip, Compression::Zstd] {
        let layout = dir.join(format!("oci-{compression:?}"));
        fs::create_dir(&layout).unwrap();
        let spec = OciSpec {
            layers: vec![Layer {
                files: &files,
                created_by: "same",
            }],
            entrypoint: &[],
            working_dir: "",
            user: "",
            architecture: Architecture::Amd64,
            command: &["/bin/su".to_owned()],
            env: &BTreeMap::new(),
            labels: &BTreeMap::new(),
            reference: "latest",
            compression,
            epoch: EPOCH,
            threads,
        };
        oci::write(&spec, &blobs, &layout).unwrap();
        let mut archive = buffered(&format!("oci-{compression:?}.tar"));
        oci_bundle::archive(&layout, "same:latest", EPOCH, &mut archive).unwrap();
    }
}

/// The BLAKE3 of every file below `dir`, by relative path.
fn digests(dir: &Path) -> BTreeMap<String, Digest> {
    let mut found = BTreeMap::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                found.insert(name, Digest::of(&fs::read(path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn who_writes_where_and_how_parallel_does_not_matter() {
    if let Some(out) = std::env::var_os(OUT) {
        let threads = std::env::var(THREADS).unwrap().parse().unwrap();
        write_all(Path::new(&out), threads);
        return;
    }
    let first = tempfile::tempdir().unwrap();
    write_all(first.path(), 1);
    let wanted = digests(first.path());
    // 15 files, and two layouts with five each.
    assert_eq!(wanted.len(), 25, "{:?}", wanted.keys());

    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let users: &[u32] = match is_root {
        true => &[0, NOBODY],
        false => {
            println!("skipped: as another user: only root can become one");
            &[NOBODY]
        }
    };
    // A copy of this program, because nobody may not be let to where it is.
    let shared = tempfile::tempdir().unwrap();
    fs::set_permissions(shared.path(), Permissions::from_mode(0o755)).unwrap();
    let program = shared.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let memory = Path::new("/dev/shm");
    for place in [std::env::temp_dir().as_path(), memory] {
        if place == memory && !memory.is_dir() {
            println!("skipped: on tmpfs: there is no /dev/shm");
            continue;
        }
        for user in users {
            for threads in ["1", "2"] {
                let out = tempfile::tempdir_in(place).unwrap();
                let mut command = Command::new(&program);
                command
                    .args([
                        "--exact",
                        "who_writes_where_and_how_parallel_does_not_matter",
                    ])
                    .env(OUT, out.path())
                    .env(THREADS, threads)
                    .env("HOME", "/")
                    .current_dir("/");
                if is_root {
                    chown(out.path(), Some(*user), Some(*user)).unwrap();
                    command.uid(*user).gid(*user);
                }
                let ran = command.output().unwrap();
                let text = String::from_utf8_lossy(&ran.stdout);
                let context = format!("{} as {user}, {threads} threads", place.display());
                assert!(ran.status.success(), "{context}: {text}");
                assert_eq!(digests(out.path()), wanted, "{context}");
                let owner = fs::metadata(out.path().join("ext4")).unwrap().uid();
                assert!(!is_root || owner == *user, "{context}");
            }
        }
    }
}

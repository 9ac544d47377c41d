//! Each format with one field changed: the place, what differs and the cause are named; and hostile bytes, which
//! give a difference and no panic.

use std::io::Write;

use xsc_diff::{Cause, Difference, Facts, compare_bytes};

const FIRST: i64 = 2_145_916_800;
const SECOND: i64 = 2_100_000_000;

fn facts() -> Facts {
    Facts {
        clock: Some((FIRST, SECOND)),
        ..Facts::default()
    }
}

fn differences(first: &[u8], second: &[u8]) -> Vec<Difference> {
    let found = compare_bytes("file", first, second, &facts());
    assert_eq!(found.is_empty(), first == second);
    assert_eq!(compare_bytes("file", first, first, &facts()), []);
    found
}

/// The one difference: where, what, cause.
fn one(first: &[u8], second: &[u8]) -> (String, String, Option<Cause>) {
    let found = differences(first, second);
    assert_eq!(found.len(), 1, "{found:#?}");
    (
        found[0].place.join("/"),
        found[0].what.clone(),
        found[0].cause,
    )
}

fn expect(first: &[u8], second: &[u8], place: &str, what: &str, cause: Cause) {
    let (at, found, why) = one(first, second);
    assert_eq!(
        (at.as_str(), found.as_str(), why),
        (place, what, Some(cause))
    );
}

fn tar(members: &[(&str, &str, u64, u64)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text, mtime, uid) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mtime(*mtime);
        header.set_uid(*uid);
        header.set_gid(0);
        header.set_mode(0o644);
        header.set_cksum();
        archive
            .append_data(&mut header, name, text.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8], mtime: u32) -> Vec<u8> {
    let mut encoder = flate2::GzBuilder::new()
        .mtime(mtime)
        .write(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn ar(members: &[(&str, &str, u64)]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, text, time) in members {
        bytes.extend(
            format!(
                "{name:<16}{time:<12}{:<6}{:<6}{:<8}{:<10}`\n",
                0,
                0,
                100_644,
                text.len()
            )
            .bytes(),
        );
        bytes.extend(text.bytes());
        if !text.len().is_multiple_of(2) {
            bytes.push(b'\n');
        }
    }
    bytes
}

fn cpio(members: &[(&str, &str, u32)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (n, (name, text, time)) in members.iter().chain([&("TRAILER!!!", "", 0)]).enumerate() {
        let fields = [
            n,
            0o100_644,
            0,
            0,
            1,
            *time as usize,
            text.len(),
            0,
            0,
            0,
            0,
            name.len() + 1,
            0,
        ];
        bytes.extend(b"070701");
        fields
            .iter()
            .for_each(|f| bytes.extend(format!("{f:08x}").bytes()));
        bytes.extend(name.bytes().chain([0]));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(text.bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

#[test]
fn members_of_archives() {
    let stamp = Cause::TimeStamp;
    let a = tar(&[("a", "x", 1, 0), ("b", "y", 1, 0)]);
    expect(
        &a,
        &tar(&[("a", "x", 1, 0), ("b", "y", 2, 0)]),
        "file/b",
        "tar time",
        stamp,
    );
    expect(
        &a,
        &tar(&[("a", "x", 1, 7), ("b", "y", 1, 0)]),
        "file/a",
        "tar user",
        Cause::User,
    );
    expect(
        &a,
        &tar(&[("b", "y", 1, 0), ("a", "x", 1, 0)]),
        "file",
        "order of tar members",
        Cause::Order,
    );
    expect(
        &ar(&[("a.o/", "x", 1)]),
        &ar(&[("a.o/", "x", 2)]),
        "file/a.o",
        "ar time",
        stamp,
    );
    expect(
        &cpio(&[("a", "x", 1)]),
        &cpio(&[("a", "x", 2)]),
        "file/a",
        "cpio time",
        stamp,
    );
    let found = differences(&a, &tar(&[("a", "x", 1, 0), ("c", "y", 1, 0)]));
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].what, "tar member b only in the first");
}

#[test]
fn what_is_in_what() {
    // A time in a text in a tar in a gzip in an ar, as in a Debian package.
    let package = |text: &str, mtime| {
        let data = gzip(&tar(&[("usr/share/f", text, 1, 0)]), mtime);
        let mut bytes = ar(&[("data.tar.gz", "", 0)]);
        bytes.truncate(8);
        bytes.extend(
            format!(
                "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
                "data.tar.gz",
                0,
                0,
                0,
                100_644,
                data.len()
            )
            .bytes(),
        );
        bytes.extend(&data);
        bytes
    };
    let (a, b) = (format!("at {FIRST}\n"), format!("at {SECOND}\n"));
    let place = "file/data.tar.gz/gzip/usr/share/f";
    expect(
        &package(&a, 0),
        &package(&b, 0),
        place,
        "line 1",
        Cause::TimeStamp,
    );
    let place = "file/data.tar.gz/gzip";
    expect(
        &package(&a, 0),
        &package(&a, 9),
        place,
        "gzip modification time",
        Cause::TimeStamp,
    );
    let xz = |text: &str| {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
    for (format, a, b) in [("xz", xz(&a), xz(&b)), ("zstd", zstd(&a), zstd(&b))] {
        expect(
            &a,
            &b,
            &format!("file/{format}"),
            "line 1",
            Cause::TimeStamp,
        );
    }
}

#[test]
fn texts() {
    expect(
        b"a\nb\nc\n",
        b"c\nb\na\n",
        "file",
        "order of lines, from line 1",
        Cause::Order,
    );
    let found = differences(b"same\nold one\nsame too\nx\n", b"same\nsame too\nx\nnew\n");
    let lines: Vec<_> = found
        .iter()
        .map(|d| (d.what.as_str(), d.first.as_str(), d.second.as_str()))
        .collect();
    assert_eq!(lines, [("line 2", "old one", ""), ("line 5", "", "new")]);
    let many: String = (0..100).map(|n| format!("{n}\n")).collect();
    let other: String = (0..100).map(|n| format!("{}\n", n * 7 + 1000)).collect();
    assert!(differences(many.as_bytes(), other.as_bytes()).len() < 12);
}

#[test]
fn bytes_of_no_format() {
    let mut a = vec![0xffu8; 4000];
    let mut b = a.clone();
    a[100..104].copy_from_slice(&(FIRST as u32).to_le_bytes());
    b[100..104].copy_from_slice(&(SECOND as u32).to_le_bytes());
    let (_, what, cause) = one(&a, &b);
    assert!(what.contains("offset 0x6"), "{what}");
    assert_eq!(cause, Some(Cause::TimeStamp));
    let found = differences(&[0xff; 10], &[0xff; 12]);
    assert_eq!((found.len(), found[0].what.as_str()), (1, "size"));
    assert_eq!(differences(b"", b"x").len(), 1);
}

#[test]
fn sections_of_elf_files() {
    let program = std::fs::read("/proc/self/exe").unwrap();
    let at = program
        .windows(9)
        .position(|w| w == b"deadbeef!")
        .expect("the text below is in .rodata");
    assert_eq!(std::hint::black_box("deadbeef!").len(), 9);
    let mut other = program.clone();
    other[at] = b'D';
    let found = differences(&program, &other);
    assert!(
        found.iter().all(|d| d.place[1].starts_with("section .")),
        "{found:#?}"
    );
}

/// A boot sector with a table of GUIDs and one partition.
fn gpt(disk: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 40 * 512];
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    bytes[512..520].copy_from_slice(b"EFI PART");
    bytes[512 + 56..512 + 72].fill(disk);
    bytes[512 + 72] = 2;
    bytes[512 + 80] = 4;
    bytes[512 + 84] = 128;
    bytes[1024..1040].fill(1);
    bytes[1040..1056].fill(2);
    bytes[1056] = 34;
    bytes[1064] = 35;
    bytes[34 * 512..34 * 512 + content.len()].copy_from_slice(content);
    bytes
}

#[test]
fn disks() {
    expect(
        &gpt(1, b"x\n"),
        &gpt(2, b"x\n"),
        "file/table",
        "GPT disk GUID",
        Cause::Random,
    );
    let (place, _, _) = one(&gpt(1, b"\x00x"), &gpt(1, b"\x00y"));
    assert_eq!(place, "file/partition 1");
}

#[test]
fn iso_images() {
    let image = |time: &[u8; 16], year: u8| {
        let mut bytes = vec![0; 20 * 2048];
        let pvd = 16 * 2048;
        bytes[pvd] = 1;
        bytes[pvd + 1..pvd + 6].copy_from_slice(b"CD001");
        bytes[pvd + 813..pvd + 829].copy_from_slice(time);
        bytes[pvd + 156] = 34;
        bytes[pvd + 158] = 18;
        bytes[pvd + 166..pvd + 168].copy_from_slice(&2048u16.to_le_bytes());
        bytes[17 * 2048] = 255;
        bytes[17 * 2048 + 1..17 * 2048 + 6].copy_from_slice(b"CD001");
        let record = 18 * 2048;
        bytes[record] = 36;
        bytes[record + 2] = 19;
        bytes[record + 10] = 5;
        bytes[record + 18] = year;
        bytes[record + 32] = 1;
        bytes[record + 33] = b'F';
        bytes[19 * 2048..19 * 2048 + 5].copy_from_slice(b"hello");
        bytes
    };
    let (old, new) = (b"2038010100000000", b"2036070100000000");
    let stamp = Cause::TimeStamp;
    expect(
        &image(old, 1),
        &image(new, 1),
        "file/primary volume",
        "ISO 9660 creation time",
        stamp,
    );
    expect(
        &image(old, 1),
        &image(old, 2),
        "file/F",
        "ISO 9660 time",
        stamp,
    );
    let mut other = image(old, 1);
    other[19 * 2048] = b'H';
    let (place, what, _) = one(&image(old, 1), &other);
    assert_eq!((place.as_str(), what.as_str()), ("file/F", "line 1"));
}

#[test]
fn ext4_superblocks() {
    let mut a = vec![0u8; 64 * 1024];
    a[1080..1082].copy_from_slice(&[0x53, 0xef]);
    a[1024 + 40] = 16;
    let mut b = a.clone();
    b[1024 + 104] = 9;
    expect(&a, &b, "file/superblock", "ext4 UUID", Cause::Random);
}

#[test]
fn real_file_systems() {
    let dir = std::env::temp_dir().join(format!("xsc-diff-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let make = |name: &str, uuid: &str| {
        let file = dir.join(name);
        std::fs::File::create(&file)
            .unwrap()
            .set_len(4 << 20)
            .unwrap();
        let made = std::process::Command::new("mkfs.ext4")
            .args(["-q", "-F", "-U", uuid])
            .env("PATH", "/usr/sbin:/sbin:/usr/bin")
            .arg(&file)
            .output();
        match made {
            Ok(made) if made.status.success() => Some(std::fs::read(&file).unwrap()),
            _ => None,
        }
    };
    let a = make("a", "0b9d8c1e-58a4-4b6a-9a54-0e9a4f5f3c11");
    let b = make("b", "1b9d8c1e-58a4-4b6a-9a54-0e9a4f5f3c99");
    std::fs::remove_dir_all(&dir).unwrap();
    let (Some(a), Some(b)) = (a, b) else {
        println!("skipped: there is no mkfs.ext4");
        return;
    };
    let found = differences(&a, &b);
    let uuid = found
        .iter()
        .find(|d| d.what == "ext4 UUID")
        .expect("it is named");
    assert_eq!(uuid.place, ["file", "superblock"]);
}

#[test]
fn broken_containers_give_a_difference_and_no_panic() {
    let samples = [
        tar(&[("a", "x", 1, 0)]),
        gzip(b"text", 1),
        ar(&[("a.o/", "x", 1)]),
        cpio(&[("a", "x", 1)]),
        gpt(1, b"x\n"),
        b"PK\x03\x04................PK\x01\x02PK\x05\x06\0\0\0\0\x01\0\x01\0....\x14\0\0\0\0\0"
            .to_vec(),
        std::fs::read("/proc/self/exe").unwrap()[..4096].to_vec(),
    ];
    // A small generator, so that a failure can be repeated.
    let mut state = 1u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for sample in &samples {
        for _ in 0..300 {
            let mut other = sample.clone();
            for _ in 0..=next(4) {
                let at = next(other.len());
                other[at] = next(256) as u8;
            }
            if next(4) == 0 {
                let length = next(other.len()).max(1);
                other.truncate(length);
            }
            differences(sample, &other);
            let mut third = other.clone();
            let at = next(third.len());
            third[at] ^= 1;
            differences(&other, &third);
        }
    }
}

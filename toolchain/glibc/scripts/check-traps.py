"""Looks for trap instructions in the executable bytes of ELF files and archives.

libc.sh runs it over everything it installs. Every place where the bytes of syscall, sysenter,
int 0x80 or svc stand is a hit, whatever symbols say; a hit inside of a longer instruction is
explained by a disassembly, all others are errors. Invariant: what cannot be read is an error too.
"""

import argparse
import os
import re
import struct
import subprocess
import sys

ELF, ARCHIVE = b"\x7fELF", b"!<arch>\n"
SHF_EXECINSTR, SHT_NOBITS, PF_X, PT_LOAD = 4, 8, 1, 1
X86 = [b"\x0f\x05", b"\x0f\x34", b"\xcd\x80"]


def ranges(data):
    """The executable (offset, size) of an ELF file: sections of an object, else segments."""
    if data[4:6] != b"\x02\x01":
        raise ValueError("not a 64-bit little-endian file")
    kind = struct.unpack_from("<H", data, 16)[0]
    phoff, shoff = struct.unpack_from("<QQ", data, 32)
    _, phentsize, phnum, shentsize, shnum, _ = struct.unpack_from("<HHHHHH", data, 52)
    if kind == 1:
        for i in range(shnum):
            _, stype, flags, _, offset, size = struct.unpack_from("<IIQQQQ", data, shoff + i * shentsize)
            if flags & SHF_EXECINSTR and stype != SHT_NOBITS:
                yield offset, size
    else:
        for i in range(phnum):
            ptype, flags, offset, _, _, size = struct.unpack_from("<IIQQQQ", data, phoff + i * phentsize)
            if ptype == PT_LOAD and flags & PF_X:
                yield offset, size


def hits(data, arch):
    """File offsets of trap instructions' bytes."""
    for offset, size in ranges(data):
        code = data[offset : offset + size]
        if arch == "x86_64":
            for pattern in X86:
                at = code.find(pattern)
                while at >= 0:
                    yield offset + at
                    at = code.find(pattern, at + 1)
        else:
            for at in range(0, len(code) & ~3, 4):
                if struct.unpack_from("<I", code, at)[0] & 0xFFE0001F == 0xD4000001:
                    yield offset + at


def instructions(path, objdump, start, stop):
    """(file offset, length) of what objdump decodes around a hit; -F prints file offsets at symbols only, so
    addresses are those of the segment that holds the offset."""
    data = open(path, "rb").read()
    phoff = struct.unpack_from("<Q", data, 32)[0]
    phentsize, phnum = struct.unpack_from("<HH", data, 54)
    for i in range(phnum):
        ptype, _, offset, vaddr, _, size = struct.unpack_from("<IIQQQQ", data, phoff + i * phentsize)
        if ptype == PT_LOAD and offset <= start < offset + size:
            delta = vaddr - offset
            break
    else:
        return
    text = subprocess.run(
        [objdump, "-d", "-w", f"--start-address={start + delta}", f"--stop-address={stop + delta}", path],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for line in text.splitlines():
        match = re.match(r"\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)", line)
        if match:
            yield int(match[1], 16) - delta, len(match[2].split())


def inside(path, objdump, at):
    """Whether the bytes at an offset belong to a longer instruction, by each of several starts of the
    disassembly: a linear decoder that starts wrong falls in step after a few instructions."""
    verdicts = []
    for back in (64, 96, 128, 160):
        for start, length in instructions(path, objdump, max(at - back, 0), at + 16):
            if start <= at < start + length:
                verdicts.append(start < at)
    return verdicts.count(True) * 2 > len(verdicts)


def members(data):
    """The (name, content) of an archive."""
    at = len(ARCHIVE)
    while at + 60 <= len(data):
        name, size = data[at : at + 16].rstrip(), int(data[at + 48 : at + 58])
        yield name.decode(), data[at + 60 : at + 60 + size]
        at += 60 + size + (size & 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--objdump", required=True)
    parser.add_argument("--arch", required=True, choices=["x86_64", "aarch64"])
    parser.add_argument("roots", nargs="+")
    args = parser.parse_args()

    files = explained = found = 0
    for root in args.roots:
        for folder, _, names in os.walk(root):
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    continue
                data = open(path, "rb").read()
                if data.startswith(ARCHIVE):
                    parts = [(f"{path}({member})", body) for member, body in members(data)]
                else:
                    parts = [(path, data)]
                for label, body in parts:
                    if not body.startswith(ELF):
                        continue
                    files += 1
                    for at in hits(body, args.arch):
                        if args.arch == "x86_64" and explain(label, path, body, args.objdump, at):
                            explained += 1
                        else:
                            found += 1
                            print(f"trap instruction: {label} at file offset {at:#x}", file=sys.stderr)
    print(f"{files} ELF files, {found} trap instructions, {explained} byte patterns inside other instructions")
    return 1 if found or not files else 0


def explain(label, path, body, objdump, at):
    if label == path and struct.unpack_from("<H", body, 16)[0] != 1:
        return inside(path, objdump, at)
    # An object has no addresses: put its section into a flat file.
    for offset, size in ranges(body):
        if offset <= at < offset + size:
            import tempfile

            with tempfile.NamedTemporaryFile() as flat:
                flat.write(body[offset : offset + size])
                flat.flush()
                text = subprocess.run(
                    [objdump, "-D", "-w", "-b", "binary", "-m", "i386:x86-64", flat.name],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            for line in text.splitlines():
                match = re.match(r"\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)", line)
                if match:
                    start, length = int(match[1], 16), len(match[2].split())
                    if start <= at - offset < start + length:
                        return start < at - offset
    return False


if __name__ == "__main__":
    sys.exit(main())

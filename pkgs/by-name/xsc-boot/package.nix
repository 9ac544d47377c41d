# Programs that images start with: first-boot grows a disk's root, live finds that of an ISO, xsc-install writes a
# disk. They are XSC programs without a C library, with the runtime of the kernel's tests, so that every root takes them,
# a strict one of cfi and one of nothing but tests.
{
  lib,
  seed,
  linux,
  config,
}:
let
  inherit (config) machine;

  # What the note of a root with control-flow integrity says.
  note = if config.profile.variant == "cfi" then " -DXSC_NOTE_FEATURES=1" else "";

  branch = if machine.kernelArch == "arm64" then "-mbranch-protection=standard -mno-outline-atomics" else "-fcf-protection=full";
in
lib.run {
  name = "xsc-boot";
  root = seed.${machine.toolchain};
  mounts = {
    "/src/boot" = ./src;
    "/src/lib" = ../../../kernel/tests/lib;
    "/src/uapi" = ../../../kernel/include/uapi;
    "/src/nolibc" = linux.nolibc;
  };
  env.flags = branch + note;
  script = ''
    program() {
      mkdir -p "$out/$(dirname "$2")"
      ${machine.cross}gcc-14 -DXSC_FORM_RING -std=gnu11 -Wall -Wextra -Wno-unused-result -Werror -Wno-unused-function \
        -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-pie $flags -O2 \
        -I /src/lib -I /src/lib/libc -I /src/uapi -isystem /src/nolibc \
        -nostdlib -static -no-pie -Wl,-e,xsc_entry -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--build-id=none \
        -o "$out/$2" "/src/boot/$1.c" -lgcc
    }
    program first-boot usr/lib/xsc/first-boot
    program live usr/lib/xsc/live
    program install usr/bin/xsc-install
  '';
}

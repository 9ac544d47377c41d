# What is left out of the kernel's source when it is unpacked: a third of the files and half of
# the bytes, none of which a build for x86_64 or aarch64 reads. Every Kconfig file that is sourced stays.
let
  otherArchitectures = [
    "alpha"
    "arc"
    "arm"
    "csky"
    "hexagon"
    "loongarch"
    "m68k"
    "microblaze"
    "mips"
    "nios2"
    "openrisc"
    "parisc"
    "powerpc"
    "riscv"
    "s390"
    "sh"
    "sparc"
    "um"
    "xtensa"
  ];
in
map (name: "arch/${name}") otherArchitectures
++ [
  "Documentation"
  "arch/arm64/boot/dts"
  "drivers/gpu/drm/amd/include"
  "tools/perf"
  "tools/testing"
]

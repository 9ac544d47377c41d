# libxsc-rt, built by the toolchain of one machine and variant: `out` is what a system and a sysroot get (/usr/lib64,
# /usr/include, /usr/share/man), `tests` a tree with its tests and examples for a test image. Called by
# pkgs/by-name/xsc-programs and whoever wants the library. Invariant: it links against the toolchain's libc alone.
{
  lib,
  # What the build runs on: a shell and make.
  root,
  # One of ../default.nix.
  toolchain,
}:
let
  inherit (toolchain.machine) triplet;

  name = "libxsc-rt-${toolchain.machine.name}-${toolchain.variant}";
in
lib.run {
  inherit name;
  root = lib.merge {
    name = "root-${name}";
    trees = [
      root
      toolchain
    ];
  };
  outputs = [
    "out"
    "tests"
  ];
  mounts = {
    "/src/toolchain/libxsc-rt" = ./.;
    "/src/toolchain/tests/lib" = ../tests/lib;
    "/src/kernel/include/uapi" = ../../kernel/include/uapi;
  };
  script = ''
    cd /src/toolchain/libxsc-rt
    set -- O=/build/rt CC=${triplet}-gcc AR=${triplet}-ar
    make "$@" DESTDIR=$out install
    make "$@" DESTDIR=$tests install-tests
    NM=${triplet}-nm OBJDUMP=${triplet}-objdump sh tests/symbols.sh /build/rt/libxsc-rt.so.1.0 libxsc-rt.map
    sh tests/documented.sh include/xsc/rt.h man
    mkdir -p $tests/usr/lib64
    cp -P /build/rt/libxsc-rt.so.1* $tests/usr/lib64/
  '';
}

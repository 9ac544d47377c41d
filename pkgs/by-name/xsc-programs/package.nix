# The program set (toolchain/tests) built by the toolchain of the profile's machine and variant, with the
# libraries that the dynamic ones need, and libxsc-rt with its tests: a tree to put under a root file system. All code in it comes
# from that toolchain; the kernel's own tests bring the init.
{
  lib,
  inputs,
  seed,
  profileTarget,
}:
let
  ours = profileTarget.toolchain;

  inherit (ours) variant;
  inherit (ours.machine) triplet;

  # The locale C.UTF-8, data of the same glibc: making it needs a localedef that runs on the builder.
  locale = lib.unpackDeb {
    name = "libc-bin-${inputs.debian-base.packages.libc-bin.version}";
    src = lib.fetch inputs.debian-base.packages.libc-bin;
  };

  # The library's own tests belong to the set.
  rt = import ../../../toolchain/libxsc-rt {
    inherit lib;
    root = seed.target;
    toolchain = ours;
  };

  programs = lib.run {
    name = "xsc-programs-${variant}";
    root = lib.merge {
      name = "root-xsc-programs-${variant}";
      trees = [
        seed.target
        ours
      ];
    };
    parallel = true;
    mounts = {
      "/src/tests" = ../../../toolchain/tests;
      "/src/libc-bin" = locale;
    };
    script = ''
      make -C /src/tests O=/build/set DESTDIR=$out CC=${triplet}-gcc CXX=${triplet}-g++ -j"$XSC_CORES" install

      mkdir -p $out/usr/bin $out/usr/lib $out/usr/lib64
      ln -s usr/bin $out/bin
      ln -s usr/lib $out/lib
      ln -s usr/lib64 $out/lib64
      ln -s ../../tests/programs/lib/sh $out/usr/bin/sh
      mkdir -p $out/usr/lib/locale
      cp -r /src/libc-bin/usr/lib/locale/C.utf8 $out/usr/lib/locale/
      cd ${ours.sysroot}/usr
      for lib in lib64/*.so.* lib/ld-linux-*.so.*; do
        [ ! -e "$lib" ] || cp -a --parents "$lib" $out/usr/
      done
      ${triplet}-strip --strip-debug $out/tests/programs/*.static
    '';
  };
in
lib.merge {
  name = "xsc-programs-tree-${variant}";
  trees = [
    programs
    rt.tests
  ];
}

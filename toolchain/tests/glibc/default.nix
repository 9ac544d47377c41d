# glibc's own tests, built by one of our toolchains, as a tree to put under the root of the kernel's tests: with the C
# library of that toolchain (`ours`) or with Debian's of the same version (`stock`), to be compared.
# pkgs/by-name/glibc-tests and -stock call it. Invariant: both run the same test programs, byte for byte; what an edit
# of run.c or expected touches is made apart from them, for they take half an hour of a processor.
{
  lib,
  inputs,
  seed,
  # One of ../../default.nix.
  toolchain,
  # The target whose shell and programs the image has: that of the toolchain, or `x86_64-stock` for Debian's libraries.
  target,
}:
let
  inherit (toolchain) machine sysroot variant;

  # Whose lines of `expected` hold.
  who = if target ? sysroot then "stock" else "ours";

  arch = machine.name;

  of = what: "${what}-${arch}-${variant}";

  here = map (name: ./. + "/${name}");

  root = lib.merge {
    name = of "root-glibc-tests";
    trees = [
      seed.target
      toolchain
    ];
  };

  env = {
    inherit arch variant sysroot;
    inherit (machine) triplet;
  };

  programs = lib.run {
    name = of "glibc-test-programs";
    inherit root;
    parallel = true;
    # The list and some programs name the place where they were built.
    keepsBuildDir = true;
    mounts = {
      "/src/glibc" = toolchain.glibc.source;
      "/src/kernel-headers" = toolchain.headers;
      "/src/scripts" = [ ../../glibc/scripts/configure.sh ] ++ here [ "build.sh" ];
      "/src/record" = here [ "record.sh" ];
    };
    env = env // {
      folders = "string rt time io misc signal posix nptl elf";
    };
    script = "sh /src/scripts/build.sh";
  };

  # The programs with their C library, and what runs them and judges.
  tests = lib.run {
    name = of "glibc-tests-${who}";
    inherit root;
    keepsBuildDir = true;
    mounts = {
      "/src/programs" = programs;
      "/src/glibc" = toolchain.glibc.source;
      "/src/image" = here [
        "image.sh"
        "run.c"
        "expected"
      ];
    }
    // (if who == "ours" then { } else { "/src/stock" = target.sysroot; });
    env = env // {
      inherit who;
    };
    script = "sh /src/image/image.sh";
  };

  # What tests call with system() and popen().
  userland = target.system {
    name = of "glibc-tests-userland-${who}";
    packages = [
      target.bash
      target.coreutils
    ];
  };
in
lib.merge {
  name = of "glibc-tests-tree-${who}";
  trees = [
    tests
    userland
  ];
  links = {
    "/bin" = "usr/bin";
    "/lib" = "usr/lib";
    "/lib64" = "usr/lib64";
  };
}
// {
  inherit programs;
}

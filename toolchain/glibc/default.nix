# glibc 2.41 for XSC. toolchain/default.nix calls this for each machine and variant; `headers` is what libgcc is compiled
# with, `libc` the whole of it for a sysroot, `compat` the one file that ordinary kernels need instead.
# Invariant: upstream's sources change by patches/2.41 only; what is new is in sysdeps/.
{
  lib,
  inputs,
  # What the build runs on: a shell, make, gawk, bison, python3 and a compiler for the build machine.
  root,
  # The cross compiler with its specs, its assembler and linker, and libgcc (not for `headers`).
  compiler,
  binutils,
  libgcc,
  # The kernel's headers, /usr/include.
  headers,
  # One of ../machines.nix, or the name of one.
  arch,
  # "base" or "cfi".
  variant,
  ...
}:
let
  inherit (inputs.glibc) version;

  machine = if builtins.isString arch then (import ../machines.nix).${arch} else arch;

  kernelHeaders = headers;

  source = lib.run {
    name = "glibc-source-${machine.name}-${version}";
    # Upstream's texts have folders of that name, too.
    keepsBuildDir = true;
    inherit root;
    mounts = {
      "/src/archive" = lib.fetch inputs.glibc;
      "/src/patches" = ./patches/2.41;
      "/src/overlay/sysdeps" = ./sysdeps;
      "/src/overlay/manual" = ./manual;
      "/src/scripts" = [
        ./scripts/source.sh
        ../scripts/patch.sh
      ];
    };
    env.machine = machine.name;
    script = "sh /src/scripts/source.sh";
  };

  # What configure would find out with an object that has no marks, which the linker of the cfi variant refuses.
  answers.cfi = {
    x86_64.libc_cv_pde_load_address = "0x0000000000400000";
    aarch64 = {
      libc_cv_pde_load_address = "0x0000000000400000";
      libc_cv_aarch64_variant_pcs = "yes";
    };
  };

  step =
    name: tools:
    {
      scripts,
      outputs ? [ "out" ],
      parallel ? false,
    }:
    lib.run {
      name = "glibc-${name}-${machine.name}-${variant}-${version}";
      inherit outputs parallel;
      root = lib.merge {
        name = "glibc-${name}-tools-${machine.name}-${variant}";
        trees = [ root ] ++ tools;
      };
      mounts = {
        "/src/glibc" = source;
        "/src/kernel-headers" = kernelHeaders;
        "/src/scripts" = map (file: ./scripts + "/${file}") ([ "configure.sh" ] ++ scripts);
      };
      env = {
        inherit (machine) triplet;
        inherit variant;
        arch = machine.name;
      }
      // answers.${variant}.${machine.name} or { };
      script = "sh /src/scripts/${builtins.head scripts}";
    };

  libc =
    step "libc"
      [
        compiler
        binutils
        libgcc
      ]
      {
        scripts = [
          "libc.sh"
          "check-traps.py"
        ];
        outputs = [
          "out"
          "compat"
        ];
        parallel = true;
      };
in
{
  inherit source libc version;

  headers = step "headers" [
    compiler
    binutils
  ] { scripts = [ "headers.sh" ]; };

  # /usr/lib64/ld-linux-x86-64.so.2 or /usr/lib/ld-linux-aarch64.so.1, nothing else.
  inherit (libc) compat;
}

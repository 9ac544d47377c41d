# The toolchains of XSC: for each machine and variant one tree with compiler, assembler, linker and a sysroot.
# pkgs/default.nix calls this file; `xsc-compose build toolchain.x86_64-base` builds one. Invariant: a stage is a
# function of the stages before it, and the compiler proper of a machine serves both variants (README.md).
{
  lib,
  inputs,
  seed,
  linux,
}:
let
  machines = import ./machines.nix;

  variants = [
    "base"
    "cfi"
  ];

  gcc = import ./gcc { inherit lib inputs seed; };

  # Once a machine: what no variant has a say in.
  shared = builtins.mapAttrs (name: machine: {
    compiler = gcc.compiler {
      inherit machine;
      glibcVersion = inputs.glibc.version;
    };
    binutils = import ./binutils {
      inherit lib inputs;
      root = seed.compiler;
      arch = name;
      checkRoot = seed.binutils-check;
    };
    headers = linux.headers machine.kernelArch;
  }) machines;

  toolchain =
    machine: variant:
    let
      inherit (shared.${machine.name}) compiler binutils headers;
      inherit (machine) triplet;

      of = stage: "${stage}-${machine.name}-${variant}";
      sysroot = "/usr/${triplet}/sysroot";

      # Before there is a shared libgcc, and after.
      earlySpecs = specsFile (of "gcc-specs") false;
      specs = specsFile (of "gcc-specs-shared") true;

      specsFile =
        name: sharedLibgcc:
        lib.run {
          inherit name;
          root = seed.base;
          env = {
            text = import ./specs.nix { inherit machine variant sharedLibgcc; };
            file = "usr/lib/gcc/${triplet}/${gcc.version}/specs";
          };
          script = ''
            mkdir -p "$out/$(dirname "$file")"
            printf '%s\n' "$text" >"$out/$file"
          '';
        };

      # A root to build in: the seed's tools for the machine that builds, ours for the one that runs it, and
      # as sysroot what there is of the C library so far, the kernel's headers with it.
      stage =
        name: trees: libc:
        lib.merge {
          name = of "root-${name}";
          trees = [
            seed.target
            compiler
            binutils
          ]
          ++ trees;
          place.${sysroot} = libc;
        };

      glibc = import ./glibc {
        inherit
          lib
          inputs
          binutils
          headers
          variant
          ;
        root = seed.target;
        compiler = lib.merge {
          name = of "gcc-with-specs";
          trees = [
            compiler
            earlySpecs
          ];
        };
        libgcc = staticLibgcc;
        arch = machine;
      };

      staticLibgcc = gcc.libgcc {
        inherit machine variant compiler;
        root = stage "headers" [ earlySpecs ] glibc.headers;
        shared = false;
      };

      libgcc = gcc.libgcc {
        inherit machine variant compiler;
        root = stage "libc" [ earlySpecs staticLibgcc ] glibc.libc;
        shared = true;
      };

      libraries = gcc.libraries {
        inherit machine variant;
        root = stage "libgcc" [ specs libgcc ] glibc.libc;
      };

      # The tree that people use: put it anywhere, or merge it into the root of a build. Nothing of what built it is
      # in it.
      tree = lib.distinct {
        name = of "toolchain";
        foreign = [
          seed.compiler
          seed.target
        ];
        roots = [ sysroot ];
        tree = lib.merge {
          name = of "toolchain-parts";
          trees = [
            compiler
            specs
            binutils
            libgcc
            libraries
          ];
          place.${sysroot} = glibc.libc;
        };
      };
    in
    tree
    // {
      inherit
        machine
        variant
        sysroot
        compiler
        binutils
        headers
        specs
        glibc
        libgcc
        libraries
        staticLibgcc
        ;

    };
in
builtins.listToAttrs (
  builtins.concatMap (
    name:
    map (variant: {
      name = "${name}-${variant}";
      value = toolchain machines.${name} variant;
    }) variants
  ) (builtins.attrNames machines)
)
// {
  compilers = builtins.mapAttrs (_: parts: parts.compiler) shared;
  binutils = builtins.mapAttrs (_: parts: parts.binutils) shared;
  headers = builtins.mapAttrs (_: parts: parts.headers) shared;
}

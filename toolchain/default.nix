# The toolchains of XSC: for each machine and variant one tree with compiler, assembler, linker and a sysroot.
# pkgs/default.nix calls this file; `xsc-compose build toolchain.x86_64-base` builds one. Invariant: a stage is a
# function of the stages before it, and the compiler proper of a machine serves both variants.
{
  lib,
  inputs,
  seed,
  linux,
}:
let
  machines = import ./machines.nix;

  gcc = import ./gcc { inherit lib inputs seed; };

  compilers = builtins.mapAttrs (
    _: machine:
    gcc.compiler {
      inherit machine;
      glibcVersion = inputs.glibc.version;
    }
  ) machines;
  headers = builtins.mapAttrs (_: machine: linux.headers machine.kernelArch) machines;
in
{
  inherit compilers headers;
}

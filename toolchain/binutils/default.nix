# Assembler, linker and their kin for one architecture, which reject trap instructions and write the XSC ABI note
# (README.md). toolchain/default.nix calls this file once an architecture; both variants use the result.
{
  lib,
  inputs,
  # A tree with a C and C++ compiler.
  root,
  # "x86_64" or "aarch64".
  arch,
  # The same with DejaGnu, for the tests.
  checkRoot ? null,
}:
let
  inherit (inputs.binutils) version;

  orig = lib.unpackTar {
    name = "binutils-orig-${version}";
    src = lib.fetch inputs.binutils;
    exclude = [
      "gprof/testsuite"
      "gprofng"
      "*/ChangeLog*"
      "*/po/*.gmo"
    ];
  };

  source = lib.run {
    name = "binutils-source-${version}";
    inherit root;
    # Upstream's texts have folders of that name, too.
    keepsBuildDir = true;
    mounts = {
      "/src/orig" = orig;
      "/src/patches" = ./patches/2.44;
      "/src/overlay" = ./overlay;
      "/src/scripts" = [
        ./scripts/source.sh
        ../scripts/patch.sh
      ];
    };
    script = "sh /src/scripts/source.sh";
  };

  tools = lib.run {
    name = "binutils-${arch}-${version}";
    inherit root;
    parallel = true;
    mounts = {
      "/src/binutils" = source;
      "/src/scripts" = [ ./scripts/build.sh ];
    };
    env.triplet = "${arch}-xsc-linux-gnu";
    script = "sh /src/scripts/build.sh";
  };
in
tools
// {
  inherit source;
  check = import ./check.nix {
    inherit
      lib
      tools
      source
      orig
      arch
      version
      ;
    root = checkRoot;
  };
}

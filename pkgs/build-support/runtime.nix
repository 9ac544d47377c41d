# The toolchain's libraries as packages, of the same form as `build` makes: `glibc` and `gcc-libs`. build-support's
# default.nix calls this file, and `system` puts both into every tree. Invariant: every file that a program needs at run
# time from the toolchain's sysroot is in one of the two; headers and what links stays in the toolchain.
{
  lib,
  seed,
  target,
  machine,
  toolchain,
  # Of packages.nix.
  packaged,
}:
let
  inherit (machine) triplet;

  split = lib.run {
    name = "runtime-${target}";
    root = lib.merge {
      name = "runtime-root-${target}";
      trees = [
        seed.target
        toolchain
      ];
    };
    outputs = [
      "glibc"
      "gcc"
    ];
    env = { inherit triplet; };
    mounts."/xsc/scripts" = [ ./scripts/runtime.sh ];
    script = "bash -euo pipefail /xsc/scripts/runtime.sh";
  };

  nothing = lib.merge { name = "nothing"; };

  package =
    pname: version: files: runtime: meta:
    let
      # A derivation with the one output that every package has.
      out = lib.merge {
        name = "${pname}-${version}-${target}";
        trees = [ files ];
      };

      self = out // {
        inherit
          pname
          version
          target
          meta
          out
          ;
        dev = nothing;
        doc = nothing;
        provenance = "rebuilt";
        buildInputs = [ ];
        runtimeInputs = [ ];
        closure = [ ];
        linked = [ ];
        section = "libs";
        library = false;
        modes = { };
        test = null;
      };
    in
    self
    // packaged {
      package = self;
      inherit runtime;
    };

  glibc = package "glibc" "2.41" split.glibc [ ] {
    description = "The C library, its loader and its programs";
    homepage = "https://www.gnu.org/software/libc/";
    license = "LGPL-2.1-or-later";
  };

  gcc-libs = package "gcc-libs" "14.2.0" split.gcc [ glibc ] {
    description = "Libraries that compiled C and C++ programs need";
    homepage = "https://gcc.gnu.org/";
    license = "GPL-3.0-or-later WITH GCC-exception-3.1";
  };
in
{
  inherit glibc gcc-libs;
}

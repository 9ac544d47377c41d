# glibc's own tests, built by the toolchain of the profile's machine and variant: a tree to put under the root of the
# kernel's tests, where /tests/glibc/run runs them (toolchain/tests/glibc). Half an hour of a processor: nothing asks
# for it but profiles/glibc-tests.toml.
{
  lib,
  seed,
  toolchain,
  config,
}:
let
  inherit (config.profile) system variant;

  arch = builtins.head (builtins.split "-" system);

  ours = toolchain."${arch}-${variant}";

  files = folder: names: map (name: folder + "/${name}") names;
in
lib.run {
  name = "glibc-tests-${arch}-${variant}";
  root = lib.merge {
    name = "root-glibc-tests-${arch}-${variant}";
    trees = [
      seed.target
      ours
    ];
  };
  parallel = true;
  # The list and some programs name the place where they were built.
  keepsBuildDir = true;
  mounts = {
    "/src/glibc" = ours.glibc.source;
    "/src/kernel-headers" = ours.headers;
    "/src/scripts" = files ../../../toolchain/glibc/scripts [ "configure.sh" ] ++ files ../../../toolchain/tests/glibc [ "build.sh" ];
    "/src/record" = files ../../../toolchain/tests/glibc [
      "record.sh"
      "run.c"
    ];
  };
  env = {
    inherit (ours.machine) triplet;
    inherit (ours) sysroot;
    inherit arch variant;
    folders = "string rt time io misc signal posix nptl elf";
  };
  script = "sh /src/scripts/build.sh";
}

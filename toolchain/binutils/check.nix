# The tests of our binutils for one architecture, each a derivation that fails with them: `own` runs the tests in
# testsuite/ with the finished tools, `suites` upstream's suites for *-linux-gnu with patched and unpatched sources, and
# compares: for targets other than ours nothing may change. No toolchain depends on it; default.nix calls it.
{
  lib,
  tools,
  source,
  orig,
  # A tree with a C and C++ compiler and DejaGnu.
  root,
  arch,
  version,
}:
{
  own = lib.run {
    name = "binutils-check-${arch}-${version}";
    inherit root;
    mounts = {
      "/src/binutils" = source;
      "/src/scripts" = [ ./scripts/check.sh ];
      "/src/testsuite" = ./testsuite;
      "/src/tools" = tools;
    };
    env.target = "${arch}-xsc-linux-gnu";
    script = "sh /src/scripts/check.sh";
  };

  suites = lib.run {
    name = "binutils-check-suites-${arch}-${version}";
    inherit root;
    parallel = true;
    mounts = {
      "/src/binutils" = source;
      "/src/orig" = orig;
      "/src/scripts" = [ ./scripts/check-suites.sh ];
    };
    env.target = "${arch}-linux-gnu";
    script = "sh /src/scripts/check-suites.sh";
  };
}

# The tests of all packages for XSC and the program that runs them, as a package that brings the packages along:
# modules/userland-tests.nix puts it into an image.
{
  build,
  userlandTests,
  bash,
  busybox,
  bzip2,
  coreutils,
  curl,
  dhcpcd,
  diffutils,
  dpkg,
  dropbear,
  findutils,
  gawk,
  grep,
  gzip,
  iproute2,
  kmod,
  less,
  libcap,
  libxcrypt,
  mbedtls,
  ncurses,
  procps,
  readline,
  sed,
  shadow,
  tar,
  util-linux,
  xz,
  zlib,
  zstd,
}:
let
  packages = [
    bash
    busybox
    bzip2
    coreutils
    curl
    dhcpcd
    diffutils
    dpkg
    dropbear
    findutils
    gawk
    grep
    gzip
    iproute2
    kmod
    less
    libcap
    libxcrypt
    mbedtls
    ncurses
    procps
    readline
    sed
    shadow
    tar
    util-linux
    xz
    zlib
    zstd
  ];

  out = userlandTests { inherit packages; };
in
# `build` is named so that there is one for each target.
assert build != null;
out
// {
  pname = "userland-tests";
  inherit (bash) target;
  inherit out;
  provenance = "rebuilt";
  buildInputs = [ ];
  runtimeInputs = packages;
  closure = packages ++ builtins.concatMap (package: package.closure) packages;
}

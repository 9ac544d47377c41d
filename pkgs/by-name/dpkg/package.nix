# dpkg whose own architecture is XSC's: it has its architecture compiled in, and one for Debian's takes every package of
# ours for a foreign one. Without dselect and the tools that make source packages. debian-base takes it instead of
# Debian's; what is next to the programs is what Debian's package has.
{
  build,
  inputs,
  machine,
  bzip2,
  libmd,
  xz,
  zlib,
  zstd,
}:
build {
  name = "dpkg";
  src = inputs.dpkg;
  # Its tests have named pipes.
  exclude = [ "tests" ];
  # `xsc-linux-gnu` is a system of its own, and its packages are `xsc-<processor>`.
  patches = ./patches;
  buildInputs = [
    bzip2
    libmd
    xz
    zlib
    zstd
  ];
  configureFlags = [
    "--disable-dselect"
    "--without-libselinux"
    "--with-libz"
    "--with-libbz2"
    "--with-liblzma"
    "--with-libzstd"
    "--with-admindir=/var/lib/dpkg"
    "DPKG_PAGER=pager"
    "TAR=tar"
  ];
  answers = {
    # It compiles nothing: the words of our specs stand.
    dpkg_cv_linker_as_needed = "yes";
  };
  # Both variants have one triplet; the name of cfi's architecture says more.
  configure =
    if machine.variant == "cfi" then
      ''
        configure_default
        sed -i 's/^#define ARCHITECTURE ".*[^"]/&-cfi/' config.h
      ''
    else
      "configure_default";
  compile = ''
    for folder in lib src utils; do make -C $folder -j$XSC_CORES; done
  '';
  install = ''
    for folder in src utils; do make -C $folder DESTDIR=$image install; done
    install -m644 -t $image/usr/share/dpkg data/*table
  '';
  finish = ''
    install -Dm644 debian/dpkg.cfg $image/etc/dpkg/dpkg.cfg
    for name in service timer; do
      install -Dm644 debian/dpkg.dpkg-db-backup.$name $image/usr/lib/systemd/system/dpkg-db-backup.$name
    done
    for name in dpkg alternatives; do
      case $name in dpkg) from=debian/dpkg.logrotate ;; *) from=debian/dpkg.$name.logrotate ;; esac
      install -Dm644 $from $image/etc/logrotate.d/$name
    done
  '';
  test = ./test.sh;
  meta = {
    description = "Debian's package manager, for XSC's architectures";
    homepage = "https://git.dpkg.org/";
    license = "GPL-2.0-or-later";
  };
}

# kmod: modprobe, lsmod, insmod, rmmod, depmod, modinfo are one program.
{
  build,
  inputs,
  xz,
  zlib,
  zstd,
}:
build {
  name = "kmod";
  src = inputs.kmod;
  buildInputs = [
    xz
    zlib
    zstd
  ];
  # Debian's tarball is a snapshot of the repository. Without gtk-doc, as in autogen.sh.
  prepare = ''
    : >libkmod/docs/gtk-doc.make
    : >m4/gtk-doc.m4
    autoreconf -fi
  '';
  configureFlags = [
    "--with-xz"
    "--with-zlib"
    "--with-zstd"
    "--without-openssl"
    "--disable-manpages"
    "--with-moduledir=/usr/lib/modules"
  ];
  finish = ''
    mkdir -p $image/usr/sbin
    for name in depmod insmod lsmod modinfo modprobe rmmod; do
      rm -f $image/usr/bin/$name
      ln -sf ../bin/kmod $image/usr/sbin/$name
    done
  '';
  test = ./test.sh;
  library = true;
  meta = {
    description = "Loads and shows modules of the kernel";
    homepage = "https://git.kernel.org/pub/scm/utils/kernel/kmod/kmod.git";
    license = "LGPL-2.1-or-later AND GPL-2.0-or-later";
  };
}

# zstd and libzstd, by their makefile; threads are on.
{
  build,
  inputs,
  bash,
  grep,
}:
build {
  name = "zstd";
  version = "1.5.7";
  src = inputs.zstd;
  configure = ":";
  compile = ''
    make -C lib -j$XSC_CORES libzstd
    make -C programs -j$XSC_CORES HAVE_ZLIB=0 HAVE_LZMA=0 HAVE_LZ4=0 ZSTD_LEGACY_SUPPORT=0 zstd
  '';
  install = ''
    make -C lib PREFIX=/usr LIBDIR=/usr/lib64 DESTDIR=$image install-pc install-shared install-includes
    make -C programs PREFIX=/usr DESTDIR=$image HAVE_ZLIB=0 HAVE_LZMA=0 HAVE_LZ4=0 ZSTD_LEGACY_SUPPORT=0 install
  '';
  # Scripts among its programs run them.
  runtimeInputs = [
    bash
    grep
  ];
  test = ./test.sh;
  library = true;
  meta = {
    description = "Fast compression, program and library";
    homepage = "https://facebook.github.io/zstd/";
    license = "BSD-3-Clause OR GPL-2.0-only";
  };
}

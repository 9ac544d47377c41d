# libcap and its programs: capabilities of processes and files. A makefile of its own; without PAM, Go and libpsx's tests.
{ build, inputs }:
build {
  name = "libcap";
  src = inputs.libcap;
  configure = ":";
  makeFlags = [
    "prefix=/usr"
    "lib=lib64"
    "SHARED=yes"
    "GOLANG=no"
    "PAM_CAP=no"
    # libpsx has a sigreturn of its own, a trap instruction.
    "PTHREADS=no"
    "USE_GPERF=no"
    "RAISE_SETFCAP=no"
    "BUILD_CC=gcc"
    "BUILD_CFLAGS=-O1"
    "SBINDIR=/usr/sbin"
  ];
  compile = ''
    read_words "$XSC_MAKE_FLAGS"
    for part in libcap progs; do
      make -C $part -j$XSC_CORES "''${words[@]}" CROSS_COMPILE=$XSC_TRIPLET- CC="$CC" AR="$AR" RANLIB="$RANLIB" OBJCOPY="$OBJCOPY"
    done
  '';
  install = ''
    read_words "$XSC_MAKE_FLAGS"
    for part in libcap progs; do
      make -C $part "''${words[@]}" CROSS_COMPILE=$XSC_TRIPLET- CC="$CC" AR="$AR" DESTDIR=$image install
    done
  '';
  test = ./test.sh;
  library = true;
  meta = {
    description = "Capabilities of processes and files";
    homepage = "https://sites.google.com/site/fullycapable/";
    license = "BSD-3-Clause OR GPL-2.0-only";
  };
}

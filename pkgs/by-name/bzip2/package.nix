# bzip2 and libbz2. Its makefile knows no install folder of libraries and builds the shared one by another makefile.
{
  build,
  inputs,
  bash,
  grep,
}:
build {
  name = "bzip2";
  src = inputs.bzip2;
  configure = ":";
  compile = ''
    make -f Makefile-libbz2_so CC="$CC" CFLAGS="$CFLAGS -fPIC -D_FILE_OFFSET_BITS=64" all
    $CC $CFLAGS -D_FILE_OFFSET_BITS=64 -o bzip2recover bzip2recover.c
  '';
  install = ''
    install -Dm755 bzip2-shared $image/usr/bin/bzip2
    install -m755 bzip2recover bzgrep bzmore bzdiff $image/usr/bin/
    ln -s bzip2 $image/usr/bin/bunzip2
    ln -s bzip2 $image/usr/bin/bzcat
    install -Dm755 libbz2.so.1.0.8 $image/usr/lib64/libbz2.so.1.0.8
    ln -s libbz2.so.1.0.8 $image/usr/lib64/libbz2.so.1.0
    ln -s libbz2.so.1.0 $image/usr/lib64/libbz2.so
    install -Dm644 bzlib.h $image/usr/include/bzlib.h
    install -Dm644 bzip2.1 $image/usr/share/man/man1/bzip2.1
  '';
  # Scripts among its programs run them.
  runtimeInputs = [
    bash
    grep
  ];
  test = ./test.sh;
  library = true;
  meta = {
    description = "Compression by block sorting, program and library";
    homepage = "https://sourceware.org/bzip2/";
    license = "bzip2-1.0.6";
  };
}

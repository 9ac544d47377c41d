# libxcrypt: libcrypt.so.1 with crypt(3), for hashes of passwords (yescrypt, SHA-512). Old glibc interfaces stay out.
{ build, inputs }:
build {
  name = "libxcrypt";
  src = inputs.libxcrypt;
  # Debian's tarball is a snapshot of the repository.
  # The macro of libltdl, which the seed lacks, asks whether symbols begin with `_`.
  prepare = ''
    sed -i 's/^LT_SYS_SYMBOL_USCORE/sys_symbol_underscore=no/' configure.ac
    autoreconf -fi
  '';
  configureFlags = [
    "--enable-hashes=strong,glibc"
    "--enable-obsolete-api=glibc"
    "--disable-failure-tokens"
    "--disable-werror"
    "--disable-valgrind"
  ];
  library = true;
  test = ./test.sh;
  meta = {
    description = "Library for hashing of passwords";
    homepage = "https://github.com/besser82/libxcrypt";
    license = "LGPL-2.1-or-later";
  };
}

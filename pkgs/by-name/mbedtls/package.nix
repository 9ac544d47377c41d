# mbed TLS: the library that curl speaks TLS with; small, and without assembly that would need marks.
{ build, inputs }:
build {
  name = "mbedtls";
  src = inputs.mbedtls;
  configure = ''
    # curl wants threads to be safe.
    python3 scripts/config.py set MBEDTLS_THREADING_C
    python3 scripts/config.py set MBEDTLS_THREADING_PTHREAD
  '';
  compile = ''
    make -C library -j$XSC_CORES SHARED=1 GEN_FILES= CC="$CC" AR="$AR" CFLAGS="$CFLAGS -fPIC" LDFLAGS="$LDFLAGS -pthread" shared
  '';
  install = ''
    mkdir -p $image/usr/lib64 $image/usr/include
    cp -a library/lib*.so* $image/usr/lib64/
    cp -r include/mbedtls include/psa $image/usr/include/
  '';
  library = true;
  test = ./test.sh;
  meta = {
    description = "Cryptography and TLS library";
    homepage = "https://www.trustedfirmware.org/projects/mbed-tls/";
    license = "Apache-2.0 OR GPL-2.0-or-later";
  };
}

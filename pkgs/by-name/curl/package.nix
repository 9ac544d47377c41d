# curl and libcurl: HTTP, HTTPS and FTP, with mbed TLS and zlib; certificates are looked for in /etc/ssl/certs.
{
  build,
  inputs,
  bash,
  mbedtls,
  zlib,
}:
build {
  name = "curl";
  src = inputs.curl;
  buildInputs = [
    mbedtls
    zlib
  ];
  configureFlags = [
    "--with-mbedtls"
    "--with-zlib"
    "--with-ca-path=/etc/ssl/certs"
    "--without-ca-bundle"
    "--without-libpsl"
    "--without-brotli"
    "--without-zstd"
    "--without-libidn2"
    "--without-nghttp2"
    "--without-libssh2"
    "--without-librtmp"
    "--disable-ldap"
    "--disable-ldaps"
    "--disable-rtsp"
    "--disable-dict"
    "--disable-telnet"
    "--disable-tftp"
    "--disable-pop3"
    "--disable-imap"
    "--disable-smb"
    "--disable-smtp"
    "--disable-gopher"
    "--disable-mqtt"
    "--disable-manual"
    "--disable-docs"
    "--enable-threaded-resolver"
  ];
  # It asks for a function of old versions, and without an answer looks in /lib.
  answers.ac_cv_lib_mbedtls_mbedtls_havege_init = "yes";
  # It names the folder of the build; pkg-config knows the same.
  finish = "rm $image/usr/bin/curl-config";
  # wcurl is a script.
  runtimeInputs = [ bash ];
  test = ./test.sh;
  library = true;
  meta = {
    description = "Transfers data by URL, program and library";
    homepage = "https://curl.se/";
    license = "curl";
  };
}

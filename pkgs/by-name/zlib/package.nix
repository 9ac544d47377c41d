# zlib: compression that many programs link. Its configure is its own, not autoconf's.
{ build, inputs }:
build {
  name = "zlib";
  version = "1.3.1";
  src = inputs.zlib;
  configure = ''
    CHOST=$XSC_TRIPLET ./configure --prefix=/usr --libdir=/usr/lib64
  '';
  library = true;
  test = ./test.sh;
  meta = {
    description = "Compression library implementing the deflate method";
    homepage = "https://zlib.net/";
    license = "Zlib";
  };
}

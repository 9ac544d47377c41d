# GNU gzip.
{ build, inputs }:
build {
  name = "gzip";
  src = inputs.gzip;
  # What runs: neither translations and texts nor tests.
  makeFlags = [ "SUBDIRS=lib ." ];
  test = ./test.sh;
  meta = {
    description = "Compression with the deflate method";
    homepage = "https://www.gnu.org/software/gzip/";
    license = "GPL-3.0-or-later";
  };
}

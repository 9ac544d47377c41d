# GNU gzip.
{
  build,
  inputs,
  bash,
  grep,
  sed,
}:
build {
  name = "gzip";
  src = inputs.gzip;
  # C17; the common answers are for C23.
  asksAgain = [
    "gl_cv_func_unreachable"
    "gl_cv_header_working_stdalign_h"
    "gl_cv_type_char8_t_works"
  ];
  # What runs: neither translations and texts nor tests.
  makeFlags = [ "SUBDIRS=lib ." ];
  # Scripts among its programs run them.
  runtimeInputs = [
    bash
    grep
    sed
  ];
  test = ./test.sh;
  meta = {
    description = "Compression with the deflate method";
    homepage = "https://www.gnu.org/software/gzip/";
    license = "GPL-3.0-or-later";
  };
}

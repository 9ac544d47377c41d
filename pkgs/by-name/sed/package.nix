# GNU sed.
{ build, inputs }:
build {
  name = "sed";
  src = inputs.sed;
  # C17; the common answers are for C23.
  asksAgain = [
    "gl_cv_func_unreachable"
    "gl_cv_header_working_stdalign_h"
    "gl_cv_type_char8_t_works"
  ];
  configureFlags = [
    "--disable-acl"
    "--without-selinux"
  ];
  # What runs: neither translations and texts nor tests.
  makeFlags = [ "SUBDIRS=." ];
  test = ./test.sh;
  meta = {
    description = "Stream editor";
    homepage = "https://www.gnu.org/software/sed/";
    license = "GPL-3.0-or-later";
  };
}

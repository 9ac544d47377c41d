# GNU grep, without Perl expressions.
{ build, inputs, bash }:
build {
  name = "grep";
  src = inputs.grep;
  # C17; the common answers are for C23.
  asksAgain = [
    "gl_cv_func_unreachable"
    "gl_cv_header_working_stdalign_h"
    "gl_cv_type_char8_t_works"
  ];
  configureFlags = [ "--disable-perl-regexp" ];
  # What runs: neither translations and texts nor tests.
  makeFlags = [ "SUBDIRS=lib src" ];
  # Scripts among its programs run it.
  runtimeInputs = [ bash ];
  test = ./test.sh;
  meta = {
    description = "Searches text for lines that match a pattern";
    homepage = "https://www.gnu.org/software/grep/";
    license = "GPL-3.0-or-later";
  };
}

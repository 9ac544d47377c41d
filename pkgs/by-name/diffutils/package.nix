# GNU diffutils: diff, cmp, diff3, sdiff.
{ build, inputs }:
build {
  name = "diffutils";
  src = inputs.diffutils;
  # C17; the common answers are for C23.
  asksAgain = [
    "gl_cv_func_unreachable"
    "gl_cv_header_working_stdalign_h"
    "gl_cv_type_char8_t_works"
  ];
  # It runs ed and pr by the names found while configuring.
  answers.gt_cv_func_gnugettext1_libc = "no";
  # What runs: neither translations and texts nor tests.
  makeFlags = [ "SUBDIRS=lib src" ];
  test = ./test.sh;
  meta = {
    description = "Finds differences between files";
    homepage = "https://www.gnu.org/software/diffutils/";
    license = "GPL-3.0-or-later";
  };
}

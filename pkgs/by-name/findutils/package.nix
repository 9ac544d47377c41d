# GNU findutils: find and xargs; locate and its database are left out.
{ build, inputs }:
build {
  name = "findutils";
  src = inputs.findutils;
  # C17; the common answers are for C23.
  asksAgain = [
    "gl_cv_func_unreachable"
    "gl_cv_header_working_stdalign_h"
    "gl_cv_type_char8_t_works"
  ];
  configureFlags = [
    "--without-selinux"
    "--localstatedir=/var/lib/locate"
  ];
  answers.gl_cv_func_wcwidth_works = "yes";
  finish = ''
    rm -rf $image/usr/libexec $image/var
  '';
  # What runs: neither translations and texts nor tests.
  configure = ''
    configure_default
    sed -i 's/^SUBDIRS = .*/SUBDIRS = gl lib find xargs/' Makefile
  '';
  test = ./test.sh;
  meta = {
    description = "Finds files and runs commands on them";
    homepage = "https://www.gnu.org/software/findutils/";
    license = "GPL-3.0-or-later";
  };
}

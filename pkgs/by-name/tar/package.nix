# GNU tar.
{ build, inputs }:
build {
  name = "tar";
  src = inputs.tar;
  version = "1.35";
  # C17; the common answers are for C23.
  asksAgain = [
    "gl_cv_func_unreachable"
    "gl_cv_header_working_stdalign_h"
    "gl_cv_type_char8_t_works"
  ];
  configureFlags = [
    "--without-posix-acls"
    "--without-selinux"
    "--without-xattrs"
  ];
  # It may unpack as root, here and in the machine that configures.
  env.FORCE_UNSAFE_CONFIGURE = "1";
  finish = ''
    rm -f $image/usr/libexec/rmt
    rmdir -p $image/usr/libexec 2>/dev/null || :
  '';
  # What runs: neither translations and texts nor tests.
  configure = ''
    configure_default
    sed -i 's/^SUBDIRS = .*/SUBDIRS = gnu lib src/' Makefile
  '';
  test = ./test.sh;
  meta = {
    description = "Archiver of files";
    homepage = "https://www.gnu.org/software/tar/";
    license = "GPL-3.0-or-later";
  };
}

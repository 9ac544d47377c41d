# GNU awk, also /usr/bin/awk. Without MPFR: nothing here needs numbers of any length.
{ build, inputs }:
build {
  name = "gawk";
  src = inputs.gawk;
  configureFlags = [
    "--disable-mpfr"
    "--without-readline"
    "--disable-extensions"
  ];
  answers.ac_cv_lib_sigsegv_main = "no";
  finish = ''
    rm -f $image/usr/bin/gawkbug $image/usr/bin/gawk-5*
    ln -sf gawk $image/usr/bin/awk
  '';
  # What runs: neither translations and texts nor tests.
  makeFlags = [ "SUBDIRS=support ." ];
  test = ./test.sh;
  meta = {
    description = "Pattern scanning and processing language";
    homepage = "https://www.gnu.org/software/gawk/";
    license = "GPL-3.0-or-later";
  };
}

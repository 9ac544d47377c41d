# GNU findutils: find and xargs; locate and its database are left out.
{ build, inputs }:
build {
  name = "findutils";
  src = inputs.findutils;
  configureFlags = [
    "--without-selinux"
    "--localstatedir=/var/lib/locate"
  ];
  answers.gl_cv_func_wcwidth_works = "yes";
  finish = ''
    rm -rf $image/usr/libexec $image/var
  '';
  # What runs: neither translations and texts nor tests.
  makeFlags = [ "SUBDIRS=gl lib find xargs" ];
  test = ./test.sh;
  meta = {
    description = "Finds files and runs commands on them";
    homepage = "https://www.gnu.org/software/findutils/";
    license = "GPL-3.0-or-later";
  };
}

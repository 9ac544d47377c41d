# GNU coreutils: one program a file. Without libcap, acl and attr: nothing here stores them.
{ build, inputs }:
build {
  name = "coreutils";
  src = inputs.coreutils;
  configureFlags = [
    "--enable-no-install-program=kill,uptime"
    "--without-openssl"
    "--without-selinux"
    "--disable-acl"
    "--disable-xattr"
    "--disable-libcap"
  ];
  answers = {
    fu_cv_sys_mounted_getmntent1 = "yes";
    gl_cv_fs_space = "yes";
  };
  # help2man would run the programs.
  makeFlags = [
    # Neither translations nor tests of gnulib.
    "SUBDIRS=."
    "man1_MANS="
    "run_help2man=true"
  ];
  files = [ ./suite.sh ];
  suite = ''
    to=$suite/usr/libexec/xsc-suites/coreutils
    mkdir -p $to/src $to/lib
    cp -r tests init.cfg build-aux $to/ 2>/dev/null || cp -r tests build-aux $to/
    cp lib/config.h $to/lib/
    echo "$XSC_VERSION" >$to/version
    # Programs that only tests use.
    for program in getlimits make-prime-list; do
      if [ -x src/$program ]; then cp src/$program $to/src/; fi
    done
    make src/getlimits >/dev/null && cp src/getlimits $to/src/
    cp /src/files/suite.sh $to/run
  '';
  test = ./test.sh;
  meta = {
    description = "The basic file, text and shell utilities of GNU";
    homepage = "https://www.gnu.org/software/coreutils/";
    license = "GPL-3.0-or-later";
  };
}

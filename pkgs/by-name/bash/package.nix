# GNU bash, also /usr/bin/sh. It uses the readline of its own source.
{
  build,
  inputs,
  ncurses,
}:
build {
  name = "bash";
  src = inputs.bash;
  buildInputs = [ ncurses ];
  configureFlags = [
    "--without-bash-malloc"
    "--with-curses"
    "--enable-readline"
    "--docdir=/usr/share/doc/bash"
  ];
  answers = {
    bash_cv_dev_fd = "standard";
    bash_cv_dev_stdin = "present";
    bash_cv_func_ctype_nonascii = "no";
    bash_cv_func_sigsetjmp = "present";
    bash_cv_func_strcoll_broken = "no";
    bash_cv_getcwd_malloc = "yes";
    bash_cv_getenv_redef = "yes";
    bash_cv_job_control_missing = "present";
    bash_cv_must_reinstall_sighandlers = "no";
    bash_cv_pgrp_pipe = "no";
    bash_cv_printf_a_format = "yes";
    bash_cv_sys_named_pipes = "present";
    bash_cv_sys_siglist = "yes";
    bash_cv_termcap_lib = "libncursesw";
    bash_cv_ulimit_maxfds = "yes";
    bash_cv_under_sys_siglist = "yes";
    bash_cv_unusable_rtsigs = "no";
    bash_cv_wcontinued_broken = "no";
    bash_cv_wcwidth_broken = "no";
    bash_cv_wexitstatus_offset = "8";
    bash_cv_getcwd_calls_malloc = "yes";
    bash_cv_fnmatch_equiv_fallback = "yes";
    bash_cv_fnmatch_equiv_value = "2";
  };
  finish = ''
    ln -s bash $image/usr/bin/sh
    # Names the compiler and the machine that built.
    rm -f $image/usr/bin/bashbug
  '';
  # Builtins that are loaded are examples, as long to compile as the shell itself.
  installFlags = [ "LOADABLES_DIR=none" ];
  files = [ ./suite.sh ];
  suite = ''
    to=$suite/usr/libexec/xsc-suites/bash
    mkdir -p $to
    cp -r tests/. $to/
    for program in recho zecho printenv xcase; do
      $CC $CFLAGS $LDFLAGS -DHAVE_CONFIG_H -I. -Iinclude -Ilib -o $to/$program support/$program.c
    done
    cp /src/files/suite.sh $to/run
  '';
  test = ./test.sh;
  meta = {
    description = "The GNU Bourne-again shell";
    homepage = "https://www.gnu.org/software/bash/";
    license = "GPL-3.0-or-later";
  };
}

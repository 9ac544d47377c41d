# GNU readline: line editing for bash and others.
{
  build,
  inputs,
  ncurses,
}:
build {
  name = "readline";
  src = inputs.readline;
  buildInputs = [ ncurses ];
  configureFlags = [
    "--with-curses"
    "--disable-install-examples"
  ];
  # No search path of its own.
  prepare = "sed -i 's/-Wl,-rpath,$(libdir) //' support/shobj-conf";
  # Link the shared library with what it uses.
  makeFlags = [ "SHLIB_LIBS=-lncursesw" ];
  answers = {
    bash_cv_termcap_lib = "libncursesw";
    bash_cv_wcwidth_broken = "no";
  };
  library = true;
  test = ./test.sh;
  meta = {
    description = "Library for editing command lines";
    homepage = "https://tiswww.case.edu/php/chet/readline/rltop.html";
    license = "GPL-3.0-or-later";
  };
}

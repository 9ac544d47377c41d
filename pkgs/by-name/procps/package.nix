# procps: ps, top, free, pgrep, pkill, sysctl, uptime, w, vmstat.
{
  build,
  inputs,
  ncurses,
}:
build {
  name = "procps";
  src = inputs.procps;
  buildInputs = [ ncurses ];
  # Our ncurses has wide characters under its plain name.
  prepare = "sed -i 's,<ncursesw/,<,' src/watch.c";
  configureFlags = [
    "--without-systemd"
    "--without-elogind"
    "--disable-numa"
    "--enable-watch8bit"
    "--disable-modern-top"
    "--enable-kill"
  ];
  answers = {
    ac_cv_func_malloc_0_nonnull = "yes";
    ac_cv_func_realloc_0_nonnull = "yes";
  };
  test = ./test.sh;
  library = true;
  meta = {
    description = "Programs that show and steer processes";
    homepage = "https://gitlab.com/procps-ng/procps";
    license = "GPL-2.0-or-later AND LGPL-2.1-or-later";
  };
}

# ncurses, wide characters only; libtinfo and the narrow names are links to it, as readline, less and others ask for them.
{ build, inputs }:
build {
  name = "ncurses";
  src = inputs.ncurses;
  configureFlags = [
    "--with-shared"
    "--without-normal"
    "--without-debug"
    "--without-ada"
    "--without-cxx"
    "--without-cxx-binding"
    "--without-manpages"
    "--without-tests"
    "--enable-widec"
    "--enable-pc-files"
    "--with-pkg-config-libdir=/usr/lib64/pkgconfig"
    "--with-default-terminfo-dir=/usr/share/terminfo"
    "--with-terminfo-dirs=/etc/terminfo:/usr/share/terminfo"
    # The terminals of consoles and emulators; the full database is 8 MB.
    "--with-fallbacks=linux,vt100,xterm,xterm-256color"
    "--with-tic-path=/usr/bin/tic"
    "--with-infocmp-path=/usr/bin/infocmp"
    "--with-strip-program=true"
    "--with-build-cc=gcc"
  ];
  # The database is written by the seed's tic: ours does not run here.
  installFlags = [ "TIC_PATH=/usr/bin/tic" ];
  finish = ''
    cd $image/usr/lib64
    for name in ncurses tinfo curses; do
      ln -sf libncursesw.so lib$name.so
    done
    ln -sf libncursesw.so.6 libtinfo.so.6
    ln -sf ncursesw.pc pkgconfig/ncurses.pc
    ln -sf ncursesw.pc pkgconfig/tinfo.pc
    # The terminals that people sit at, out of 1,900.
    cd $image/usr/share
    mv terminfo all
    for term in a/ansi d/dumb l/linux r/rxvt s/screen s/screen-256color t/tmux t/tmux-256color v/vt100 v/vt102 v/vt220 x/xterm x/xterm-256color x/xterm-color; do
      [ ! -e all/$term ] || install -Dm644 all/$term terminfo/$term
    done
    rm -r all
    rm -f $image/usr/lib/terminfo
  '';
  test = ./test.sh;
  library = true;
  meta = {
    description = "Terminal control library and the terminfo database";
    homepage = "https://invisible-island.net/ncurses/";
    license = "X11-distribute-modifications-variant";
  };
}

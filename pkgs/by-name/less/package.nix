# less, the pager.
{
  build,
  inputs,
  ncurses,
}:
build {
  name = "less";
  src = inputs.less;
  buildInputs = [ ncurses ];
  test = ./test.sh;
  meta = {
    description = "Pager that scrolls both ways";
    homepage = "https://www.greenwoodsoftware.com/less/";
    license = "GPL-3.0-or-later OR less";
  };
}

let
  config.boot = {
    cmdline = "quiet";
    kernel = "xsc";
  };
in
config.boot.cmdlin

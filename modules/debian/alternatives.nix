# The names that several of Debian's packages could have, given to those that are there, by way of /etc/alternatives.
{ ... }:
let
  names = {
    awk = "/usr/bin/mawk";
    editor = "/usr/bin/nano";
    nawk = "/usr/bin/mawk";
    pager = "/usr/bin/less";
    pico = "/usr/bin/nano";
    vi = "/usr/bin/vim.tiny";
    view = "/usr/bin/vim.tiny";
    which = "/usr/bin/which.debianutils";
  };
in
{
  files = builtins.foldl' (
    all: name:
    all
    // {
      "/etc/alternatives/${name}".link = names.${name};
      "/usr/bin/${name}".link = "/etc/alternatives/${name}";
    }
  ) { } (builtins.attrNames names);
}

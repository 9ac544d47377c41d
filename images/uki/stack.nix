# What firmware starts: our stub, which finds the kernel and the rest in sections of its own file (docs/adr/0018).
{
  pkgs,
  config,
  name,
}:
{
  inherit (pkgs.linux) kernel;
  stub = pkgs.uki-stub;
  cmdline = builtins.concatStringsSep " " config.boot.cmdline;

  # What a boot menu shows of the file.
  osRelease = ''
    ID=xsc
    NAME="XSC OS"
    PRETTY_NAME="XSC OS ${name}"
    VERSION_ID=${pkgs.linux.version}
  '';
}

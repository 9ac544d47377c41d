# A Debian system: systemd, dpkg and apt, its packages rebased. Maintainer scripts never run, so what they would have
# made is said in modules/debian: users, links, PAM's files, the configuration of what is started.
{ lib, ... }:
{
  imports = [
    ./system.nix
    ./debian/accounts.nix
    ./debian/apt.nix
    ./debian/base.nix
    ./debian/pam.nix
    ./debian/ssh.nix
  ];

  init = "systemd";

  distribution = "debian-base";

  packageSets = [ "system" ];

  system.osRelease = {
    NAME = "XSC OS";
    ID = "xsc";
    ID_LIKE = "debian";
    PRETTY_NAME = "XSC OS (debian-base)";
    VERSION_ID = "13";
    VERSION_CODENAME = "trixie";
    DEBIAN_CODENAME = "trixie";
  };

  network.interfaces."e*".dhcp = lib.mkDefault true;
}

# The network in dhcpcd's words, which gives addresses to cards where the init does not: with finit and busybox.
# Nobody manages /dev beside the kernel there (`nodev`). Invariant: a pattern of names is for DHCP; fixed addresses
# need a card's whole name.
{
  config,
  lib,
  ...
}:
let
  cfg = config.network;

  used = config.init != "systemd" && cfg.interfaces != { };

  words = lib.concatStringsSep " ";

  lines = lib.concatStringsSep "";

  isPattern = name: builtins.match ".*[*?].*" name != null;

  fixed =
    name: it:
    "\ninterface ${name}\n"
    + lines (map (address: "static ip_address=${address}\n") it.addresses)
    + lines (
      map (gateway: "static routers=${gateway}\n") (lib.optional (it.gateway != null) it.gateway)
    );
in
{
  config = lib.mkIf used {
    files."/etc/dhcpcd.conf" =
      "# Written by modules/system/dhcpcd.nix.\n"
      + "allowinterfaces ${words (builtins.attrNames cfg.interfaces)}\n"
      + "nodev\nhostname\nduid\npersistent\nvendorclassid\n"
      + "option domain_name_servers, domain_name, interface_mtu\nrequire dhcp_server_identifier\n"
      + lines (
        map (servers: "static domain_name_servers=${words servers}\n") (
          lib.optional (cfg.nameServers != [ ]) cfg.nameServers
        )
      )
      + lines (lib.mapAttrsToList fixed (lib.filterAttrs (_: it: it.addresses != [ ]) cfg.interfaces));

    services.dhcpcd = {
      description = "Addresses of network cards";
      command = "/usr/sbin/dhcpcd --nobackground --config /etc/dhcpcd.conf";
    };

    directories."/var/lib/dhcpcd" = { };

    assertions = map (name: {
      assertion = cfg.interfaces.${name}.addresses == [ ] || !isPattern name;
      message = "dhcpcd, which works for ${config.init}, gives fixed addresses only to a card by its whole name, not to `${name}`";
      about = [
        [
          "network"
          "interfaces"
          name
        ]
      ];
    }) (builtins.attrNames cfg.interfaces);
  };
}

# How a system reaches others: cards by the pattern of their names, with DHCP or fixed addresses; name servers; hosts.
# systemd.nix and dhcpcd.nix say it to the program that does it.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;

  cfg = config.network;

  # By form only: digits and dots, or hexadecimal digits and colons.
  ip = "([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)";

  address = types.strMatching ip // {
    description = "an IP address";
  };

  interface = {
    options = {
      dhcp = mkOption {
        type = types.bool;
        default = true;
        example = false;
        description = "Whether the network says what the addresses are.";
      };

      addresses = mkOption {
        type = types.listOf (
          types.strMatching "${ip}/[0-9]{1,3}"
          // {
            description = "an IP address and the length of its network's prefix";
          }
        );
        default = [ ];
        example = [ "192.0.2.7/24" ];
        description = "Fixed addresses.";
      };

      gateway = mkOption {
        type = types.nullOr address;
        default = null;
        example = "192.0.2.1";
        description = "Who takes what is for other networks.";
      };
    };
  };

  hosts = lib.concatStringsSep "" (
    lib.mapAttrsToList (ip: names: "${ip}\t${lib.concatStringsSep " " names}\n") cfg.hosts
  );
in
{
  options.network = {
    interfaces = mkOption {
      type = types.attrsOf (types.submodule interface);
      default = { };
      example = {
        "en*".dhcp = true;
      };
      description = "Network cards by name; `*` in a name stands for anything.";
    };

    nameServers = mkOption {
      type = types.listOf address;
      default = [ ];
      example = [ "192.0.2.53" ];
      description = "Who is asked for names, beside those that DHCP tells.";
    };

    domain = mkOption {
      type = types.nullOr (types.strMatching "[a-zA-Z0-9.-]+");
      default = null;
      example = "example.org";
      description = "The domain in which names without a dot are looked up.";
    };

    hosts = mkOption {
      type = types.attrsOf (types.listOf types.str);
      default = { };
      example = {
        "192.0.2.9" = [ "db" ];
      };
      description = "Names of addresses for /etc/hosts, beside the machine's own.";
    };
  };

  config = {
    files = {
      "/etc/hosts" =
        "127.0.0.1\tlocalhost\n"
        + "127.0.1.1\t${config.system.hostName}\n"
        + "::1\tlocalhost ip6-localhost ip6-loopback\n"
        + hosts;
      "/etc/nsswitch.conf" = lib.mkDefault ''
        passwd:    files
        group:     files
        shadow:    files
        gshadow:   files
        hosts:     files dns
        networks:  files
        protocols: files
        services:  files
        ethers:    files
        rpc:       files
      '';
      "/etc/host.conf" = "multi on\n";
    };

    assertions = builtins.concatMap (
      name:
      let
        it = cfg.interfaces.${name};
        about = [
          [
            "network"
            "interfaces"
            name
          ]
        ];
      in
      [
        {
          assertion = builtins.match "[a-zA-Z0-9_.*?-]{1,15}" name != null;
          message = "`${name}` is not the name of a network card or a pattern of names";
          inherit about;
        }
        {
          assertion = it.dhcp || it.addresses != [ ];
          message = "the network card `${name}` has neither DHCP nor addresses";
          inherit about;
        }
      ]
    ) (builtins.attrNames cfg.interfaces);
  };
}

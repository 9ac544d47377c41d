# A module somebody wrote.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options.site = {
    motto = mkOption {
      type = types.str;
      description = "Said at login.";
    };
    port = mkOption {
      type = types.port;
      default = 80;
      description = "Where it listens.";
    };
    level = mkOption {
      type = types.enum [
        "debug"
        "info"
        "error"
      ];
      default = "info";
      description = "How much it says.";
    };
    users = mkOption {
      type = types.listOf (
        types.submodule {
          options.name = mkOption { type = types.str; };
          options.keys = mkOption {
            type = types.attrsOf (
              types.submodule {
                options.bits = mkOption { type = types.ints.positive; };
              }
            );
            default = { };
          };
        }
      );
      default = [ ];
      description = "Who there is.";
    };
  };

  config = {
    boot.volumeId = lib.mkIf (config.site.level == "debug") "SITE";
    warnings = lib.optional (
      config.site.port < 1024
    ) "port ${toString config.site.port} needs a privilege";
    assertions = [
      {
        assertion = config.site.port != 23;
        message = "telnet is not a site";
      }
    ];
  };
}

# What a system is called and how it speaks: os-release, host name, time zone, locale.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;

  cfg = config.system;

  # As os-release(5) wants it: in double quotes, with the shell's special characters escaped.
  quoted =
    value: "\"${builtins.replaceStrings [ "\\" "\"" "$" "`" ] [ "\\\\" "\\\"" "\\$" "\\`" ] value}\"";
in
{
  options.system = {
    hostName = mkOption {
      type = types.strMatching "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?" // {
        description = "a host name of letters, digits and hyphens";
      };
      default = "xsc";
      example = "build-1";
      description = "The machine's name, without a domain.";
    };

    timeZone = mkOption {
      type = types.strMatching "[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*";
      default = "UTC";
      example = "Europe/Berlin";
      description = "The time zone: a name below /usr/share/zoneinfo, which a package must bring unless it is `UTC`.";
    };

    locale = mkOption {
      type = types.strMatching "[A-Za-z0-9_.@-]+";
      default = "C.UTF-8";
      example = "C";
      description = "The value of LANG for logins and services. Nothing but `C` and `C.UTF-8` is made.";
    };

    osRelease = mkOption {
      type = types.attrsOf types.singleLineStr;
      example = {
        NAME = "XSC OS";
        ID = "xsc";
      };
      description = "The fields of /usr/lib/os-release, see os-release(5).";
    };

    issue = mkOption {
      type = types.lines;
      default = "${cfg.osRelease.PRETTY_NAME} \\n \\l\n\n";
      defaultText = lib.literalExpression "\"\${system.osRelease.PRETTY_NAME} \\\\n \\\\l\\n\\n\"";
      example = "Authorized use only\n";
      description = "What stands above a login prompt, with agetty's escapes.";
    };

    motd = mkOption {
      type = types.lines;
      default = "";
      example = "Backups run at two.\n";
      description = "What a login shows.";
    };
  };

  config = {
    system.osRelease = builtins.mapAttrs (_: lib.mkDefault) {
      NAME = "XSC OS";
      ID = "xsc";
      PRETTY_NAME = "XSC OS (${config.profile.name})";
      VERSION_ID = "1";
      VARIANT_ID = config.profile.variant;
    };

    files = {
      "/etc/hostname" = "${cfg.hostName}\n";
      "/usr/lib/os-release" = lib.concatStringsSep "" (
        lib.mapAttrsToList (name: value: "${name}=${quoted value}\n") cfg.osRelease
      );
      "/etc/os-release".link = "../usr/lib/os-release";
      "/etc/issue" = cfg.issue;
      "/etc/motd" = cfg.motd;
      "/etc/timezone" = "${cfg.timeZone}\n";
      "/etc/locale.conf" = "LANG=${cfg.locale}\n";
      "/etc/default/locale" = "LANG=${cfg.locale}\n";
    }
    // lib.optionalAttrs (cfg.timeZone != "UTC") {
      "/etc/localtime".link = "../usr/share/zoneinfo/${cfg.timeZone}";
    };

    assertions = map (name: {
      assertion = builtins.match "[A-Z][A-Z0-9_]*" name != null;
      message = "`${name}` is not a field of os-release: capitals, digits and `_`";
      about = [
        [
          "system"
          "osRelease"
          name
        ]
      ];
    }) (builtins.attrNames cfg.osRelease);
  };
}

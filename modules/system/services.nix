# What runs: services, declared once for every init. systemd.nix, busybox.nix and finit.nix
# write them down in the words of theirs.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;

  order =
    when:
    mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "network" ];
      description = "What this one starts ${when}: names of services, or `network`; for systemd also units of packages, as `ssh.service`.";
    };

  line = types.strMatching "[^\n]*" // {
    description = "a string of one line";
  };

  service =
    { name, ... }:
    {
      options = {
        enable = mkOption {
          type = types.bool;
          default = true;
          example = false;
          description = "Whether it is there.";
        };

        description = mkOption {
          type = line;
          default = name;
          defaultText = lib.literalExpression "<name>";
          example = "Serves the site";
          description = "One line for people.";
        };

        command = mkOption {
          type = types.strMatching "/[^\n$%\"'\\]*" // {
            description = "an absolute path, and arguments behind it, without $, %, quotes and backslashes";
          };
          example = "/usr/sbin/sshd -D";
          description = "The program and its arguments, split at blanks; no shell reads them. It stays in the foreground, unless `kind` says else.";
        };

        kind = mkOption {
          type = types.enum [
            "daemon"
            "once"
          ];
          default = "daemon";
          example = "once";
          description = "Whether the program goes on, or does something at boot and ends. What comes after a `once` waits for its end.";
        };

        after = order "after";

        before = order "before";

        restart = mkOption {
          type = types.enum [
            "always"
            "failure"
            "never"
          ];
          default = "always";
          example = "failure";
          description = "When a daemon that ended is started again.";
        };

        user = mkOption {
          type = types.str;
          default = "root";
          example = "daemon";
          description = "Who it runs as: a name in `users.users`, with that user's groups.";
        };

        environment = mkOption {
          type = types.attrsOf line;
          default = { };
          example = {
            LANG = "C.UTF-8";
          };
          description = "Variables it is given.";
        };
      };
    };

  cfg = config.services;

  names = builtins.attrNames cfg;

  # What a service names, when the other is there.
  ordered =
    name: key:
    map (other: {
      assertion =
        other == "network"
        || (cfg ? ${other} && other != name)
        || (config.init == "systemd" && builtins.match ".*\\.[a-z]+" other != null);
      message =
        if other == name then
          "the service `${name}` can't start ${key} itself"
        else
          "there is no service `${other}`, which `${name}` is to start ${key}";
      about = [
        [
          "services"
          name
          key
        ]
      ];
    }) cfg.${name}.${key};
in
{
  options = {
    init = mkOption {
      type = types.enum [
        "systemd"
        "finit"
        "busybox"
      ];
      example = "busybox";
      description = "The first program, which starts the others.";
    };

    services = mkOption {
      type = types.attrsOf (types.submodule service);
      default = { };
      example = {
        site = {
          command = "/usr/sbin/sited --foreground";
          after = [ "network" ];
          user = "daemon";
        };
      };
      description = "What runs, by name.";
    };
  };

  config.assertions = builtins.concatMap (
    name:
    let
      it = cfg.${name};
      about = key: [
        [
          "services"
          name
          key
        ]
      ];
    in
    [
      {
        assertion = builtins.match "[a-z][a-z0-9_-]*" name != null;
        message = "`${name}` is not a name for a service: a small letter, then small letters, digits, `_` and `-`";
        about = [
          [
            "services"
            name
          ]
        ];
      }
      {
        assertion = config.users.users ? ${it.user};
        message = "there is no user `${it.user}`, who the service `${name}` is to run as";
        about = about "user";
      }
    ]
    ++ ordered name "after"
    ++ ordered name "before"
    ++ map (variable: {
      assertion = builtins.match "[A-Za-z_][A-Za-z0-9_]*" variable != null;
      message = "`${variable}` is not the name of a variable";
      about = about "environment";
    }) (builtins.attrNames it.environment)
  ) names;
}

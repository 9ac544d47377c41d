# What is put into the image beside packages: files, directories, and modes and owners of what packages bring.
# Modules write here, too; images/rootfs.nix makes the tree and its manifest of it.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;

  path = types.strMatching "/([^/\n]+)(/[^/\n]+)*" // {
    description = "an absolute path";
  };

  mode =
    default:
    mkOption {
      type = types.strMatching "[0-7]{4}";
      inherit default;
      example = "0600";
      description = "The permissions, four octal digits.";
    };

  owner = {
    user = mkOption {
      type = types.str;
      default = "root";
      example = "daemon";
      description = "Whose it is: a name in `users.users`.";
    };

    group = mkOption {
      type = types.str;
      default = "root";
      example = "shadow";
      description = "Its group: a name in `users.groups`.";
    };
  };

  file = {
    options = owner // {
      text = mkOption {
        type = types.nullOr types.lines;
        default = null;
        example = "net.core.somaxconn = 1024\n";
        description = "What is in the file.";
      };

      source = mkOption {
        type = types.nullOr types.path;
        default = null;
        example = lib.literalExpression "./motd";
        description = "A file of the repository with the content.";
      };

      link = mkOption {
        type = types.nullOr types.nonEmptyStr;
        default = null;
        example = "../usr/lib/os-release";
        description = "What it points to, if it is a symbolic link.";
      };

      derive = mkOption {
        type = types.nullOr types.lines;
        default = null;
        example = "cat usr/share/ca-certificates/mozilla/*.crt";
        description = "A script for bash whose output is in the file. It runs when the image is composed, in a folder with what the packages bring; `packaged PROGRAM` runs a program of theirs.";
      };

      mode = mode "0644";
    };
  };

  directory = {
    options = owner // {
      mode = mode "0755";
    };
  };

  permission = {
    options = owner // {
      mode = mkOption {
        type = types.strMatching "[0-7]{4}";
        example = "4755";
        description = "The permissions, four octal digits.";
      };
    };
  };

  known = option: kind: name: {
    assertion = kind ? ${name};
    message = "there is no user or group `${name}`";
    about = [ option ];
  };

  ownersOf =
    option: set:
    builtins.concatMap (at: [
      (known [ option at "user" ] config.users.users set.${at}.user)
      (known [ option at "group" ] config.users.groups set.${at}.group)
    ]) (builtins.attrNames set);

  absolute =
    option: set:
    map (at: {
      assertion = path.check at;
      message = "`${at}` is not an absolute path in its shortest form";
      about = [
        [
          option
          at
        ]
      ];
    }) (builtins.attrNames set);
in
{
  options = {
    files = mkOption {
      type = types.attrsOf (types.coercedTo types.str (text: { inherit text; }) (types.submodule file));
      default = { };
      example = {
        "/etc/motd" = "Welcome.\n";
      };
      description = "Files of the image by absolute path; one that a package has, too, is replaced. A string is the file's text.";
    };

    directories = mkOption {
      type = types.attrsOf (types.submodule directory);
      default = { };
      example = {
        "/srv/site" = {
          user = "daemon";
        };
      };
      description = "Directories of the image by absolute path; for those that are there already, their owner and mode.";
    };

    permissions = mkOption {
      type = types.attrsOf (types.submodule permission);
      default = { };
      example = {
        "/usr/bin/su" = {
          mode = "4755";
        };
      };
      description = "Owner and mode of files that packages bring, by absolute path: setuid programs, for example.";
    };
  };

  config = {
    directories = {
      "/dev" = { };
      "/proc".mode = "0555";
      "/sys".mode = "0555";
      "/run" = { };
      "/root".mode = "0700";
      "/tmp".mode = "1777";
      "/var/tmp".mode = "1777";
      "/mnt" = { };
      "/srv" = { };
      "/home" = { };
      "/var/log" = { };
      "/var/lib" = { };
      "/var/cache" = { };
    };

    files = {
      "/var/run".link = "../run";
      "/var/lock".link = "../run/lock";
    };

    assertions =
      absolute "files" config.files
      ++ absolute "directories" config.directories
      ++ absolute "permissions" config.permissions
      ++ ownersOf "files" config.files
      ++ ownersOf "directories" config.directories
      ++ ownersOf "permissions" config.permissions
      ++ map (
        at:
        let
          file = config.files.${at};
          given = builtins.filter (kind: file.${kind} != null) [
            "text"
            "source"
            "link"
            "derive"
          ];
        in
        {
          assertion = builtins.length given == 1;
          message =
            if given == [ ] then
              "the file `${at}` has none of `text`, `source`, `link` and `derive`"
            else
              "the file `${at}` has ${
                lib.concatStringsSep " and " (map (kind: "`${kind}`") given)
              }; it takes one of them";
          about = [
            [
              "files"
              at
            ]
          ];
        }
      ) (builtins.attrNames config.files)
    ++ map (
      at:
      let
        source = config.files.${at}.source;
      in
      {
        assertion = source == null || baseNameOf (toString source) == baseNameOf at;
        message = "a file that is copied keeps its name, and `${at}` is made of `${toString source}`";
        about = [
          [
            "files"
            at
            "source"
          ]
        ];
      }
    ) (builtins.attrNames config.files);
  };
}

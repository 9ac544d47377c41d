# Who is on the system: /etc/passwd, group, shadow and gshadow are made of these options, whole.
# Invariant: a number names one user or group; what a member list names is declared.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;

  cfg = config.users;

  nobody = 65534;

  name = "[a-z_][a-z0-9_-]{0,30}";

  number =
    what:
    mkOption {
      type = types.ints.between 0 65534;
      example = 1000;
      description = "The ${what}'s number.";
    };

  field = types.strMatching "[^:\n]*" // {
    description = "a string without colons and line ends";
  };

  user =
    { name, ... }:
    {
      options = {
        uid = number "user";

        group = mkOption {
          type = types.str;
          default = name;
          defaultText = lib.literalExpression "<name>";
          example = "users";
          description = "The first group.";
        };

        groups = mkOption {
          type = types.listOf types.str;
          default = [ ];
          example = [ "sudo" ];
          description = "Further groups.";
        };

        description = mkOption {
          type = field;
          default = "";
          example = "Ada Lovelace";
          description = "The full name.";
        };

        home = mkOption {
          type = types.strMatching "/[^:\n]*";
          default = "/nonexistent";
          example = "/home/ada";
          description = "The home directory.";
        };

        createHome = mkOption {
          type = types.bool;
          default = false;
          example = true;
          description = "Whether the image has the home directory, the user's own and closed to others.";
        };

        shell = mkOption {
          type = types.strMatching "/[^:\n]*";
          default = "/usr/sbin/nologin";
          example = "/bin/bash";
          description = "The program that a login starts.";
        };

        hashedPassword = mkOption {
          type = types.nullOr (types.strMatching "(\\$[0-9a-z]+\\$[^:\n]+)?");
          default = null;
          example = "$6$salt$…";
          description = "The password as crypt(5) writes it, made by `openssl passwd -6` or `mkpasswd`; \"\" for none, null for no login by password.";
        };
      };
    };

  group = {
    options = {
      gid = number "group";

      members = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "ada" ];
        description = "Users of the group, beside those that name it in `groups`.";
      };
    };
  };

  names = builtins.attrNames;

  by =
    key: set:
    builtins.sort (
      a: b: set.${a}.${key} < set.${b}.${key} || (set.${a}.${key} == set.${b}.${key} && a < b)
    ) (names set);

  lines = f: list: lib.concatStringsSep "" (map (line: "${f line}\n") list);

  members =
    group:
    let
      joined = builtins.filter (
        user:
        builtins.elem group cfg.users.${user}.groups && !builtins.elem user cfg.groups.${group}.members
      ) (names cfg.users);
    in
    lib.concatStringsSep "," (cfg.groups.${group}.members ++ joined);

  passwd =
    name:
    let
      it = cfg.users.${name};
    in
    "${name}:x:${toString it.uid}:${
      toString (cfg.groups.${it.group} or cfg.groups.root).gid
    }:${it.description}:${it.home}:${it.shell}";

  shadow =
    name:
    let
      password = cfg.users.${name}.hashedPassword;
    in
    # The date of the last change is that of the build's epoch, 2025-01-01, so nobody is told to change it.
    "${name}:${if password == null then "!" else password}:20089:0:99999:7:::";

  # No number twice.
  unique =
    option: key: set:
    let
      sorted = by key set;
      first =
        name: builtins.head (builtins.filter (other: set.${other}.${key} == set.${name}.${key}) sorted);
    in
    map (name: {
      assertion = false;
      message = "`${first name}` and `${name}` have the same number, ${toString set.${name}.${key}}";
      about =
        map
          (name: [
            "users"
            option
            name
            key
          ])
          [
            (first name)
            name
          ];
    }) (builtins.filter (name: first name != name) sorted);

  wellNamed =
    option: set:
    map (it: {
      assertion = builtins.match name it != null;
      message = "`${it}` is not a name for a user or group: a small letter or `_`, then small letters, digits, `_` and `-`, at most 31 characters";
      about = [
        [
          "users"
          option
          it
        ]
      ];
    }) (names set);

  declared = about: set: kind: it: {
    assertion = set ? ${it};
    message = "there is no ${kind} `${it}`";
    inherit about;
  };
in
{
  options.users = {
    users = mkOption {
      type = types.attrsOf (types.submodule user);
      default = { };
      example = {
        ada = {
          uid = 1000;
          home = "/home/ada";
          createHome = true;
          shell = "/bin/bash";
        };
      };
      description = "Users by name. `root` and `nobody` are always there.";
    };

    groups = mkOption {
      type = types.attrsOf (types.submodule group);
      default = { };
      example = {
        ada.gid = 1000;
      };
      description = "Groups by name. `root` and `nogroup` are always there.";
    };

    console = mkOption {
      type = types.enum [
        "password"
        "automatic"
        "none"
      ];
      default = "password";
      example = "automatic";
      description = "What the consoles of the machine offer: a login prompt, a shell of root's at once, or nothing.";
    };
  };

  config = {
    users = {
      users = {
        root = {
          uid = 0;
          description = "root";
          home = lib.mkDefault "/root";
          shell = lib.mkDefault "/bin/bash";
        };
        nobody = {
          uid = nobody;
          group = "nogroup";
        };
      };

      groups = {
        root.gid = 0;
        nogroup.gid = nobody;
        shadow.gid = lib.mkDefault 42;
        tty.gid = lib.mkDefault 5;
      };
    };

    files = {
      "/etc/passwd" = lines passwd (by "uid" cfg.users);
      "/etc/group" = lines (name: "${name}:x:${toString cfg.groups.${name}.gid}:${members name}") (
        by "gid" cfg.groups
      );
      "/etc/shadow" = {
        text = lines shadow (by "uid" cfg.users);
        mode = "0640";
        group = "shadow";
      };
      "/etc/gshadow" = {
        text = lines (name: "${name}:*::${members name}") (by "gid" cfg.groups);
        mode = "0640";
        group = "shadow";
      };
      "/etc/subuid" = "";
      "/etc/subgid" = "";
    };

    directories = builtins.listToAttrs (
      map (name: {
        name = cfg.users.${name}.home;
        value = {
          mode = "0700";
          user = name;
          inherit (cfg.users.${name}) group;
        };
      }) (builtins.filter (name: cfg.users.${name}.createHome) (names cfg.users))
    );

    assertions =
      wellNamed "users" cfg.users
      ++ wellNamed "groups" cfg.groups
      ++ unique "users" "uid" cfg.users
      ++ unique "groups" "gid" cfg.groups
      ++ builtins.concatMap (
        name:
        let
          at = key: [
            [
              "users"
              "users"
              name
              key
            ]
          ];
        in
        [ (declared (at "group") cfg.groups "group" cfg.users.${name}.group) ]
        ++ map (declared (at "groups") cfg.groups "group") cfg.users.${name}.groups
      ) (names cfg.users)
      ++ builtins.concatMap (
        name:
        map (declared [
          [
            "users"
            "groups"
            name
            "members"
          ]
        ] cfg.users "user") cfg.groups.${name}.members
      ) (names cfg.groups);
  };
}

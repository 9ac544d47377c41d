# The root file system of a whole system: its packages, what modules/system renders, and the modes and owners that a
# tree cannot carry. rootfs.nix calls it. Invariant: what modules say wins over a package's file of that name.
{
  lib,
  pkgs,
  config,
  options,
  name,
}:
let
  modules = import ../modules/lib;

  inherit (config)
    directories
    files
    permissions
    users
    ;

  unique = builtins.foldl' (all: name: if builtins.elem name all then all else all ++ [ name ]) [ ];

  # A package built from source, by name.
  package =
    name:
    pkgs.${name} or (modules.fail {
      message = "there is no package `${name}`: pkgs/by-name/${name} does not exist";
      at = placesOf "named here" options.packages;
      help = modules.didYouMean name (builtins.attrNames pkgs);
    });

  placesOf = label: option: map (modules.place label) option.definitionsWithLocations;

  # What must not be in an image of rebuilt packages, with who says so. That a distribution's must not is an assertion
  # of modules/system/packages.nix.
  rebuilt =
    value:
    if config.userland == "any" then
      value
    else
      builtins.foldl' (
        value: name:
        let
          provenance = (package name).provenance or "of unknown origin";
        in
        if provenance == "rebuilt" then
          value
        else
          modules.fail {
            message = "`userland` is \"rebuilt\", and the package `${name}` is ${provenance}";
            at =
              placesOf "only rebuilt packages are wanted" options.userland
              ++ placesOf "the package" options.packages;
          }
      ) value config.packages;

  distribution = pkgs.distribution {
    name = "${name}-${config.distribution}";
    input = config.distribution;
    sets = config.packageSets;
  };

  # What packages bring, each path by one of them.
  packages = rebuilt (
    lib.merge {
      name = "${name}-packages";
      trees =
        (
          if config.distribution == null then
            [ ]
          else
            [ distribution.tree ]
        )
        ++ (
          if config.packages == [ ] then
            [ ]
          else
            [
              (pkgs.system {
                name = "${name}-rebuilt";
                packages = map package (unique config.packages);
              })
            ]
        );
    }
  );

  having = key: builtins.filter (at: files.${at}.${key} != null) (builtins.attrNames files);

  take =
    key: names:
    builtins.listToAttrs (
      map (at: {
        name = at;
        value = files.${at}.${key};
      }) names
    );

  rendered = lib.write {
    name = "${name}-files";
    files = take "text" (having "text");
    links = take "link" (having "link");
  };

  # A file keeps its name, so its tree is placed at the folder.
  copied = map (
    at:
    lib.merge {
      name = "${name}-copied";
      place.${dirOf at} = [ files.${at}.source ];
    }
  ) (having "source");

  # What is computed from what the packages bring, also by their own programs: a build runs on an ordinary kernel, so
  # `packaged PROGRAM` runs them with the loader for such.
  derived = builtins.mapAttrs (
    at: script:
    lib.run {
      name = "${name}-${baseNameOf at}";
      root = pkgs.seed.base;
      mounts = {
        "/packages" = packages;
        "/compat" = pkgs.profileTarget.toolchain.glibc.compat;
      };
      env.name = baseNameOf at;
      script = ''
        packaged() {
          local program=/packages/usr/bin/$1 own=/packages/usr/lib64 debian=/packages/usr/lib/$(uname -m)-linux-gnu
          shift
          /compat/usr/lib*/ld-linux-*.so.* --library-path "$own:$debian:$debian/systemd" "$program" "$@"
        }
        mkdir -p $out
        cd /packages
        exec >"$out/$name"
        ${script}'';
    }
  ) (take "derive" (having "derive"));

  # A tree is placed at the folder of its file.
  deriveds = map (
    at:
    lib.merge {
      name = "${name}-derived";
      place.${dirOf at} = derived.${at};
    }
  ) (builtins.attrNames derived);

  # /bin and its like are links into /usr in every layout that we make.
  layout = {
    "/bin" = "usr/bin";
    "/lib" = "usr/lib";
    "/lib64" = "usr/lib64";
    "/sbin" = "usr/sbin";
  };

  owner =
    it:
    {
      inherit (it) mode;
    }
    // (
      if it.user == "root" && it.group == "root" then
        { }
      else
        {
          inherit (users.users.${it.user}) uid;
          inherit (users.groups.${it.group}) gid;
        }
    );

  usual = it: it.mode == "0644" && it.user == "root" && it.group == "root";

  ownFiles = builtins.filter (at: files.${at}.link == null && !usual files.${at}) (
    builtins.attrNames files
  );

  device = type: major: minor: mode: {
    inherit
      type
      major
      minor
      mode
      ;
  };

  parts = [
    packages
    rendered
  ]
  ++ deriveds
  ++ copied;

  tree = lib.merge {
    name = "${name}-rootfs";
    trees = parts;
    links = layout;
    lastWins = true;
  };

  # No image is made of files that break the rules of XSC, but for what the profile exempts and `exempt` does.
  auditOf =
    name: tree: exempt:
    lib.audit {
      inherit name tree;
      require = config.profile.variant;
      machine = pkgs.profileTarget.arch;
      exempt = config.audit.exempt // exempt;
    };

  audit = auditOf "${name}-audit" tree { };
in
{
  inherit
    audit
    auditOf
    packages
    parts
    rendered
    tree
    ;

  audits = [ audit ];

  # Modes and owners of the distribution's files; `nodes` come after them.
  owners = if config.distribution == null then [ ] else [ distribution.owners ];

  nodes =
    builtins.mapAttrs (_: directory: { type = "directory"; } // owner directory) directories
    // builtins.mapAttrs (_: owner) permissions
    // builtins.listToAttrs (
      map (at: {
        name = at;
        value = owner files.${at};
      }) ownFiles
    )
    // {
      # The kernel opens it for init before anything is mounted.
      "/dev/console" = device "char" 5 1 "0600";
      "/dev/null" = device "char" 1 3 "0666";
    };
}

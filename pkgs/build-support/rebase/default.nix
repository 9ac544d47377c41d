# Debian's binary packages as packages of XSC: since only libc traps, the others run once their ELF files carry the
# note. pkgs/default.nix calls it; debian-base's root is made of what it returns. Which packages are rebuilt
# instead, and why, stands here and nowhere else.
{
  lib,
  inputs,
  x86_64-base,
}:
let
  # What is appended to the version of every package of the set.
  suffix = "+xsc1";

  # Debian's names of the architectures.
  from = "amd64";
  architecture = "xsc-amd64";

  # Packages that come from recipes, with the version they have: libc, because it traps, the compiler's libraries,
  # which the toolchain has anyway, and dpkg, because its own architecture is compiled in.
  rebuilt = {
    dpkg = "${inputs.dpkg.version}${suffix}";
    libc6 = "2.41-12${suffix}";
    libgcc-s1 = "14.2.0-19${suffix}";
    "libstdc++6" = "14.2.0-19${suffix}";
    gcc-14-base = "14.2.0-19${suffix}";
  };

  # What dependents need at least: of libraries ours and no earlier one. A program's versions are Debian's.
  minimal = builtins.removeAttrs rebuilt [ "dpkg" ];

  # Files that hold trap instructions: ldconfig, which is static and comes with our libc; and libpsx, which returns
  # from its signal handler by itself and which nothing of the sets needs.
  dropped = {
    libc-bin = [ "/usr/sbin/ldconfig" ];
    libcap2 = [
      "/usr/lib/x86_64-linux-gnu/libpsx.so.2"
      "/usr/lib/x86_64-linux-gnu/libpsx.so.2.75"
    ];
  };

  # sqv makes its calls without libc, so apt verifies with gpgv, which it takes where sqv is not there.
  substituted = {
    apt = {
      sqv = "gpgv";
    };
  };

  inherit (inputs.debian-base) packages sets;

  # What the packages' scripts register with update-alternatives: package, name, path, priority. All links are in
  # /usr/bin but rmt's.
  choices =
    let
      choice = package: name: path: priority: {
        inherit
          package
          name
          path
          priority
          ;
        link = "/usr/bin/${name}";
      };
    in
    [
      (choice "debianutils" "which" "/usr/bin/which.debianutils" 0)
      (choice "less" "pager" "/usr/bin/less" 77)
      (choice "mawk" "awk" "/usr/bin/mawk" 5)
      (choice "nano" "editor" "/usr/bin/nano" 40)
      (choice "nano" "pico" "/usr/bin/nano" 10)
      (choice "util-linux" "pager" "/usr/bin/more" 50)
      (choice "vim-tiny" "editor" "/usr/bin/vim.tiny" 15)
      (choice "vim-tiny" "ex" "/usr/bin/vim.tiny" 15)
      (choice "vim-tiny" "rview" "/usr/bin/vim.tiny" 15)
      (choice "vim-tiny" "vi" "/usr/bin/vim.tiny" 15)
      (choice "vim-tiny" "view" "/usr/bin/vim.tiny" 15)
      (choice "tar" "rmt" "/usr/sbin/rmt-tar" 50 // { link = "/usr/sbin/rmt"; })
    ];

  alternativesOf =
    names:
    builtins.foldl' (
      all: choice:
      if builtins.elem choice.package names then
        all
        // {
          ${choice.name} = {
            inherit (choice) link;
            choices = (all.${choice.name}.choices or { }) // {
              ${choice.path} = choice.priority;
            };
          };
        }
      else
        all
    ) { } choices;

  # One package, rebased.
  package =
    name:
    lib.rebase {
      inherit name suffix architecture;
      inherit (packages.${name}) version;
      src = lib.fetch packages.${name};
      fromArchitecture = from;
      inherit minimal;
      drop = dropped.${name} or [ ];
      substitute = substituted.${name} or { };
    };

  rebased = builtins.mapAttrs (name: _: package name) packages;

  # The names of the packages of some sets that are rebased.
  wanted =
    names:
    builtins.filter (name: !(rebuilt ? ${name})) (
      builtins.attrNames (
        builtins.listToAttrs (
          map (name: {
            inherit name;
            value = null;
          }) (builtins.concatMap (set: sets.${set}) names)
        )
      )
    );

  # What is rebuilt as packages, under the names that Debian's packages depend on.
  libc = lib.deb {
    name = "libc6";
    version = rebuilt.libc6;
    inherit architecture;
    description = "GNU C library whose calls go through the gate of XSC";
    tree = x86_64-base.glibc;
    # Its programs (getent, iconv, ...) stand in libc-bin too, which has the locale C.utf8 besides; netbase has its
    # /etc/rpc.
    fields = {
      Multi-Arch = "same";
      Priority = "required";
      Replaces = "libc-bin, netbase";
      Section = "libs";
    };
  };

  gcc = lib.deb {
    name = "libgcc-s1";
    version = rebuilt.libgcc-s1;
    inherit architecture;
    description = "Libraries of GCC: libgcc, libstdc++, libatomic, libgomp";
    tree = x86_64-base.gcc-libs;
    needs = [ libc ];
    fields = {
      Multi-Arch = "same";
      Priority = "required";
      Provides = builtins.concatStringsSep ", " (
        map (name: "${name} (= ${rebuilt.${name}})") [
          "gcc-14-base"
          "libstdc++6"
        ]
      );
      Section = "libs";
    };
  };

  dpkg = lib.deb {
    name = "dpkg";
    version = rebuilt.dpkg;
    inherit architecture;
    description = "Debian package management system, of XSC's architectures";
    tree = x86_64-base.dpkg;
    needs = [
      libc
      rebased."libbz2-1.0"
      rebased.liblzma5
      rebased.libmd0
      rebased.libzstd1
      rebased.zlib1g
    ];
    depends = [ "tar (>= 1.28-1)" ];
    fields = {
      Breaks = "libapt-pkg5.0 (<< 1.7~b), lsb-base (<< 10.2019031300)";
      Essential = "yes";
      Multi-Arch = "foreign";
      Priority = "required";
      Section = "admin";
    };
  };

  runtime = [
    libc
    gcc
    dpkg
  ];
in
{
  inherit
    rebuilt
    rebased
    architecture
    suffix
    ;

  inherit runtime;

  # The packages of each set, each in a folder of its own: what a repository is made of.
  pools = builtins.mapAttrs (
    set: _:
    lib.merge {
      name = "debian-base-${set}";
      place = builtins.listToAttrs (
        map (name: {
          name = "/pool/${name}";
          value = rebased.${name};
        }) (wanted [ set ])
      );
    }
  ) sets;

  # The root file system of some sets, as debRoot gives it: `tree`, and `owners` for what a tree does not carry.
  # `extra` are the packages that recipes bring, as lib.deb makes them.
  root =
    {
      name,
      sets,
      extra ? runtime,
      # Names of rebased packages that are left out, for recipes that bring them too.
      without ? [ ],
      exclude ? [ ],
      userland ? "any",
    }:
    let
      names = builtins.filter (package: !(builtins.elem package without)) (wanted sets);
    in
    lib.debRoot {
      inherit
        name
        architecture
        exclude
        userland
        ;
      alternatives = alternativesOf names;
      packages = map (package: rebased.${package}) names ++ extra;
    };
}

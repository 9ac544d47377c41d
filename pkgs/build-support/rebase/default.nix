# Debian's binary packages as packages of XSC: since only libc traps, the others run once their ELF files carry the
# note. pkgs/default.nix calls it; debian-base's root is made of what it returns. Which packages are rebuilt
# instead, and why, stands here and nowhere else.
{ lib, inputs }:
let
  # What is appended to the version of every package of the set.
  suffix = "+xsc1";

  # Debian's names of the architectures.
  from = "amd64";
  architecture = "xsc-amd64";

  # Packages that come from recipes, with the version they have. Those that hold trap instructions (libc6 and
  # libc-bin, whose ldconfig is static), and the compiler's libraries, which the toolchain has anyway.
  rebuilt = {
    libc6 = "2.41-12${suffix}";
    libc-bin = "2.41-12${suffix}";
    libgcc-s1 = "14.2.0-19${suffix}";
    "libstdc++6" = "14.2.0-19${suffix}";
    gcc-14-base = "14.2.0-19${suffix}";
  };

  # Files that hold trap instructions and that nothing of the sets needs: libpsx returns from its signal handler by
  # itself.
  dropped = {
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
      minimal = rebuilt;
      drop = dropped.${name} or [ ];
      substitute = substituted.${name} or { };
    };

  rebased = builtins.mapAttrs (name: _: package name) packages;

  wanted = set: builtins.filter (name: !(rebuilt ? ${name})) sets.${set};
in
{
  inherit
    rebuilt
    rebased
    architecture
    suffix
    ;

  # The rebased packages of a set, without those that recipes have to bring.
  packagesOf = set: map (name: rebased.${name}) (wanted set);

  # The names of a set's packages that recipes have to bring.
  missingOf = set: builtins.filter (name: rebuilt ? ${name}) sets.${set};

  # The root file system of a set: `tree`, and `owners` for what a tree does not carry. `extra` are the
  # packages that recipes bring, as lib.deb makes them; `without` names rebased ones that are left out.
  root =
    {
      name,
      set,
      extra ? [ ],
      # Names of rebased packages that are left out, for recipes that bring them too.
      without ? [ ],
      exclude ? [ ],
      userland ? "any",
    }:
    let
      names = builtins.filter (package: !(builtins.elem package without)) (wanted set);
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

# `build` for one target: how a package for XSC is made from its source. pkgs/default.nix calls this file once for each
# machine and variant; recipes ask for `build` by name. Invariant: a build sees the seed's programs, the toolchain of its
# target and what it names in `buildInputs`, whose headers and libraries are merged into the toolchain's sysroot.
{
  lib,
  seed,
  # "x86_64-base": a variant is part of the type of a package.
  target,
  # { triplet; arch; variant; loader; }
  machine,
  # One tree: compiler, binutils, sysroot.
  toolchain,
}:
let
  inherit (machine) triplet;

  sysroot = "/usr/${triplet}/sysroot";

  # Without C++ and what else comes after the C library: an edit there builds no C program again.
  forC = lib.merge {
    name = "toolchain-c-${target}";
    trees = [
      toolchain.compiler
      toolchain.specs
      toolchain.binutils
      toolchain.libgcc
    ];
    place.${sysroot} = lib.merge {
      name = "sysroot-c-${target}";
      trees = [
        toolchain.headers
        toolchain.glibc.libc
      ];
      links = {
        "/lib" = "usr/lib";
        "/lib64" = "usr/lib64";
      };
    };
  };

  # `package` belongs to this target, or an error that names both.
  ours =
    user: package:
    if package.target == target then
      package
    else
      throw "${user} for ${target} cannot use ${package.name} for ${package.target}: variants and machines do not mix";

  # Packages with what `others` says of each, each once.
  withOthers =
    others: packages:
    builtins.attrValues (
      builtins.listToAttrs (
        builtins.concatMap (
          package:
          map (value: {
            name = value.pname;
            inherit value;
          }) ([ package ] ++ others package)
        ) packages
      )
    );

  # With all that they need to run; and with all that something needs to be linked with them.
  closureOf = withOthers (package: package.closure);
  linkedWith = withOthers (package: package.linked);

  quoted = words: builtins.concatStringsSep "\n" words;

  # Settings of configure's cache as lines of its site file.
  siteLines = answers: map (name: "${name}=\"\${${name}=${answers.${name}}}\"") (builtins.attrNames answers);

  formats = import ./packages.nix { inherit lib machine; };

  runtime = import ./runtime.nix {
    inherit
      lib
      seed
      target
      machine
      toolchain
      ;
    inherit (formats) packaged;
  };

  # What upstream ships, as a tree.
  unpack =
    name: version: src: exclude:
    if builtins.match ".*[.]bz2" src.name == null then
      lib.unpackTar {
        name = "${name}-source-${version}";
        src = lib.fetch src;
        inherit exclude;
      }
    else
      # The composer reads no bzip2.
      lib.run {
        name = "${name}-source-${version}";
        root = seed.userland;
        # Upstream's texts have folders of that name, too.
        keepsBuildDir = true;
        mounts."/archive" = lib.fetch src;
        script = ''
          mkdir -p $out
          tar -C $out --strip-components=1 --no-same-owner -xf /archive/*
        '';
      };
in
rec {
  inherit target runtime;

  build =
    {
      name,
      version ? src.version,
      src,
      # Paths of it that are left out, such as what is no file.
      exclude ? [ ],
      # A folder with patches and their order in `series`.
      patches ? null,
      # More files of the recipe, at /src/files.
      files ? [ ],
      # Packages whose headers and libraries this one is compiled with.
      buildInputs ? [ ],
      # Whether it is compiled with C++, too.
      cxx ? false,
      # Packages whose programs it runs.
      runtimeInputs ? [ ],
      configureFlags ? [ ],
      makeFlags ? [ ],
      installFlags ? [ ],
      # What configure cannot find out without running a program: its cache variables.
      answers ? { },
      # Variables that ./answers has another answer for than this package's configure finds, for its dialect of C.
      asksAgain ? [ ],
      # More environment, such as CFLAGS_EXTRA.
      env ? { },
      # Phases as bash; the default of each is a function of scripts/build.sh with the same name.
      prepare ? ":",
      configure ? "configure_default",
      compile ? "compile_default",
      install ? "install_default",
      finish ? ":",
      # Phase that puts the package's own tests and a script `run` into $suite/usr/libexec/xsc-suites/<name>.
      suite ? null,
      # Files of `out` that belong to `dev` beside the usual ones: patterns below the root.
      devFiles ? [ ],
      # Installed files that may name the source's folder.
      mayNameSource ? [ ],
      # Whether other programs are compiled with it: `dev` is then a package of its own.
      library ? false,
      # Modes that a tree cannot carry, path = octal digits.
      modes ? { },
      meta,
      # A script for the running system: ends with 0 if the package works, 77 if it cannot be tested.
      test ? null,
    }:
    let
      inputs = map (ours name) (linkedWith buildInputs);

      source = unpack name version src exclude;

      root = lib.merge {
        name = "${name}-root-${target}";
        trees = [
          seed.target
          seed.userland
          (if cxx then toolchain else forC)
        ];
        # What maintainer scripts of the seed would have made.
        links = {
          "/usr/bin/aclocal" = "aclocal-1.17";
          "/usr/bin/automake" = "automake-1.17";
          "/usr/bin/cc" = "gcc";
          "/usr/bin/c++" = "g++";
          "/usr/bin/yacc" = "bison.yacc";
        };
        place =
          if inputs == [ ] then
            { }
          else
            {
              ${sysroot} = lib.merge {
                name = "${name}-inputs-${target}";
                trees = builtins.concatMap (package: [
                  package.out
                  package.dev
                ]) inputs;
              };
            };
      };

      built = lib.run {
        name = "${name}-${version}-${target}";
        inherit root;
        parallel = true;
        # Manuals and test suites of upstream have such a name; scripts/check.sh refuses it in `out` and `dev`.
        keepsBuildDir = true;
        outputs = [
          "out"
          "dev"
          "doc"
          # What configure found out; answers/common is made of these.
          "answers"
        ]
        ++ (if suite == null then [ ] else [ "suite" ]);
        writable."/src/${name}" = source;
        mounts = {
          "/xsc/scripts" = [
            ./scripts/build.sh
            ./scripts/check.sh
            ./scripts/compiler.sh
            ./scripts/pkg-config.sh
            ./scripts/split.sh
          ];
          "/xsc/answers" = ./answers;
        }
        // (if patches == null then { } else { "/src/patches" = patches; })
        // (if files == [ ] then { } else { "/src/files" = files; });
        env = {
          XSC_NAME = name;
          XSC_VERSION = version;
          XSC_TARGET = target;
          XSC_TRIPLET = triplet;
          XSC_ARCH = machine.arch;
          XSC_LOADER = machine.loader;
          XSC_SYSROOT = sysroot;
          XSC_ANSWERS = quoted (siteLines answers ++ map (variable: "unset ${variable}") asksAgain);
          XSC_CONFIGURE_FLAGS = quoted configureFlags;
          XSC_MAKE_FLAGS = quoted makeFlags;
          XSC_INSTALL_FLAGS = quoted installFlags;
          XSC_DEV_FILES = quoted devFiles;
          XSC_MAY_NAME_SOURCE = quoted mayNameSource;
          XSC_PREPARE = prepare;
          XSC_CONFIGURE = configure;
          XSC_COMPILE = compile;
          XSC_INSTALL = install;
          XSC_FINISH = finish;
          XSC_SUITE = if suite == null then "" else suite;
        }
        // env;
        script = ". /xsc/scripts/build.sh";
      };

      package = built // {
        pname = name;
        inherit
          version
          meta
          target
          source
          buildInputs
          runtimeInputs
          library
          modes
          ;
        # Where its files come from; pkgs/build-support/rebase has the other word.
        provenance = "rebuilt";
        # What else must be there to run it, and to link with it.
        closure = closureOf (buildInputs ++ runtimeInputs);
        linked = linkedWith buildInputs;
        # The script as a tree, for `userlandTests`.
        test =
          if test == null then
            null
          else
            lib.merge {
              name = "${name}-test";
              place."/usr/libexec/xsc-tests/${name}" = [ test ];
            };
      };
    in
    package
    // formats.packaged {
      inherit package;
      runtime = builtins.attrValues runtime;
    };

  # The files for package managers of `packages`, in folders by target, format and name.
  pool =
    packages:
    formats.pool {
      name = "pool-${target}";
      packages = closureOf (packages ++ builtins.attrValues runtime);
    };

  # The runtime files of packages, of all that they need and of the C library as one tree. Two files at one path are an error, and so is
  # a package of another variant or machine.
  system =
    { name, packages }:
    lib.merge {
      inherit name;
      trees = map (package: (ours name package).out) (closureOf (packages ++ builtins.attrValues runtime));
    };

  # Builds if the guards of builds refuse what they must; needs no toolchain.
  guards = lib.run {
    name = "build-guards";
    root = seed.target;
    mounts = {
      "/xsc/scripts" = [
        ./scripts/check.sh
        ./scripts/compiler.sh
      ];
      "/xsc/tests" = [ ./tests/guards.sh ];
    };
    script = "bash /xsc/tests/guards.sh";
  };

  # The tests of packages, and the program that runs them, as a tree for an image.
  userlandTests =
    { packages }:
    lib.merge {
      name = "userland-tests-${target}";
      trees = builtins.concatMap (package: if package.test == null then [ ] else [ package.test ]) packages;
      place."/usr/libexec/xsc-tests" = [ ./scripts/run-tests.sh ];
    };
}

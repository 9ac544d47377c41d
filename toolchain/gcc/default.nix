# GCC: the compiler proper, once a machine, and the libraries that its programs need, once a variant. Each attribute is
# a function of the stage before. toolchain/default.nix calls this file and says in which order.
{
  lib,
  inputs,
  seed,
}:
let
  inherit (inputs.gcc) version;

  # Debian's archive holds GCC's as one file.
  archive = lib.unpackTar {
    name = "gcc-archive-${version}";
    src = lib.fetch inputs.gcc;
    include = [ "gcc-*.tar.xz" ];
    exclude = [ "*" ];
  };

  # The compiler reads one part and its libraries another, so that a patch to a library does not
  # compile the compiler again.
  source =
    part: members: mounts:
    lib.run {
      name = "gcc-${part}-source-${version}";
      # Upstream's texts have folders of that name, too.
      keepsBuildDir = true;
      root = seed.base;
      mounts = {
        "/src/orig" = archive;
        "/src/patches" = ./patches + "/${part}";
        "/src/scripts" = [
          ./scripts/source.sh
          ../scripts/patch.sh
        ];
      }
      // mounts;
      env = {
        members = builtins.concatStringsSep " " (map (member: "gcc-*/${member}") members);
        # Half of GCC's files are tests.
        exclude = "gcc-*/gcc/testsuite/[!s]*";
      };
      script = "sh /src/scripts/source.sh";
    };

  # What configure scripts and makefiles of both parts read.
  common = [
    "COPYING*"
    "Makefile.*"
    "ar-lib"
    "compile"
    "config"
    "config-ml.in"
    "config.*"
    "configure*"
    "depcomp"
    "include"
    "install-sh"
    "libbacktrace"
    "libiberty"
    "libtool*"
    "ltmain.sh"
    "missing"
    "mkdep"
    "mkinstalldirs"
    "move-if-change"
    "multilib.am"
    "symlink-tree"
    "ylwrap"
  ];

  compilerSource =
    source "compiler"
      (
        common
        ++ [
          "c++tools"
          # Whole: its makefiles name files of every language, built or not.
          "gcc"
          "libcody"
          "libcpp"
          "libdecnumber"
          "libgcc"
          "zlib"
        ]
      )
      {
        "/src/overlay" = ./overlay;
      };

  librariesSource = source "libraries" (
    common
    ++ [
      "gcc/*.*"
      "gcc/BASE-VER"
      "gcc/DATESTAMP"
      "gcc/DEV-PHASE"
      "gcc/common"
      "gcc/config"
      "gcc/ginclude"
      "libatomic"
      "libdecnumber"
      "libgcc"
      "libgomp"
      "libstdc++-v3"
    ]
  ) { };
in
{
  inherit version;

  # The compiler of one machine. `build` is its build directory, from which libgcc is configured.
  compiler =
    { machine, glibcVersion }:
    let
      build = lib.run {
        name = "gcc-build-${machine.name}-${version}";
        root = seed.compiler;
        parallel = true;
        # Makefiles and configuration files of the build directory are read again there.
        keepsBuildDir = true;
        mounts = {
          "/src/gcc" = compilerSource;
          "/src/scripts" = [ ./scripts/build.sh ];
        };
        env = {
          inherit (machine) triplet;
          seed_tools = machine.seedTools;
          glibc_version = glibcVersion;
          compiler_flags = builtins.concatStringsSep " " machine.compilerFlags;
        };
        script = "sh /src/scripts/build.sh";
      };
    in
    lib.run {
      name = "gcc-${machine.name}-${version}";
      root = seed.compiler;
      mounts = {
        "/src/build" = build;
        "/src/scripts" = [ ./scripts/install.sh ];
      };
      env = {
        inherit version;
        inherit (machine) triplet;
      };
      script = "sh /src/scripts/install.sh";
    }
    // {
      inherit build;
    };

  # libgcc for one machine and variant. `root` holds the compiler with its specs, the binutils and a sysroot: of the C
  # library only the headers, or (`shared`) all of it.
  libgcc =
    {
      machine,
      variant,
      compiler,
      root,
      shared,
    }:
    lib.run {
      name = "libgcc${if shared then "" else "-static"}-${machine.name}-${variant}-${version}";
      inherit root;
      parallel = true;
      mounts = {
        "/src/gcc" = librariesSource;
        "/src/build" = compiler.build;
        "/src/scripts" = [ ./scripts/libgcc.sh ];
      };
      env = {
        inherit version variant;
        inherit (machine) triplet;
        shared = if shared then "yes" else "no";
      };
      script = "sh /src/scripts/libgcc.sh";
    };

  # libstdc++, libatomic and libgomp for one machine and variant; `root` holds everything before them.
  libraries =
    {
      machine,
      variant,
      root,
    }:
    lib.run {
      name = "gcc-libraries-${machine.name}-${variant}-${version}";
      inherit root;
      parallel = true;
      mounts = {
        "/src/gcc" = librariesSource;
        "/src/scripts" = [ ./scripts/libraries.sh ];
      };
      env = {
        inherit version variant;
        inherit (machine) triplet;
      };
      script = "sh /src/scripts/libraries.sh";
    };
}

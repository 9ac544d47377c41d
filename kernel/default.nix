# The XSC kernel, in three steps so that an edit rebuilds only what it touches (docs/adr/0006):
# `objects` compiles Linux with our patches and hooks once, `driver` compiles drivers/xsc on top of
# it into one object, `kernel` links. A driver edit that gives the same object stops before the
# link. pkgs/default.nix calls this file; what happens inside a step is in scripts/.
{
  lib,
  inputs,
  seed,
  config,
}:
let
  inherit (inputs.linux) version;

  # The part of the tree that our two architectures need, without Documentation: one for both, as
  # the patches are. Kconfig reads every Kconfig file, so those stay.
  source = lib.unpackTar {
    name = "linux-source-${version}";
    src = lib.fetch inputs.linux;
    exclude = import ./exclude.nix;
    # Kconfig reads these two.
    include = [
      "Documentation/Kconfig"
      "arch/*/crypto/Kconfig"
      # fs/hostfs includes its rules.
      "arch/um/scripts"
    ];
  };

  # The headers that programs without a C library are written with.
  nolibc = lib.run {
    name = "linux-nolibc-${version}";
    root = seed.base;
    mounts."/src/linux" = source;
    script = "cp -r /src/linux/tools/include/nolibc $out";
  };

  # The headers of one machine for programs with a C library; no profile's configuration is in them.
  headers =
    kernelArch:
    lib.run {
      name = "linux-headers-${kernelArch}-${version}";
      root = seed.kernel;
      parallel = true;
      writable."/src/linux" = source;
      mounts = {
        "/src/overlay/include/uapi" = ./include/uapi;
        "/src/scripts" = [ ./scripts/headers.sh ];
      };
      env.XSC_ARCH = kernelArch;
      script = "sh /src/scripts/headers.sh";
    };

  inherit (config) machine;
  inherit (config.kernel) fragments;

  root = seed.${machine.toolchain};

  scripts = name: [
    (./scripts + "/${name}.sh")
    ./scripts/lib.sh
    ./scripts/check-config.sh
  ];

  env = {
    KBUILD_BUILD_TIMESTAMP = "Wed Jan  1 00:00:00 UTC 2025";
    KBUILD_BUILD_USER = "xsc";
    KBUILD_BUILD_HOST = "xsc";
    XSC_ARCH = machine.kernelArch;
    XSC_FRAGMENTS = builtins.concatStringsSep " " fragments;
    CROSS_COMPILE = machine.cross;
  };

  # What every step reads.
  shared = step: {
    "/src/config" = map (name: ./config + "/${name}.config") fragments;
    "/src/patches" = ./patches/6.12;
    "/src/scripts" = scripts step;
  };

  # What the rest of Linux knows of us: nothing that the driver's own files or the interface of
  # programs say, so an edit of these compiles the driver alone.
  hooks = lib.merge {
    name = "linux-hooks";
    place = {
      "/arch" = ./arch;
      "/drivers/xsc" = [ ./drivers/xsc/Kconfig ];
      "/include/linux" = ./include/linux;
    };
  };

  objects = lib.run {
    name = "linux-objects-${version}";
    parallel = true;
    keepsBuildDir = true;
    inherit root env;
    writable."/src/linux" = source;
    mounts = shared "objects" // {
      "/src/overlay" = hooks;
    };
    script = "sh /src/scripts/objects.sh";
  };

  # What the driver and the link step start from: private copies of the source and the objects.
  withTree =
    step:
    lib.run (
      {
        parallel = true;
        inherit root env;
        writable = {
          "/src/linux" = source;
          "/build/objects" = objects;
        };
      }
      // step
    );

  driver = withTree {
    name = "linux-driver-${version}";
    mounts = shared "driver" // {
      "/src/overlay" = [
        ./arch
        ./drivers
        ./include
      ];
    };
    script = "sh /src/scripts/driver.sh";
  };

  kernel = withTree {
    name = "linux-${version}";
    mounts = shared "link" // {
      "/src/overlay" = hooks;
      "/src/xsc" = driver;
    };
    script = "sh /src/scripts/link.sh";
  };
in
{
  inherit
    source
    objects
    driver
    headers
    kernel
    nolibc
    version
    ;
}

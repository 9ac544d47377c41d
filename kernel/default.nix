# The XSC kernel, in three steps so that an edit rebuilds only what it touches (docs/adr/0006):
# `objects` compiles the vanilla tree once, `driver` compiles drivers/xsc on top of it into one
# object, `kernel` links. A driver edit that gives the same object stops before the link.
# pkgs/default.nix calls this file; what happens inside a step is in scripts/.
{
  lib,
  inputs,
  seed,
  config,
}:
let
  inherit (inputs.linux) version;

  # The part of the tree that an x86_64 kernel without sound, Documentation and other
  # architectures needs. Kconfig reads every Kconfig file, so those stay.
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

  fragments = config.kernel.fragments;

  configFiles = names: map (name: ./config + "/${name}.config") names;

  scripts = name: [
    (./scripts + "/${name}.sh")
    ./scripts/lib.sh
    ./scripts/check-config.sh
  ];

  env = {
    KBUILD_BUILD_TIMESTAMP = "Wed Jan  1 00:00:00 UTC 2025";
    KBUILD_BUILD_USER = "xsc";
    KBUILD_BUILD_HOST = "xsc";
    XSC_FRAGMENTS = builtins.concatStringsSep " " fragments;
  };

  objects = lib.run {
    name = "linux-objects-${version}";
    root = seed.kernel;
    parallel = true;
    keepsBuildDir = true;
    inherit env;
    mounts = {
      "/src/linux" = source;
      "/src/config" = configFiles fragments;
      "/src/scripts" = scripts "vanilla";
    };
    script = "sh /src/scripts/vanilla.sh";
  };

  # What the driver and the link step start from: private copies of the source and the objects.
  withTree =
    step:
    lib.run (
      {
        root = seed.kernel;
        parallel = true;
        inherit env;
        writable = {
          "/src/linux" = source;
          "/build/objects" = objects;
        };
      }
      // step
    );

  driver = withTree {
    name = "linux-driver-${version}";
    mounts = {
      "/src/config" = configFiles (fragments ++ [ "xsc" ]);
      "/src/patches" = ./patches/6.12;
      "/src/overlay" = [
        ./drivers
        ./include
      ];
      "/src/scripts" = scripts "driver";
    };
    script = "sh /src/scripts/driver.sh";
  };

  kernel = withTree {
    name = "linux-${version}";
    mounts = {
      "/src/config" = configFiles (fragments ++ [ "xsc" ]);
      "/src/patches" = ./patches/6.12;
      "/src/overlay" = lib.merge {
        name = "linux-overlay";
        place = {
          "/drivers/xsc" = [ ./drivers/xsc/Kconfig ];
          "/include" = ./include;
        };
      };
      "/src/xsc" = driver;
      "/src/scripts" = scripts "link";
    };
    script = "sh /src/scripts/link.sh";
  };
in
{
  inherit
    source
    objects
    driver
    kernel
    version
    ;
}
